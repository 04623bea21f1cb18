"""pyproject.toml, requirements.txt and environment.yml in lock step.

Neither conda nor a network is needed. Besides: text means the same anywhere.
"""

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK_TEXT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
# A pin begins a line; its hashes follow, indented.
PINS = re.findall(r"^([a-z0-9].*?) \\\n((?: {4}--hash.*\n)+)", LOCK_TEXT, re.M)
LOCK = [Requirement(pin) for pin, _ in PINS]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))

SYSTEMS = {
    "linux-x86_64": ("linux", "Linux", "x86_64", "posix"),
    "linux-aarch64": ("linux", "Linux", "aarch64", "posix"),
    "windows": ("win32", "Windows", "AMD64", "nt"),
    "macos-arm64": ("darwin", "Darwin", "arm64", "posix"),
}
# Debian 12 has 3.11.2, where some packages need an older version.
PYTHONS = ("3.11.2", "3.11.9", "3.12.4", "3.13.1")


def environment(system: str, python: str) -> dict[str, str]:
    """The markers of a system that is not this one."""
    platform, name, machine, os_name = SYSTEMS[system]
    return {
        "sys_platform": platform,
        "platform_system": name,
        "platform_machine": machine,
        "os_name": os_name,
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_name": "cpython",
        "implementation_version": python,
        "platform_python_implementation": "CPython",
        "extra": "",
    }


ENVIRONMENTS = {
    f"{system}-py{python}": environment(system, python)
    for system, python in product(SYSTEMS, PYTHONS)
}


def applies(requirement: Requirement, markers: dict[str, str] | None) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(markers)


def pins(markers: dict[str, str] | None) -> dict[str, list[str]]:
    """Name -> pinned versions, in an environment (None: this one)."""
    found: dict[str, list[str]] = {}
    for pin in LOCK:
        if applies(pin, markers):
            (specifier,) = pin.specifier
            assert specifier.operator == "==", pin
            name = canonicalize_name(pin.name)
            found.setdefault(name, []).append(specifier.version)
    return found


def asked() -> list[Requirement]:
    """What pyproject.toml asks for, tests included."""
    texts = PROJECT["project"]["dependencies"]
    return [
        Requirement(text)
        for text in [*texts, *PROJECT["dependency-groups"]["test"]]
    ]


def test_conda_has_no_second_list():
    assert CONDA["name"] == "gan-course"
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]
    *packages, pip = CONDA["dependencies"]
    assert [re.split(r"[=<>]", name)[0] for name in packages] == [
        "python",
        "pip",
    ]
    # Not with "-e .", which pip refuses beside hashes.
    assert pip == {"pip": ["-r requirements.txt"]}


def test_conda_python_is_one_of_the_projects():
    (python,) = re.findall(r"^python=([\d.]+)$", CONDA["dependencies"][0])
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert allowed.contains(f"{python}.1")


@pytest.mark.parametrize("python", PYTHONS)
def test_the_tested_pythons_are_the_projects(python):
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(python)


def test_launcher_and_project_name_the_same_pythons():
    import course

    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    minors = [n for n in range(30) if allowed.contains(f"3.{n}.1")]
    assert sorted(course.PYTHONS) == [(3, minor) for minor in minors]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_lock_meets_the_project(name):
    markers = ENVIRONMENTS[name]
    pinned = pins(markers)
    for requirement in asked():
        if not applies(requirement, markers):
            continue
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert len(versions) == 1, f"{requirement}: pins {versions}"
        assert requirement.specifier.contains(versions[0]), requirement


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_one_pin_a_package(name):
    twice = {
        package: versions
        for package, versions in pins(ENVIRONMENTS[name]).items()
        if len(versions) != 1
    }
    assert not twice


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_one_tensorflow_everywhere(name):
    pinned = pins(ENVIRONMENTS[name])
    kinds = [
        kind for kind in ("tensorflow", "tensorflow-cpu") if kind in pinned
    ]
    assert len(kinds) == 1


@pytest.mark.parametrize("package", ["numpy", "scipy", "keras", "pandas"])
def test_one_version_for_all(package):
    versions = {
        version
        for markers in ENVIRONMENTS.values()
        for version in pins(markers)[package]
    }
    assert len(versions) == 1


