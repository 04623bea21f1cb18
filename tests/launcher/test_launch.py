"""Lessons opened from the web: addresses, copies, what a machine lacks."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import nbclient
import nbformat
import pytest
from packaging.specifiers import SpecifierSet

from helpers import runtime
from tools import bootstrap, launch

ROOT = runtime.ROOT
COURSE = "octocat/gan-course"
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"


def test_services_name_the_repository_and_the_page():
    found = launch.services(COURSE, "notebooks/03_a.ipynb")
    assert found["Colab"] == (
        "https://colab.research.google.com/github/octocat/gan-course/blob/"
        "launch/notebooks/03_a.ipynb"
    )
    assert found["Binder"].endswith(
        "/gh/octocat/gan-course/main?labpath=notebooks%2F03_a.ipynb"
    )


@pytest.mark.parametrize("name", ["", "course", "https://a.b/c/d", "a/b/c"])
def test_another_name_of_a_repository_is_refused(name):
    with pytest.raises(launch.NoRepository, match="expected OWNER/NAME"):
        launch.main(name)


def test_the_row_names_services_only_where_they_can_open(monkeypatch):
    monkeypatch.delenv(launch.VARIABLE, raising=False)
    row = launch.row("notebooks/a.ipynb", "../download/a.ipynb")
    assert re.findall('href="(.+?)"', row) == ["../download/a.ipynb"]
    monkeypatch.setenv(launch.VARIABLE, COURSE)
    row = launch.row("notebooks/a.ipynb", "../download/a.ipynb")
    assert re.findall('href="(.+?)"', row)[1:] == list(
        launch.services(COURSE, "notebooks/a.ipynb").values()
    )


def test_a_copy_is_the_page_with_a_cell_before_it():
    page = nbformat.read(LESSON, as_version=4)
    copy = launch.on_its_own(LESSON, COURSE)
    nbformat.validate(copy)
    assert f"https://github.com/{COURSE}" in copy.cells[0].source
    same = [cell.source for cell in copy.cells[1:] if "](" not in cell.source]
    assert same == [c.source for c in page.cells if "](" not in c.source]


def test_links_of_a_copy_leave_the_folder():
    copy = launch.on_its_own(LESSON, COURSE)
    text = "\n".join(c.source for c in copy.cells if c.cell_type != "code")
    targets = re.findall(r"\]\((.+?)\)", text)
    assert targets and all(re.match("https://|#", t) for t in targets), targets


def test_what_lessons_import_is_on_the_list():
    """A package that is new in a lesson is fetched on a foreign machine."""
    texts = [p.read_text("utf-8") for p in ROOT.glob("helpers/**/*.py")]
    for path in ROOT.glob("notebooks/**/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts += [c.source for c in cells if c.cell_type == "code"]
    used = set()
    for node in (n for text in texts for n in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Import):
            used |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add(node.module.split(".")[0])
    ours = {"helpers", "IPython"} | set(sys.stdlib_module_names)
    assert used - ours <= set(bootstrap.needed().values())
    assert not {"jupyterlab", "setuptools"} & set(bootstrap.needed())


@pytest.fixture
def lacking(monkeypatch) -> list[list[str]]:
    """A machine without mlxtend, whose pip fails as told."""
    calls = []
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "mlxtend" else find(name),
    )

    def run(command, **kwargs):
        kept = Path(command[command.index("-c") + 1]).read_text("utf-8")
        calls.append([*command, kept])
        return types.SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("COURSE_PACKAGES", "")
    return calls


def test_only_what_is_missing_is_added(lacking, capsys):
    bootstrap.main()
    [[*command, kept]] = lacking
    assert command[-1:] == ["mlxtend"] and "mlxtend" not in command[:-1]
    assert re.search(r"(?m)^numpy==\d", kept)  # it may not change
    assert "added mlxtend" in capsys.readouterr().out
    assert runtime.report().set_index("item").loc["packages", "ok"]


def test_a_failing_pip_says_what_to_do(lacking, monkeypatch):
    answer = types.SimpleNamespace(returncode=1, stderr="a\nNo network")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: answer)
    with pytest.raises(SystemExit, match=r"mlxtend: No network\n.*course\.py"):
        bootstrap.main()


def test_old_packages_are_named(monkeypatch):
    monkeypatch.setattr(bootstrap, "version_of", lambda name: "1.9.9")
    with pytest.raises(SystemExit, match=r"keras 1\.9\.9 \(needed: 3\.3"):
        bootstrap.main()
    assert not bootstrap.too_old(
        {"tensorflow": "2.16.1", "keras": "3.10.0rc1", "numpy": "2.0"}
    )


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_copy_runs_without_the_course_beside_it(tmp_path, monkeypatch):
    """The first cell fetches it; helpers and data come from there."""
    course = tmp_path / "course"
    leave = shutil.ignore_patterns("mnist.npz", "__pycache__")
    for name in ("helpers", "tools", "data", "notebooks"):
        shutil.copytree(ROOT / name, course / name, ignore=leave)
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, course)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\nname = a\nemail = a@example.org\n"
        f'[url "{course.as_uri()}"]\n'
        f"insteadOf = https://github.com/{COURSE}\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    for command in ("init -q -b main", "add .", "commit -q -m all"):
        subprocess.run(["git", *command.split()], cwd=course, check=True)
    copy = launch.on_its_own(LESSON, COURSE)
    copy.cells = [*copy.cells[:8], nbformat.v4.new_code_cell(SAY)]
    alone = tmp_path / "alone"
    alone.mkdir()
    monkeypatch.setenv("COURSE_PROFILE", "ci")
    nbclient.NotebookClient(
        copy, timeout=300, resources={"metadata": {"path": str(alone)}}
    ).execute()
    said = copy.cells[-1].outputs[0].text.split()
    assert [Path(p).resolve() for p in said] == [
        (alone / "gan-course" / "helpers").resolve(),
        (alone / "gan-course" / "notebooks").resolve(),
    ]
    assert "ready" in copy.cells[0].outputs[0].text


SAY = "import helpers, os; print(*helpers.__path__, os.getcwd())"


def test_binder_gets_the_lock_and_the_package():
    folder = ROOT / ".binder"
    version = (folder / "runtime.txt").read_text("utf-8").strip()
    about = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    allowed = SpecifierSet(about["project"]["requires-python"])
    assert version.removeprefix("python-") in allowed
    text = (folder / "requirements.txt").read_text("utf-8")
    [named] = re.findall(r"(?m)^-r (.+)$", text)
    assert (folder / named).resolve() == ROOT / "requirements.txt"
    assert "-e ." in (folder / "postBuild").read_text("utf-8")
