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


def test_this_machine_is_one_with_wheels():
    course.check_machine()


def answer(monkeypatch, **answers: str) -> None:
    """Let this Python (`own`) and its base say which pip they have."""
    monkeypatch.setattr(course.sys, "_base_executable", "base")
    monkeypatch.setattr(course.sys, "executable", "own")
    monkeypatch.setattr(
        course, "ask", lambda command, **_: answers.get(command[0], "")
    )


@pytest.mark.parametrize(
    ("own", "base", "words"),
    [
        ("", "", ["no pip", "base -m ensurepip", "sudo apt"]),
        ("pip 22.2.9 from x", "", ["pip is 22.2.9", "base -m pip", "--up"]),
        ("", "pip 9.0 from x", ["pip is 9.0", "base -m pip", "--upgrade"]),
    ],
)
def test_pip_is_missing_or_old(monkeypatch, own, base, words):
    answer(monkeypatch, own=own, base=base)
    with pytest.raises(course.Stop) as caught:
        course.pip_python()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("own", "base", "taken"),
    [
        ("pip 22.3 from x", "", "own"),
        ("pip 100.1 from x", "pip 23.0.1 from x", "own"),
        ("", "pip 22.3.1 from x", "base"),
        ("pip 21.0 from x", "pip 23.0.1 from x", "base"),
    ],
)
def test_pip_is_new_enough(monkeypatch, own, base, taken):
    answer(monkeypatch, own=own, base=base)
    assert course.pip_python() == taken


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
        (
            "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS "
            "FILE",
            True,
            "not the one that requirements.txt names",
        ),
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
        ["score"],
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
    for name in course.TASKS:
        assert f"\n  {name} " in said


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["help"], ["-h"], ["run", "03", "--help"], ["test", "-h"]],
)
def test_help(started, capsys, arguments):
    assert course.main(arguments) == 0
    said = capsys.readouterr().out
    assert "Usage" in said and "  score   FILE " in said
    assert not started


def test_a_reader_that_has_seen_enough():
    command = [sys.executable, str(ROOT / "course.py"), "--help"]
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (told.returncode, told.stderr) == (1, b"")


def test_help_of_another_program_passes_through(started):
    assert course.main(["test", "--", "--help"]) == 0
    assert course.main(["score", "--help"]) == 0
    assert started[0][0][-1] == "--help"
    assert started[1][0] == ["helpers", "score", "--help"]


