"""The launcher: its sentences, and real set-ups of a small project."""

import ast
import errno
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tokenize
import types
import zipfile
from pathlib import Path

import psutil
import pytest

import course

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "course.py").read_text(encoding="utf-8")


# --- A wrong Python must be able to read the file -----------------------


MODERN = (
    ast.JoinedStr,
    ast.AnnAssign,
    ast.NamedExpr,
    ast.Nonlocal,
    ast.AsyncFunctionDef,
    ast.Await,
    ast.Match,
    ast.MatMult,
    ast.YieldFrom,
    ast.TryStar,
)


def too_new(source: str) -> list[str]:
    """List what Python 2.7 or 3.4 could not parse in a source."""
    found = [] if source.isascii() else ["not ASCII"]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, MODERN) or new_definition(node):
            found.append(type(node).__name__)
        if new_unpacking(node) or new_call(node):
            found.append("unpacking")
    return found + too_new_tokens(source)


def new_definition(node: ast.AST) -> bool:
    """Annotations, new kinds of argument, `raise ... from`."""
    if isinstance(node, ast.arguments):
        return bool(node.kwonlyargs or node.posonlyargs)
    if isinstance(node, ast.arg):
        return node.annotation is not None
    if isinstance(node, ast.FunctionDef):
        return node.returns is not None
    if isinstance(node, ast.Raise):
        return node.cause is not None
    return isinstance(node, ast.ClassDef) and bool(node.keywords)


def new_unpacking(node: ast.AST) -> bool:
    """[*a], {**a}, a, *b = c."""
    if isinstance(node, ast.Dict):
        return None in node.keys
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(isinstance(part, ast.Starred) for part in node.elts)
    return False


def new_call(node: ast.AST) -> bool:
    """More than one *args or **options, or something after them."""
    if not isinstance(node, ast.Call):
        return False
    stars = [isinstance(part, ast.Starred) for part in node.args]
    doubles = [part.arg is None for part in node.keywords]
    return any(stars[:-1]) or any(doubles[:-1])


def too_new_tokens(source: str) -> list[str]:
    """List what only the tokens show: 1_000, and a comma after *args."""
    found, starred, depth = [], set(), 0
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in (tokenize.NL, tokenize.COMMENT)
    ]
    for before, token, after in zip(
        tokens, tokens[1:], tokens[2:], strict=False
    ):
        if token.type == tokenize.NUMBER and "_" in token.string:
            found.append("underscore in a number")
        if token.string in ("(", "[", "{"):
            depth += 1
        elif token.string in (")", "]", "}"):
            starred.discard(depth)
            depth -= 1
        elif token.string in ("*", "**") and before.string in ("(", ","):
            starred.add(depth)
        elif token.string == "," and depth in starred and after.string == ")":
            found.append("comma after *args")
    return found


def test_an_old_python_can_read_the_launcher():
    assert too_new(SOURCE) == []
    assert SOURCE.index("from __future__ import print_function") < (
        SOURCE.index("import sys")
    )


@pytest.mark.parametrize(
    "line",
    [
        "print(f'{1}')",
        "x: int = 1",
        "def f(a, *, b): pass",
        "def f(a, /): pass",
        "def f(a: int): pass",
        "def f() -> int: pass",
        "if (n := 1): pass",
        "a, *b = [1, 2]",
        "a = [*[1], 2]",
        "a = {**{}}",
        "f(*a, *b)",
        "f(*a, 1)",
        "f(**a, **b)",
        "f(\n    1,\n    *a,\n)",
        "f(\n    **a,\n)",
        "raise ValueError from None",
        "n = 1_000",
        "s = 'ä'",
        "async def f(): pass",
    ],
)
def test_each_new_thing_is_noticed(line):
    assert too_new(SOURCE + "\n" + line + "\n")