def test_each_pin_has_the_hashes_of_its_wheels():
    named = re.findall(r"^[a-z0-9][^\s=]*==", LOCK_TEXT, re.M)
    assert len(LOCK) == len(named) > 100
    for _, hashes in PINS:
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}\b", hashes)


def test_nothing_is_built_on_a_students_machine():
    """A source archive runs its own code when it is installed."""
    options = re.findall(r"^--.*", LOCK_TEXT, re.M)
    assert options == ["--only-binary :all:"]


def test_the_lock_names_no_place():
    assert "://" not in LOCK_TEXT
    assert not re.search(
        r"^\s*--?\w*(index|find|extra|f |e )", LOCK_TEXT, re.M
    )
    assert not [pin for pin in LOCK if pin.url]


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / ".github" / "workflows").iterdir()),
    ids=lambda path: path.name,
)
def test_actions_are_pinned_by_commit(path):
    """A tag may move to other code; a commit cannot."""
    used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
    assert used
    assert [u for u in used if not re.search(r"@[0-9a-f]{40}$", u)] == []


def test_the_lock_is_installed():
    wrong = []
    for name, versions in pins(None).items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found not in versions:
            wrong.append(f"{name}: {found}, lock {versions}")
    assert not wrong


TEXT = ("open", "read_text", "write_text")
CODE = [
    ROOT / "conftest.py",
    *(
        file
        for folder in ("helpers", "tools", "studies")
        for file in (ROOT / folder).rglob("*.py")
    ),
]


def in_the_locale(source: str) -> Iterator[str]:
    """Yield calls that read or write text in the machine's own encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        text = ast.unparse(node)
        given = {keyword.arg for keyword in node.keywords}
        name = ast.unparse(node.func).rpartition(".")[2]
        binary = name == "open" and re.search(
            r"'[rwxa+]*b[+]?'|^(os|Image)\.", text
        )
        wanted = name in TEXT or given & {"text", "universal_newlines"}
        if wanted and not binary and "encoding" not in given:
            yield text


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.stem)
def test_text_has_an_encoding_of_its_own(file):
    assert not list(in_the_locale(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "call",
    [
        "open('a')",
        "open('a', 'w')",
        "path.open('a+')",
        "path.read_text()",
        "path.write_text('rb')",
        "subprocess.run(a, text=True)",
        "Popen(a, universal_newlines=True)",
    ],
)
def test_the_encoding_of_the_locale_is_found(call):
    assert list(in_the_locale(f"x = {call}")) == [call]
    fixed = call[:-1] + ", encoding='utf-8')"
    assert not list(in_the_locale(fixed.replace("(, ", "(")))


@pytest.mark.parametrize(
    "call", ["path.open('rb')", "open(a, 'r+b')", "os.open(a, 1)", "run(a)"]
)
def test_bytes_need_no_encoding(call):
    assert not list(in_the_locale(call))


def test_the_lock_of_the_site_agrees_with_the_lock():
    text = (ROOT / "requirements-site.txt").read_text(encoding="utf-8")
    pins = [
        Requirement(pin)
        for pin in re.findall(r"^([a-z0-9].*?) \\\n {4}--hash", text, re.M)
    ]
    assert len(pins) > 60
    ours = {canonicalize_name(pin.name): [] for pin in LOCK}
    for pin in LOCK:
        ours[canonicalize_name(pin.name)].append(str(pin.specifier))
    for pin in pins:
        name = canonicalize_name(pin.name)
        assert str(pin.specifier) in ours.get(name, [str(pin.specifier)]), pin
    wanted = map(Requirement, PROJECT["dependency-groups"]["site"])
    for asked in wanted:
        found = [p for p in pins if canonicalize_name(p.name) == asked.name]
        assert found, f"{asked} is not in the lock: compile it"
        for pin in found:
            assert asked.specifier.contains(str(pin.specifier)[2:]), pin


def test_the_conda_file_names_what_a_reader_looks_for():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    named = re.search(r"It holds (.+?) and what they need", text, re.S)[1]
    names = set(re.findall(r"[a-z]+(?:-[a-z]+)*", named.replace("#", ""))) - {
        "and"
    }
    assert {"tensorflow", "keras", "numpy", "pandas", "nbval"} <= names
    assert names <= {canonicalize_name(pin.name) for pin in LOCK}