@pytest.fixture
def lessons(tmp_path, monkeypatch) -> Path:
    """Four notebooks; nothing is set up or started, only noted."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "BUILD", tmp_path / "build")
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


class Calls(list):
    """The tasks that were started; environment: of the last one."""

    environment: dict


@pytest.fixture
def started(lessons, monkeypatch) -> Calls:
    calls = Calls()

    def run_task(arguments, environment, patient=False, folder=None):
        calls.append((arguments, environment.get("COURSE_PROFILE"), patient))
        calls.environment = environment
        return 0

    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MNIST"):
        monkeypatch.delenv(name, raising=False)
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
        (
            ["score", "a.npy", "--range", "0", "1", "--", "-x"],
            ["helpers", "score", "a.npy", "--range", "0", "1", "--", "-x"],
            None,
        ),
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
    assert course.main(["lab", "--", "--allow-root"]) == 0
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


def test_two_labs_lose_no_work(started, lessons, monkeypatch):
    mine = lessons / "my" / "01_theory.ipynb"

    def copy(source, part):  # meanwhile the other `lab` fills the place
        Path(part).write_bytes(Path(source).read_bytes())
        if Path(source).name == mine.name:
            mine.write_text("my work")

    monkeypatch.setattr(course.shutil, "copyfile", copy)
    course.copy_lessons()
    assert mine.read_text() == "my work"
    assert not list((lessons / "my").rglob("*.part"))


def test_temporary_names_carry_the_process(tmp_path, monkeypatch):
    path = tmp_path / "file"
    one = course.part_of(path)
    monkeypatch.setattr(course.os, "getpid", lambda: -1)
    assert one != course.part_of(path) and one.parent == tmp_path
    course.write_whole(path, "text")
    assert [*tmp_path.iterdir()] == [path] and path.read_text() == "text"


@pytest.mark.parametrize("taken", [[], ["--", "--allow-root"]])
def test_root_is_told_before_jupyter_refuses(
    started, monkeypatch, capsys, taken
):
    monkeypatch.setattr(course.os, "geteuid", lambda: 0, raising=False)
    assert course.main(["lab", *taken]) == (0 if taken else 1)
    said = capsys.readouterr().err
    assert bool(started) == bool(taken)
    assert ("course.py lab -- --allow-root" in said) == (not taken)


def test_lab_keeps_the_settings_of_a_home_that_can_be_written(
    started, lessons, monkeypatch, tmp_path
):
    own = str(course.BUILD / "jupyter")
    monkeypatch.delenv("JUPYTER_CONFIG_DIR", raising=False)
    for home, seen in (
        (tmp_path, str(tmp_path / ".jupyter")),
        (Path(os.devnull), own),
    ):
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("USERPROFILE", str(home))
        assert course.main(["lab", "--", "--allow-root"]) == 0
        assert started.environment["JUPYTER_CONFIG_DIR"] == seen
        assert started.environment["JUPYTER_DATA_DIR"] == own


# --- What the environment brings ----------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("COURSE_PROFILE", "Lecture", "Did you mean lecture?"),
        ("COURSE_PROFILE", '"ci"', "Did you mean ci?"),
        ("COURSE_PROFILE", "leture", "Did you mean lecture?"),
        ("COURSE_PROFILE", "quick", "Unset it to get lecture"),
        ("COURSE_SEED", "abc", "whole number from 0 to 9999"),
        ("COURSE_SEED", "-1", "whole number from 0 to 9999"),
        ("COURSE_SEED", "10000", "whole number from 0 to 9999"),
        ("COURSE_SEED", "1.0", "whole number from 0 to 9999"),
        ("COURSE_MNIST", "absent.npz", "no such file"),
        ("COURSE_MNIST", ".", "no such file"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(
    started, monkeypatch, capsys, name, value, words
):
    monkeypatch.setattr(course, "prepare", lambda: pytest.fail("set up"))
    monkeypatch.setenv(name, value)
    for task in ("run", "test", "data", "doctor", "lab", "refresh"):
        assert course.main([task]) == 1
        said = capsys.readouterr().err
        assert words in said and name in said and value in said
    assert not started


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("COURSE_PROFILE", "", None),
        ("COURSE_PROFILE", "  ", None),
        ("COURSE_PROFILE", "ci ", "ci"),
        ("COURSE_SEED", "", None),
        ("COURSE_SEED", " 7\t", "7"),
        ("COURSE_MNIST", " ", None),
        ("COURSE_MNIST", "MNIST-5k ", "MNIST-5k"),
    ],
)
def test_children_get_the_cleaned_setting(
    started, monkeypatch, name, value, seen
):
    monkeypatch.setenv(name, value)
    assert course.main(["run"]) == 0
    assert started.environment.get(name) == seen


def test_a_relative_path_of_the_data_is_made_absolute(
    started, tmp_path, monkeypatch
):
    (tmp_path / "mnist.npz").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for named in ("mnist.npz", "~/mnist.npz"):
        monkeypatch.setenv("COURSE_MNIST", named)
        assert course.main(["run"]) == 0
        seen = started.environment["COURSE_MNIST"]
        assert seen == str(tmp_path.resolve() / "mnist.npz")


def test_nothing_leaks_into_a_task(monkeypatch):
    foreign = (
        "PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PYTHONWARNINGS PYTHONINSPECT "
        "PYTHONSAFEPATH PYTHONBREAKPOINT PIP_TARGET PIP_USER PYTEST_ADDOPTS "
        "KERAS_BACKEND KERAS_MAX_EPOCHS MPLBACKEND MATPLOTLIBRC MPLCONFIGDIR "
        "IPYTHONDIR JUPYTER_CONFIG_DIR JUPYTER_CONFIG_PATH JUPYTER_PATH "
        "JUPYTER_RUNTIME_DIR JUPYTERLAB_DIR"
    )
    for name in foreign.split():
        monkeypatch.setenv(name, "elsewhere")
    kept = ("PYTHONHASHSEED", "PYTHONUTF8", "KERAS_HOME", "OMP_NUM_THREADS")
    for name in kept:
        monkeypatch.setenv(name, "0")
    environment = course.task_environment()
    assert "elsewhere" not in environment.values()
    assert all(environment[name] == "0" for name in kept)
    assert environment["PYTHONPATH"] == str(course.ROOT)
    assert environment["PYTHONNOUSERSITE"] == "1"
    first = environment["PATH"].split(os.pathsep)[0]
    assert Path(first) == course.venv_python().parent
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR"):
        assert Path(environment[name]).is_relative_to(course.ROOT)


def test_a_folder_beside_the_notebook_does_not_hide_helpers(tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").touch()
    code = "import importlib.util as u; print(u.find_spec('helpers').origin)"
    found = subprocess.run(
        [sys.executable, "-P", "-m", "IPython", "-c", code],
        cwd=tmp_path,
        env=course.task_environment(IPYTHONDIR=str(tmp_path / "ipython")),
        capture_output=True,
        encoding="utf-8",
    )
    assert Path(found.stdout.strip()) == ROOT / "helpers" / "__init__.py"


@pytest.fixture
def no_pip_settings(monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_only_network_and_index_settings_reach_pip(
    no_pip_settings, outer_python, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nquiet = 3\ntimeout = 7\nindex_url = https://a/simple\n"
        "extra-index-url =\n  https://b/simple\n  https://c/simple\n"
        "[install]\ntarget = /elsewhere\nno-binary = :all:\nretries = 2\n"
        "[list]\nformat = json\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    for name, value in {
        "PIP_DEFAULT_TIMEOUT": "9",
        "PIP_CONSTRAINT": "constraints.txt",
        "PIP_DRY_RUN": "1",
        "PIP_REQUIRE_HASHES": "1",
        "PIP_PROXY": "http://proxy",
    }.items():
        monkeypatch.setenv(name, value)
    settings = course.pip_settings(outer_python)
    extra = settings.pop("PIP_EXTRA_INDEX_URL")
    assert extra.split() == ["https://b/simple", "https://c/simple"]
    given = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_TIMEOUT": "9",
        "PIP_INDEX_URL": "https://a/simple",
        "PIP_RETRIES": "2",
        "PIP_PROXY": "http://proxy",
    }
    assert given.items() <= settings.items()
    # A file of the whole machine may bring others.
    allowed = {
        "PIP_" + name.upper().replace("-", "_") for name in course.PIP_PASSES
    }
    ours = {"PIP_NO_INPUT", "PIP_DISABLE_PIP_VERSION_CHECK"}
    assert settings.keys() - given.keys() - allowed == ours
    said = capsys.readouterr().out
    assert said.startswith("Settings of pip that are left out: ")
    assert said.endswith(
        f"no-binary in {file}, target in {file}, PIP_CONSTRAINT, "
        "PIP_DRY_RUN, PIP_REQUIRE_HASHES\n"
    )


def test_settings_that_pip_cannot_read(
    no_pip_settings, outer_python, tmp_path, monkeypatch
):
    file = tmp_path / "pip.conf"
    file.write_text("no section = 1\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    with pytest.raises(course.Stop, match="-m pip config list"):
        course.pip_settings(outer_python)


def test_paths_of_pip_hold_in_any_folder(tmp_path, monkeypatch):
    folder = tmp_path / "my wheels"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    links = course.pip_path("find-links", "my wheels")
    assert links == folder.resolve().as_uri() and " " not in links
    assert course.pip_path("cert", "my wheels") == str(folder.resolve())
    for other in ("https://x/y", "a b", "", "x" * 5000):
        assert course.pip_path("find-links", other) == other


# --- Limits, told before the work ---------------------------------------


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A course without .venv; a set-up fails the test."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "BUILD", tmp_path / "build")
    monkeypatch.setattr(course, "is_ready", lambda stamp: False)
    monkeypatch.setattr(course, "pip_python", lambda: sys.executable)
    monkeypatch.setattr(course, "set_up", lambda *_: pytest.fail("set up"))
    return tmp_path


@pytest.mark.parametrize("place", [".", "build"])
def test_a_folder_that_cannot_be_written(bare, monkeypatch, capsys, place):
    folder, touch = bare / place, Path.touch

    def read_only(path, **options):
        if path.parent == folder:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        touch(path, **options)

    monkeypatch.setattr(Path, "touch", read_only)
    assert course.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert f"No permission to write {folder}.\nMove the course" in said


@pytest.mark.parametrize("task", ["run", "test", "refresh"])
def test_outputs_that_cannot_be_written(started, capsys, task):
    course.BUILD.write_text("a file")
    assert course.main([task]) == 1
    assert str(course.BUILD) in capsys.readouterr().err
    assert not started


def test_a_path_that_is_too_long(bare, monkeypatch, capsys):
    course.BUILD.mkdir()
    course.check_paths()
    monkeypatch.setattr(course, "LONGEST_PATH", 5000)
    assert course.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert "path of the course is too long" in said
    assert "Move the course to a shorter path" in said
    assert not list(course.BUILD.glob("path*"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-9, "by signal 9"),
        (3221225477, "by Windows, status 0xC0000005"),
        (0xC000013A, "by Windows, status 0xC000013A"),
    ],
)
def test_a_task_that_crashed(monkeypatch, status, words):
    child = types.SimpleNamespace(wait=lambda: status)
    monkeypatch.setattr(course.subprocess, "Popen", lambda *_, **__: child)
    with pytest.raises(course.Stop, match=words):
        course.run_task(["tools.doctor"], {})


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
        self.version = version
        (self.root / "requirements.txt").write_text(f"toy=={version}\n")

    def change(self) -> None:
        """Let the lock ask for the other version of toy."""
        self.lock("1.0" if self.version == "2.0" else "2.0")

    @property
    def line(self) -> str:
        """What the doctor prints when all is as locked."""
        return f"toy {self.version} 1.0\n"

    def start(
        self, *arguments: str, folder: Path | None = None, **settings: str
    ) -> subprocess.Popen:
        environment = outer_environment()
        environment["PIP_NO_INDEX"] = "1"
        environment["PIP_FIND_LINKS"] = str(self.wheels)
        environment.update(settings)
        command = [self.python, str(self.root / "course.py")]
        return subprocess.Popen(
            command + list(arguments or ["doctor"]),
            cwd=folder or self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(
        self, *arguments: str, folder: Path | None = None, **settings: str
    ) -> subprocess.CompletedProcess:
        child = self.start(*arguments, folder=folder, **settings)
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
    assert second.returncode == 0 and second.stdout == ready.line
    assert ready.stamp.stat().st_mtime_ns == before
    assert not (ready.root / "build" / "setup.lock").exists()


def test_a_changed_lock_is_installed(ready):
    keep = ready.venv / "keep"
    keep.touch()
    ready.change()
    changed = ready.run()
    assert "The lock has changed" in changed.stdout
    assert ready.line in changed.stdout
    assert keep.exists()  # the same .venv


def test_a_changed_lock_with_venv_activated(ready, monkeypatch):
    bins = "Scripts" if os.name == "nt" else "bin"
    monkeypatch.setattr(ready, "python", str(ready.venv / bins / "python"))
    ready.change()
    changed = ready.run(VIRTUAL_ENV=str(ready.venv))
    assert ready.line in changed.stdout, changed.stderr


def test_what_no_package_depends_on_installs_nothing(ready):
    project = ready.root / "pyproject.toml"
    project.write_text(f"# A comment\n{PYPROJECT}\n[tool.ruff]\nx = 1\n")
    lock = ready.root / "requirements.txt"
    text = f"# A comment\r\n\r\ntoy=={ready.version}  # another\r\n"
    lock.write_bytes(text.encode())
    same = ready.run(PIP_FIND_LINKS="nowhere")
    project.write_text(PYPROJECT)
    ready.lock(ready.version)
    assert same.stdout == ready.line, same.stderr


@pytest.mark.parametrize("text", ["[project", "\xff"])
def test_a_project_file_that_cannot_be_read(own, text):
    path = course.ROOT / "pyproject.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(course.Stop, match="Fetch both again"):
        course.wanted()


@pytest.mark.parametrize(
    "part", ["project", "build-system", "tool.setuptools"]
)
def test_what_the_helpers_are_made_from_counts(own, part):
    before = course.wanted()
    (course.ROOT / "pyproject.toml").write_text(f"[{part}]\nx = 1\n")
    assert course.wanted()["project"] != before["project"]
    assert course.wanted()["lock"] == before["lock"]


def test_settings_of_pip_do_not_spoil_the_set_up(ready, tmp_path):
    target = tmp_path / "target"
    config = tmp_path / "home" / ".config" / "pip"
    config.mkdir(parents=True)
    (config / "pip.conf").write_text(f"[install]\ntarget = {target}\n")
    ready.change()
    changed = ready.run(
        HOME=str(tmp_path / "home"),
        XDG_CONFIG_HOME=str(config.parent),
        PIP_CONFIG_FILE="",
        PIP_CONSTRAINT=str(tmp_path / "absent"),
        PIP_DRY_RUN="1",
        PIP_NO_BINARY=":all:",
    )
    assert ready.line in changed.stdout, changed.stderr
    if os.name != "nt":
        assert f"target in {config / 'pip.conf'}" in changed.stdout
    assert "PIP_CONSTRAINT, PIP_DRY_RUN, PIP_NO_BINARY" in changed.stdout
    assert not target.exists()


def test_score_runs_where_it_is_called(ready, tmp_path):
    (ready.root / "helpers").mkdir(exist_ok=True)
    (ready.root / "helpers" / "__main__.py").write_text(
        "import pathlib, sys\n"
        "print(sys.argv[1:], pathlib.Path(sys.argv[2]).read_text())\n"
        "raise SystemExit(2)\n"
    )
    (tmp_path / "a.npy").write_text("mine")
    (tmp_path / "helpers.py").write_text("raise SystemExit('hidden')")
    ready.change()  # what a set-up says must not mix with the scores
    scored = ready.run("score", "a.npy", "--json", folder=tmp_path)
    assert scored.stdout == "['score', 'a.npy', '--json'] mine\n"
    assert "The lock has changed" in scored.stderr
    assert scored.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("ignored", [True, False])
def test_nohup_holds(ready, ignored):
    doctor = ready.root / "tools" / "doctor.py"
    doctor.write_text(
        "import signal\n"
        "print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)\n"
    )
    action = signal.SIG_IGN if ignored else signal.SIG_DFL
    before = signal.signal(signal.SIGHUP, action)
    try:
        assert ready.run().stdout == f"{ignored}\n"
    finally:
        signal.signal(signal.SIGHUP, before)
        doctor.write_text(DOCTOR)


def test_a_changed_lock_that_cannot_be_had_spoils_nothing(ready):
    before = ready.version
    ready.lock("3.0")
    changed = ready.run()
    assert changed.returncode == 1
    assert "folder of wheels lacks toy==3.0" in changed.stderr
    ready.lock(before)
    assert ready.run(PIP_FIND_LINKS="nowhere").stdout == ready.line


def test_a_half_made_venv_is_made_again(ready):
    rubbish = ready.venv / "rubbish"
    rubbish.mkdir()
    ready.stamp.write_text('{"state": "making"}')
    again = ready.run()
    assert "Setting up" in again.stdout and ready.line in again.stdout
    assert not rubbish.exists() and ready.state() == "ready"


def test_a_moved_course_is_set_up_again(ready):
    ready.root = ready.root.rename(ready.root.with_name("moved"))
    moved = ready.run()
    assert "Setting up" in moved.stdout and ready.line in moved.stdout


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
    assert not list(mini.venv.glob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="pip keeps the lock elsewhere")
def test_pip_outlives_a_killed_launcher(mini):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        child = mini.start(
            PIP_NO_INDEX="0",
            PIP_FIND_LINKS="",
            PIP_INDEX_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            PIP_RETRIES="0",
            no_proxy="127.0.0.1",
        )
        silent.settimeout(60)
        connection, _ = silent.accept()  # pip has begun
        family = psutil.Process(child.pid).children(recursive=True)
        child.kill()
        child.communicate()
        refused = mini.run()
        assert refused.returncode == 1
        assert "Another set-up still runs" in refused.stderr
        connection.close()
    psutil.wait_procs(family, timeout=20)
    assert "toy 1.0 1.0" in mini.run().stdout


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