def test_the_version_is_checked_before_other_imports():
    tree = ast.parse(SOURCE)
    check = next(
        n for n, node in enumerate(tree.body) if isinstance(node, ast.If)
    )
    names = [
        alias.name
        for node in tree.body[:check]
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert names == ["print_function", "sys"]


def test_functions_are_small():
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, node.name


def test_a_wrong_python_is_a_sentence():
    text = course.wrong_python((2, 7), ["python3.12"], ["course.py", "run"])
    assert "this is Python 2.7" in text
    assert text.endswith("python3.12 course.py run")
    text = course.wrong_python((3, 14), [], ["course.py"])
    assert "this is Python 3.14" in text and "Install Python 3.12" in text


def test_only_a_python_that_starts_is_named(tmp_path, monkeypatch):
    if os.name == "nt":
        pytest.skip("shell scripts stand for Pythons")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert course.other_pythons() == []
    for name, script in (
        ("python3.13", "echo 'not installed' >&2; exit 127"),
        ("python3.12", "echo '(3, 11)'"),
        ("python3.11", "echo '(3, 11)'"),
    ):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    assert course.other_pythons() == ["python3.11"]


# --- Machines that cannot run the course --------------------------------

GLIBC = ("glibc", "2.36")


@pytest.mark.parametrize(
    "machine",
    [
        ("Linux", "x86_64", 64, GLIBC),
        ("Linux", "aarch64", 64, GLIBC),
        ("Linux", "x86_64", 64, ("glibc", "2.27")),
        ("Linux", "x86_64", 64, ("", "")),
        ("Darwin", "arm64", 64, ("", "")),
        ("Windows", "AMD64", 64, ("", "")),
    ],
)
def test_machines_with_wheels(machine):
    assert course.no_wheels(*machine) is None


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (("Darwin", "x86_64", 64, ("", "")), "Rosetta"),
        (("Linux", "x86_64", 64, ("musl", "")), "Alpine"),
        (("Linux", "x86_64", 64, ("glibc", "2.17")), "glibc 2.17"),
        (("Linux", "x86_64", 64, ("glibc", "2.9")), "2.27 or newer"),
        (("Linux", "armv7l", 32, GLIBC), "32-bit"),
        (("Windows", "x86", 32, ("", "")), "32-bit"),
        (("Windows", "ARM64", 64, ("", "")), "WSL"),
        (("Linux", "riscv64", 64, GLIBC), "Linux on riscv64"),
        (("FreeBSD", "amd64", 64, ("", "")), "FreeBSD on amd64"),
    ],
)
def test_machines_without_wheels(machine, words):
    text = course.no_wheels(*machine)
    assert words in text
    assert "Use " in text or "Install " in text or "install " in text


def test_another_build_of_python(monkeypatch):
    other = types.SimpleNamespace(name="pypy")
    monkeypatch.setattr(course.sys, "implementation", other)
    with pytest.raises(course.Stop, match="ordinary CPython"):
        course.check_machine()


def test_this_machine_is_one_with_wheels(monkeypatch):
    monkeypatch.setattr(course, "check_pip", lambda: None)
    course.check_machine()


@pytest.mark.parametrize(
    ("version", "words"),
    [(None, "no pip"), ("22.2.9", "pip is 22.2.9"), ("9.0", "pip is 9.0")],
)
def test_pip_is_missing_or_old(monkeypatch, version, words):
    spec = None if version is None else object()
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: spec)
    pip = types.SimpleNamespace(__version__=version)
    monkeypatch.setitem(sys.modules, "pip", pip)
    with pytest.raises(course.Stop) as caught:
        course.check_pip()
    assert words in str(caught.value)
    assert "sudo apt" in str(caught.value) or "--upgrade" in str(caught.value)


@pytest.mark.parametrize("version", ["22.3", "22.3.1", "23.0.1", "100.1"])
def test_pip_is_new_enough(monkeypatch, version):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: 1)
    pip = types.SimpleNamespace(__version__=version)
    monkeypatch.setitem(sys.modules, "pip", pip)
    course.check_pip()


@pytest.mark.parametrize(("free", "enough"), [(4.9e9, False), (5.1e9, True)])
def test_disk(monkeypatch, free, enough):
    usage = types.SimpleNamespace(free=free)
    monkeypatch.setattr(course.shutil, "disk_usage", lambda path: usage)
    if enough:
        course.check_disk()
        return
    with pytest.raises(course.Stop, match=r"4\.9 GB free"):
        course.check_disk()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EACCES, "No permission"),
        (errno.EROFS, "No permission"),
        (errno.ENOSPC, "No space"),
        (errno.EIO, "try again"),
    ],
)
def test_file_trouble_is_a_sentence(monkeypatch, capsys, code, words):
    def fail(names, extra):
        raise OSError(code, os.strerror(code), "some/file")

    monkeypatch.setattr(course, "task_doctor", fail)
    assert course.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert words in said and "some/file" in said


# --- What pip says ------------------------------------------------------

NO_MATCH = (
    "ERROR: Could not find a version that satisfies the requirement toy==2 "
    "(from versions: none)\nERROR: No matching distribution found for toy==2"
)
RETRY = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by "
    "'NewConnectionError: Failed to establish a new connection: [Errno -2] "
    "Name or service not known': /simple/toy/\n"
)


@pytest.mark.parametrize(
    ("log", "without_index", "words"),
    [
        (NO_MATCH, True, "folder of wheels lacks toy==2"),
        (RETRY + NO_MATCH, False, "no network"),
        (NO_MATCH, False, "no wheel of toy==2"),
        ("OSError: [Errno 28] No space left on device", False, "is full"),
        ("[Errno 13] Permission denied: 'x'", False, "no permission"),
        ("ERROR: Failed building wheel for toy", False, "no wheel of"),
        ("something else", False, "not known"),
    ],
)
def test_the_cause_of_pips_failure(log, without_index, words):
    text = course.pip_trouble(log, without_index)
    assert words in text
    assert "setup.log" in text and log.splitlines()[-1][:100] in text


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("Collecting numpy==2.4.6\n", "looking for numpy==2.4.6"),
        (
            "Collecting a\n  Downloading https://x/a-1.whl (2.1 MB)\n",
            "fetching a-1.whl (2.1 MB)",
        ),
        ("Processing /some/wheels/a-1.whl\n", "reading a-1.whl"),
        ("Installing collected packages: a, b, c\n", "installing 3 packages"),
    ],
)
def test_what_pip_is_at(log, words):
    assert course.pip_is_at(log) == words


def test_progress_is_calm_without_a_terminal():
    stream = io.StringIO()
    line = course.Progress("packages", stream, every=20)
    for seconds in range(100):
        line.show(seconds, "fetching a")
    line.end()
    lines = stream.getvalue().splitlines()
    assert lines == [
        f"  packages: {n} s  fetching a" for n in (20, 40, 60, 80)
    ]


def test_progress_stays_on_one_line_of_a_terminal():
    stream = io.StringIO()
    stream.isatty = lambda: True
    line = course.Progress("packages", stream)
    line.show(1, "fetching " + "long" * 100)
    line.show(2, "b")
    line.end()
    said = stream.getvalue()
    assert "\n" not in said and said.endswith("\r")
    width = shutil.get_terminal_size().columns
    assert max(len(part) for part in said.split("\r")) < width


# --- The command line ---------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["rum"],
        ["lab", "03"],
        ["doctor", "x"],
        ["run", "--", "-x"],
        ["03"],
    ],
)
def test_wrong_use_prints_the_usage(capsys, arguments):
    assert course.main(arguments) == 2
    said = capsys.readouterr().err
    for name, _, _ in course.TASKS:
        assert f"\n  {name} " in said


def test_help(capsys):
    assert course.main(["--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.fixture
def lessons(tmp_path, monkeypatch) -> Path:
    """Four notebooks; nothing is set up or started, only noted."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "prepare", lambda: None)
    monkeypatch.setattr(course, "try_data", lambda: None)
    (tmp_path / "notebooks" / "solutions").mkdir(parents=True)
    for name in (
        "00_start_here",
        "01_theory",
        "03_dcgan",
        "solutions/01_solutions",
    ):
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.write_text(f'{{"{name}": 1}}')
    return tmp_path


@pytest.fixture
def started(lessons, monkeypatch) -> list:
    calls = []

    def run_task(arguments, environment, patient=False):
        calls.append((arguments, environment.get("COURSE_PROFILE"), patient))
        return 0

    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    monkeypatch.setattr(course, "run_task", run_task)
    return calls


@pytest.mark.parametrize(
    ("arguments", "command", "profile"),
    [
        (["run"], ["tools.lessons", "run"], None),
        (["run", "3", "00"], ["tools.lessons", "run", "00", "03"], None),
        (["refresh", "1"], ["tools.lessons", "refresh", "01"], "lecture"),
        (["data"], ["tools.fetch_data"], None),
        (["doctor"], ["tools.doctor"], None),
        (["test"], ["pytest", "tests", "notebooks", "--nbval"], "ci"),
        (
            ["test", "01", "--", "-k", "data"],
            [
                "pytest",
                os.path.join("notebooks", "01_theory.ipynb"),  # noqa: PTH118
                "notebooks/solutions/01_solutions.ipynb",
                "--nbval",
                "-k",
                "data",
            ],
            "ci",
        ),
    ],
)
def test_tasks(started, arguments, command, profile):
    assert course.main(arguments) == 0
    assert started == [(command, profile, False)]


def test_a_lesson_that_is_not_there(started, capsys):
    assert course.main(["run", "07"]) == 1
    said = capsys.readouterr().err
    assert "no lesson 07" in said
    assert "00_start_here\n  01_theory\n  03_dcgan" in said
    assert not started


def test_lab_copies_and_never_overwrites(started, lessons, capsys):
    mine = lessons / "my" / "01_theory.ipynb"
    mine.parent.mkdir()
    mine.write_text("my work")
    assert course.main(["lab"]) == 0
    ((command, profile, patient),) = started
    assert (command[0], profile, patient) == ("jupyterlab", "lecture", True)
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--ServerApp.root_dir=" + str(lessons) in command
    assert "--LabApp.default_url=/lab/tree/my/00_start_here.ipynb" in command
    assert mine.read_text() == "my work"
    settings = course.VENV / "share" / "jupyter" / "lab" / "settings"
    answers = json.loads((settings / "overrides.json").read_text())
    assert {"fetchNews": "false", "checkForUpdates": False} in (
        answers.values()
    )
    found = {
        str(path.relative_to(lessons / "my").as_posix())
        for path in (lessons / "my").rglob("*")
        if path.is_file()
    }
    assert found == {
        "00_start_here.ipynb",
        "01_theory.ipynb",
        "03_dcgan.ipynb",
        "solutions/01_solutions.ipynb",
    }
    assert "01_theory" not in capsys.readouterr().out
    assert course.copy_lessons() == []


def test_a_relative_path_of_the_data_is_made_absolute(tmp_path, monkeypatch):
    (tmp_path / "mnist.npz").touch()
    monkeypatch.chdir(tmp_path)
    for named, seen in (
        ("mnist.npz", str(tmp_path.resolve() / "mnist.npz")),
        ("MNIST-5k", "MNIST-5k"),
        ("absent.npz", "absent.npz"),
    ):
        monkeypatch.setenv("COURSE_MNIST", named)
        assert course.task_environment()["COURSE_MNIST"] == seen


def test_nothing_leaks_into_a_task(monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET"):
        monkeypatch.setenv(name, "elsewhere")
    environment = course.task_environment()
    assert environment["PYTHONPATH"] == str(course.ROOT)
    assert environment["PYTHONNOUSERSITE"] == "1"
    assert "PYTHONHOME" not in environment
    assert "PIP_TARGET" not in environment
    first = environment["PATH"].split(os.pathsep)[0]
    assert Path(first) == course.venv_python().parent


def test_a_folder_of_wheels_may_have_a_space(tmp_path, monkeypatch):
    folder = tmp_path / "my wheels"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", "my wheels")
    links = course.clean_environment()["PIP_FIND_LINKS"]
    assert links == folder.resolve().as_uri() and " " not in links
    for other in ("https://x/y", "a b"):
        monkeypatch.setenv("PIP_FIND_LINKS", other)
        assert course.clean_environment()["PIP_FIND_LINKS"] == other


def test_windows_paths(monkeypatch):
    monkeypatch.setattr(course, "WINDOWS", True)
    assert course.venv_python().parts[-2:] == ("Scripts", "python.exe")


def test_data_is_tried_once(tmp_path, monkeypatch, capsys):
    stamps, calls = [{"state": "ready"}], []

    def run_task(arguments, environment):
        calls.append(arguments)
        return 1

    monkeypatch.delenv("COURSE_MNIST", raising=False)
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "run_task", run_task)
    monkeypatch.setattr(course, "read_stamp", lambda: stamps[-1])
    monkeypatch.setattr(course, "write_stamp", stamps.append)
    monkeypatch.setenv("COURSE_MNIST", "file")
    course.try_data()
    assert not calls
    monkeypatch.delenv("COURSE_MNIST")
    course.try_data()
    course.try_data()
    assert calls == [["tools.fetch_data"]]
    assert stamps[-1] == {"state": "ready", "data_tried": True}
    assert "Going on without it" in capsys.readouterr().out
    stamps.append({"state": "ready"})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.npz").touch()
    course.try_data()
    assert len(calls) == 1


def test_two_at_once(tmp_path):
    path = tmp_path / "lock"
    with path.open("a+") as one, path.open("a+") as two:
        assert course.locked(one)
        assert not course.locked(two)
    with path.open("a+") as three:
        assert course.locked(three)


# --- Real set-ups of a small project, without a network -----------------

BACKEND = '''
"""A build backend as small as can be: an editable wheel of one .pth."""
import os, zipfile

def get_requires_for_build_editable(settings=None):
    return []

def build_editable(folder, settings=None, metadata=None):
    name = "mini_helpers-1.0-py3-none-any.whl"
    info = "mini_helpers-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("mini_helpers.pth", os.getcwd())
        wheel.writestr(
            info + "METADATA",
            "Metadata-Version: 2.1\\nName: mini-helpers\\nVersion: 1.0\\n",
        )
        wheel.writestr(
            info + "WHEEL",
            "Wheel-Version: 1.0\\nGenerator: x\\n"
            "Root-Is-Purelib: true\\nTag: py3-none-any\\n",
        )
        wheel.writestr(info + "RECORD", "")
    return name
'''
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mini-helpers"
version = "1.0"
"""
DOCTOR = """
import importlib.metadata as metadata
print("toy", metadata.version("toy"), metadata.version("mini-helpers"))
"""


def wheel(folder: Path, version: str) -> None:
    """Make a wheel of the package toy by hand."""
    info = f"toy-{version}.dist-info/"
    path = folder / f"toy-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("toy.py", f"VERSION = '{version}'\n")
        made.writestr(
            info + "METADATA",
            f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n",
        )
        made.writestr(
            info + "WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\n"
            "Root-Is-Purelib: true\nTag: py3-none-any\n",
        )
        made.writestr(
            info + "RECORD",
            f"toy.py,,\n{info}METADATA,,\n{info}WHEEL,,\n{info}RECORD,,\n",
        )


def outer_environment() -> dict[str, str]:
    """The environment of a user: without what course.py and pytest set."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "PIP_", "COURSE_", "VIRTUAL_ENV"))
    }
    kept["PIP_CONFIG_FILE"] = os.devnull
    return kept


@pytest.fixture(scope="session")
def outer_python() -> str:
    """A Python that has pip: .venv's own has none."""
    for python in (getattr(sys, "_base_executable", ""), sys.executable):
        if python:
            answer = subprocess.run(
                [python, "-m", "pip", "--version"],
                env=outer_environment(),
                capture_output=True,
                text=True,
            )
            if answer.returncode == 0 and (
                course.numbers(answer.stdout) >= course.OLDEST_PIP
            ):
                return python
    pytest.skip("no Python with pip starts here")


class Mini:
    """A project with a tiny lock, and its launcher."""

    def __init__(self, root: Path, python: str) -> None:
        self.root, self.python = root, python
        self.wheels.mkdir(parents=True)
        for version in ("1.0", "2.0"):
            wheel(self.wheels, version)
        # A small /tmp must not fail these tests.
        text = SOURCE.replace("DISK_GB = 5", "DISK_GB = 0")
        text = text.replace("GRACE = 5", "GRACE = 1")
        (root / "course.py").write_text(text, encoding="utf-8")
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "backend.py").write_text(BACKEND)
        (root / "tools").mkdir()
        (root / "tools" / "__init__.py").touch()
        (root / "tools" / "doctor.py").write_text(DOCTOR)
        self.lock("1.0")

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        return self.venv / "course.json"

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def lock(self, version: str) -> None:
        (self.root / "requirements.txt").write_text(f"toy=={version}\n")

    def start(self, **settings: str) -> subprocess.Popen:
        environment = outer_environment()
        environment["PIP_NO_INDEX"] = "1"
        environment["PIP_FIND_LINKS"] = str(self.wheels)
        environment.update(settings)
        return subprocess.Popen(
            [self.python, "course.py", "doctor"],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **settings: str) -> subprocess.CompletedProcess:
        child = self.start(**settings)
        out, err = child.communicate(timeout=120)
        assert "Traceback" not in out + err
        return subprocess.CompletedProcess([], child.returncode, out, err)

    def state(self) -> str:
        return json.loads(self.stamp.read_text())["state"]


@pytest.fixture(scope="module")
def ready(tmp_path_factory, outer_python) -> Mini:
    """A project after its first call; the tests leave it whole."""
    mini = Mini(tmp_path_factory.mktemp("a course") / "mini", outer_python)
    first = mini.run()
    assert first.returncode == 0, first.stderr
    assert "Set up in" in first.stdout and "toy 1.0 1.0" in first.stdout
    return mini


@pytest.fixture
def mini(tmp_path, outer_python) -> Mini:
    return Mini(tmp_path / "mini", outer_python)


def test_set_up_without_a_network(ready):
    stamp = json.loads(ready.stamp.read_text())
    assert stamp["state"] == "ready"
    assert stamp["root"] == str(ready.root.resolve())
    assert (ready.root / "build" / "setup.log").stat().st_size > 0


def test_the_second_call_sets_nothing_up(ready):
    before = ready.stamp.stat().st_mtime_ns
    (ready.root / "build" / "setup.lock").unlink()
    started = time.monotonic()
    # Nothing could be installed, so nothing is tried.
    second = ready.run(PIP_FIND_LINKS="nowhere")
    assert time.monotonic() - started < 3
    assert second.returncode == 0 and second.stdout == "toy 1.0 1.0\n"
    assert ready.stamp.stat().st_mtime_ns == before
    assert not (ready.root / "build" / "setup.lock").exists()


def test_a_changed_lock_is_installed(ready):
    keep = ready.venv / "keep"
    keep.touch()
    ready.lock("2.0")
    changed = ready.run()
    assert "The lock has changed" in changed.stdout
    assert "toy 2.0 1.0" in changed.stdout
    assert keep.exists()  # the same .venv
    ready.lock("1.0")
    assert "toy 1.0 1.0" in ready.run().stdout


def test_a_changed_lock_that_cannot_be_had_spoils_nothing(ready):
    ready.lock("3.0")
    changed = ready.run()
    assert changed.returncode == 1
    assert "folder of wheels lacks toy==3.0" in changed.stderr
    ready.lock("1.0")
    assert ready.run(PIP_FIND_LINKS="nowhere").stdout == "toy 1.0 1.0\n"


def test_a_half_made_venv_is_made_again(ready):
    rubbish = ready.venv / "rubbish"
    rubbish.mkdir()
    ready.stamp.write_text('{"state": "making"}')
    again = ready.run()
    assert "Setting up" in again.stdout and "toy 1.0 1.0" in again.stdout
    assert not rubbish.exists() and ready.state() == "ready"


def test_a_moved_course_is_set_up_again(ready):
    ready.root = ready.root.rename(ready.root.with_name("moved"))
    moved = ready.run()
    assert "Setting up" in moved.stdout and "toy 1.0 1.0" in moved.stdout


@pytest.fixture
def own(tmp_path, monkeypatch) -> dict:
    """The stamp of a whole .venv, whose Python is the running one."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "STAMP", tmp_path / ".venv" / "course.json")
    monkeypatch.setattr(course, "venv_python", lambda: Path(sys.executable))
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements.txt").write_text("toy==1.0")
    (tmp_path / "pyproject.toml").write_text("")
    return dict(
        course.wanted(), state="ready", python=list(sys.version_info[:2])
    )


def test_a_whole_venv_is_ready(own):
    course.write_stamp(own)
    assert course.is_ready(course.read_stamp())


@pytest.mark.parametrize("text", ["{cut off", "[]", "", None])
def test_a_broken_stamp_is_that_of_a_half_made_venv(own, text):
    if text is not None:
        course.STAMP.write_text(text)
    assert course.read_stamp() == {}
    assert not course.is_ready({})


@pytest.mark.parametrize(
    "change",
    [
        {"state": "making"},
        {"root": "elsewhere"},
        {"python": [3, 10]},
        {"lock": "another"},
        {"project": "another"},
    ],
)
def test_each_part_of_the_stamp_counts(own, change):
    assert not course.is_ready(dict(own, **change))


def test_a_python_that_is_gone(own, monkeypatch, tmp_path):
    monkeypatch.setattr(course, "venv_python", lambda: tmp_path / "gone")
    assert not course.is_ready(own)


def test_a_foreign_venv_is_left_alone(mini):
    mini.venv.mkdir()
    theirs = mini.venv / "pyvenv.cfg"
    theirs.write_text("home = elsewhere")
    refused = mini.run()
    assert refused.returncode == 1
    assert "not made by course.py" in refused.stderr
    assert list(mini.venv.iterdir()) == [theirs]


def test_a_file_in_place_of_venv(mini):
    mini.venv.write_text("a file")
    refused = mini.run()
    assert refused.returncode == 1
    assert "not made by course.py" in refused.stderr
    assert mini.venv.read_text() == "a file"


def test_a_missing_wheel(mini):
    mini.lock("9.9")
    refused = mini.run()
    assert refused.returncode == 1
    assert "folder of wheels lacks toy==9.9" in refused.stderr
    assert str(mini.root / "build" / "setup.log") in refused.stderr
    assert mini.state() == "making"


def test_no_network(mini):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = mini.run(
        PIP_NO_INDEX="0",
        PIP_FIND_LINKS="",
        PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple",
        PIP_RETRIES="1",
        no_proxy="127.0.0.1",
    )
    assert refused.returncode == 1
    assert "Likely cause: no network" in refused.stderr


def test_no_space(mini):
    path = mini.root / "course.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("DISK_GB = 0", "DISK_GB = 10**9"))
    refused = mini.run()
    assert refused.returncode == 1
    assert "GB free" in refused.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_pip(mini, number):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        child = mini.start(
            PIP_NO_INDEX="0",
            PIP_FIND_LINKS="",
            PIP_INDEX_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            no_proxy="127.0.0.1",
        )
        silent.settimeout(60)
        connection, _ = silent.accept()  # pip has begun
        family = psutil.Process(child.pid).children(recursive=True)
        assert family
        child.send_signal(number)
        out, err = child.communicate(timeout=20)
        connection.close()
    assert child.returncode == 130
    assert "Traceback" not in out + err
    assert err.strip() == "Stopped; the same command goes on."
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert mini.state() == "making"
    assert not (mini.root / ".venv" / ".course.json.part").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("both", [True, False])
def test_an_interrupt_ends_the_task(ready, both):
    doctor = ready.root / "tools" / "doctor.py"
    doctor.write_text(
        "import time\ntry:\n    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    raise SystemExit(1)\n"
    )
    try:
        child = ready.start()
        assert child.stdout.readline() == "begun\n"
        (task,) = psutil.Process(child.pid).children()
        child.send_signal(signal.SIGINT)
        if both:  # as a terminal does
            task.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=20)
    finally:
        doctor.write_text(DOCTOR)
    assert child.returncode == 130
    assert err.strip() == "Stopped; the same command goes on."
    assert not task.is_running()
