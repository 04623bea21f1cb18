"""The launcher's sentences, its command line, and what children see."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import launcher

ROOT = launcher.ROOT
PYTEST = "pytest --nbval -n auto --dist loadfile"


@pytest.fixture(autouse=True)
def signals_stay(monkeypatch) -> None:
    """Let no test change what a signal does to pytest."""
    monkeypatch.setattr(launcher.signal, "signal", lambda number, act: None)


class Calls(list):
    """The children that were started: (what comes after -m, folder)."""

    environment: dict  # of the last one


@pytest.fixture
def started(tmp_path, monkeypatch) -> Calls:
    """Three lessons; nothing is set up or started, only noted."""
    calls = Calls()

    def run(command, part="", cwd=None, env=None):
        assert command[:3] == [str(launcher.PYTHON), "-P", "-m"]
        calls.append((" ".join(command[3:]), cwd))
        calls.environment = env
        return 0

    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MNIST"):
        monkeypatch.delenv(name, raising=False)
    for name, path in (("ROOT", ""), ("VENV", ".venv"), ("BUILD", "build")):
        monkeypatch.setattr(launcher, name, tmp_path / path)
    for name in ("prepare", "try_data"):
        monkeypatch.setattr(launcher, name, lambda: None)
    monkeypatch.setattr(launcher, "run", run)
    monkeypatch.setattr(launcher.os, "geteuid", lambda: 1, raising=False)
    (tmp_path / "notebooks" / "solutions").mkdir(parents=True)
    for name in ("00_start", "01_a", "03_b", "solutions/01_solutions"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(name)
    return calls


# --- Machines that cannot run the course --------------------------------


def told(monkeypatch, machine: str, **changes: object) -> str:
    """What a user of such a machine is told; '' if it is a good one."""
    system, processor, *libc = machine.split()
    libc = tuple(libc) or ("", "")
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    monkeypatch.setattr(platform, "platform", lambda: machine)
    good = {"maxsize": 2**63, "version": "3.12.1", "exit": sys.exit}
    good["implementation"] = SimpleNamespace(name="cpython")
    monkeypatch.setattr(launcher, "sys", SimpleNamespace(**good | changes))
    config = {"HOST_GNU_TYPE": f"x-{libc[0]}"} | changes
    monkeypatch.setattr(launcher.sysconfig, "get_config_var", config.get)
    try:
        launcher.check_machine()
    except SystemExit as reason:
        return str(reason)
    return ""


def test_machines_with_wheels(monkeypatch):
    launcher.check_machine()  # this one
    for machine in (
        "Linux x86_64 glibc 2.36",
        "Linux aarch64 glibc 2.27",
        "Linux x86_64",
        "Darwin arm64",
        "Windows AMD64",
    ):
        assert told(monkeypatch, machine) == ""


@pytest.mark.parametrize(
    ("machine", "changes"),
    [
        ("Darwin x86_64", {}),
        ("Linux x86_64 musl -", {}),
        ("Linux x86_64 glibc 2.17", {}),
        ("Linux x86_64 glibc 2.9", {}),
        ("Linux armv7l glibc 2.36", {}),
        ("Linux riscv64 glibc 2.36", {}),
        ("Windows x86", {}),
        ("Windows AMD64", {"maxsize": 2**31 - 1}),
        ("Windows ARM64", {}),
        ("FreeBSD amd64", {}),
        ("Linux x86_64", {"Py_GIL_DISABLED": 1}),
        ("Linux x86_64", {"implementation": SimpleNamespace(name="pypy")}),
    ],
)
def test_machines_without_wheels(monkeypatch, machine, changes):
    text = told(monkeypatch, machine, **changes)
    assert f"{machine}, 3.12.1" in text
    for word in ("64-bit", "glibc 2.27", "Alpine", "WSL", "Rosetta"):
        assert word in text


@pytest.mark.parametrize(
    ("own", "base", "taken"),
    [
        ("pip 22.3 from x", "", "own"),
        ("pip 100.1 from x", "pip 23.0.1 from x", "own"),
        ("", "pip 22.3.1 from x", "base"),
        ("pip 21.0 from x", "pip 23.0.1 from x", "base"),
        ("", "", "has no pip"),
        ("", "pip 9.0 from x", "has pip 9.0."),
    ],
)
def test_a_python_with_a_new_pip_is_taken(monkeypatch, own, base, taken):
    answers = {"own": own, "base": base}
    monkeypatch.setattr(launcher.sys, "_base_executable", "base")
    monkeypatch.setattr(launcher.sys, "executable", "own")
    monkeypatch.setattr(launcher, "ask", lambda c, **_: answers[c[0]])
    if taken in answers:
        assert launcher.pip_python() == taken
        return
    with pytest.raises(SystemExit) as reason:
        launcher.pip_python()
    for words in (taken, "22.3 or newer", "sudo apt", '"base" -m ensurepip'):
        assert words in str(reason.value)


# --- The command line ---------------------------------------------------


def test_wrong_use_and_help_print_the_usage(started, capsys):
    for line in ("", "score", "rum", "lab 03", "doctor x", "run -- -x", "03"):
        assert launcher.main(line.split()) == 2
        said = capsys.readouterr().err
        assert all(f"\n  {name} " in said for name in launcher.TASKS)
    for line in ("--help", "help", "-h", "run 03 --help"):
        assert launcher.main(line.split()) == 0
        assert capsys.readouterr().out == said
    assert not started


def test_a_reader_that_has_seen_enough():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / "course.py"), "--help"]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("line", "command", "profile"),
    [
        ("run", "tools.lessons run", None),
        ("run 3 00", "tools.lessons run 3 00", None),
        ("refresh 1", "tools.lessons refresh 1", "lecture"),
        ("data", "tools.fetch_data", None),
        ("doctor", "tools.doctor", None),
        ("score a.npy --x -- -y", "tools.score score a.npy --x -- -y", None),
        ("score --help", "tools.score score --help", None),
        (
            "test -- --help",
            f"{PYTEST} tests notebooks --help",
            "ci",
        ),
        (
            "test 01 3 -- -k data",
            f"{PYTEST} 01_a solutions/01_solutions 03_b -k data",
            "ci",
        ),
    ],
)
def test_tasks(started, line, command, profile):
    assert launcher.main(line.split()) == 0
    ((found, folder),) = started
    notebooks = launcher.ROOT / "notebooks"
    found = found.replace(f"{notebooks}{os.sep}", "").replace(".ipynb", "")
    assert found.replace("\\", "/") == command
    assert folder == (None if "score" in line else launcher.ROOT)
    assert started.environment.get("COURSE_PROFILE") == profile


def test_a_lesson_that_is_not_there(started, monkeypatch, capsys):
    monkeypatch.setattr(launcher, "prepare", lambda: pytest.fail("set up"))
    for task in ("run", "test", "refresh"):
        assert launcher.main([task, "07"]) == 1
        said = capsys.readouterr().err
        assert "no lesson 07" in said and "00_start, 01_a, 03_b" in said


def test_a_folder_that_cannot_be_written_is_a_sentence(started, capsys):
    launcher.BUILD.write_text("a file")
    for task in ("run", "test", "refresh"):
        assert launcher.main([task]) == 1
        said = capsys.readouterr().err
        for words in (f"{launcher.BUILD}: File exists", "Move", "free 5 GB"):
            assert words in said
    assert not started


def test_a_path_that_is_too_long_is_told_before_the_work(started, monkeypatch):
    launcher.BUILD.mkdir()
    launcher.check_paths()
    assert not list(launcher.BUILD.iterdir())
    monkeypatch.setattr(launcher, "LONGEST_PATH", 10_000)
    with pytest.raises(SystemExit, match=r"(?s)too long.*shorter path"):
        launcher.check_paths()
    assert not list(launcher.BUILD.iterdir())


# --- JupyterLab, and the data -------------------------------------------


def test_lab_makes_its_copies_first(started):
    assert launcher.main(["lab", "--", "--x"]) == 0
    assert [command for command, _ in started] == [
        "tools.copies",
        "jupyterlab --ServerApp.ip=127.0.0.1 "
        f"--ServerApp.root_dir={launcher.ROOT} "
        "--LabApp.default_url=/lab/tree/my/00_start_here.ipynb --x",
    ]
    settings = launcher.VENV / "share" / "jupyter" / "lab" / "settings"
    (answer,) = json.loads((settings / "overrides.json").read_text()).values()
    assert answer == {"fetchNews": "false", "checkForUpdates": False}
    assert "JUPYTERLAB_SETTINGS_DIR" not in started.environment


def test_lab_for_a_class(started):
    assert launcher.main(["lab", "--projector", "--teach"]) == 0
    assert started[0][0] == "tools.copies --teach"
    assert "=/doc/tree/my/teach/00_start_here.ipynb" in started[1][0]
    folder = Path(started.environment["JUPYTERLAB_SETTINGS_DIR"])
    [file] = folder.rglob("themes.jupyterlab-settings")
    assert (
        json.loads(file.read_text())["overrides"]["code-font-size"] == "17px"
    )
    assert launcher.main(["lab", "--teach", "03"]) == 2
    assert len(started) == 2


def test_root_is_told_before_jupyter_refuses(started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    with pytest.raises(SystemExit, match=r"course\.py lab -- --allow-root"):
        launcher.main(["lab"])
    assert not started
    assert launcher.main(["lab", "--", "--allow-root"]) == 0


def test_lab_keeps_the_settings_of_a_home_that_can_be_written(
    started, monkeypatch, tmp_path
):
    own = str(launcher.BUILD / "jupyter")
    monkeypatch.delenv("JUPYTER_CONFIG_DIR", raising=False)
    for home, seen in (
        (str(tmp_path), str(tmp_path / ".jupyter")),
        (os.devnull, own),
    ):
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("USERPROFILE", home)
        assert launcher.main(["lab"]) == 0
        assert started.environment["JUPYTER_CONFIG_DIR"] == seen
        assert started.environment["JUPYTER_DATA_DIR"] == own


def test_data_is_tried_once(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(launcher, "ROOT", tmp_path)
    monkeypatch.setattr(launcher, "VENV", tmp_path)
    monkeypatch.setattr(launcher, "run_task", lambda t: calls.append(t) or 1)
    monkeypatch.setenv("COURSE_MNIST", "file")
    launcher.try_data()
    monkeypatch.delenv("COURSE_MNIST")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mnist.npz").touch()
    launcher.try_data()
    assert not calls
    (tmp_path / "data" / "mnist.npz").unlink()
    launcher.try_data()
    launcher.try_data()
    assert calls == ["data"]
    assert "Going on without it" in capsys.readouterr().err


# --- What the environment brings ----------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("COURSE_PROFILE", '"ci"', "Did you mean 'ci'?"),
        ("COURSE_PROFILE", "quick", "unset it to get 'lecture'"),
        ("COURSE_SEED", "10000", "whole number from 0 to 9999"),
        ("COURSE_MNIST", "absent.npz", "no such file"),
        ("COURSE_MNIST", ".", "no such file"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(
    started, monkeypatch, name, value, words
):
    monkeypatch.setattr(launcher, "prepare", lambda: pytest.fail("set up"))
    monkeypatch.setenv(name, value)
    for task in ("run", "test", "data", "doctor", "lab", "refresh"):
        with pytest.raises(SystemExit) as reason:
            launcher.main([task])
        for part in (name, value, words):
            assert part in str(reason.value)


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("COURSE_PROFILE", "  ", None),
        ("COURSE_PROFILE", "ci ", "ci"),
        ("COURSE_SEED", " 7\t", "7"),
        ("COURSE_MNIST", " ", None),
        ("COURSE_MNIST", "MNIST-5k ", "MNIST-5k"),
        ("COURSE_MNIST", "a.npz", "{}"),
        ("COURSE_MNIST", "~/a.npz", "{}"),
    ],
)
def test_children_get_the_cleaned_setting(
    started, tmp_path, monkeypatch, name, value, seen
):
    file = tmp_path.resolve() / "a.npz"
    file.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert launcher.main(["run"]) == 0
    assert started.environment.get(name) == (seen and seen.format(file))


FOREIGN = """
    PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PIP_TARGET PYTEST_ADDOPTS MPLBACKEND
    KERAS_BACKEND TF_USE_LEGACY_KERAS MATPLOTLIBRC MPLCONFIGDIR IPYTHONDIR
    JUPYTER_CONFIG_DIR JUPYTER_PATH JUPYTERLAB_DIR __PYVENV_LAUNCHER__
"""


def test_nothing_leaks_into_a_task(started, monkeypatch):
    for name in FOREIGN.split():
        monkeypatch.setenv(name, "elsewhere")
    kept = ("PYTHONHASHSEED", "PYTHONUTF8", "KERAS_HOME", "OMP_NUM_THREADS")
    for name in kept:
        monkeypatch.setenv(name, "0")
    assert launcher.main(["run"]) == 0
    environment = started.environment
    assert "elsewhere" not in environment.values()
    assert all(environment[name] == "0" for name in kept)
    assert environment["PYTHONPATH"] == str(launcher.ROOT)
    assert environment["PYTHONNOUSERSITE"] == "1"
    first = environment["PATH"].split(os.pathsep)[0]
    assert Path(first) == launcher.PYTHON.parent
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR"):
        assert Path(environment[name]).is_relative_to(launcher.ROOT)


def test_a_folder_beside_the_notebook_does_not_hide_helpers(
    started, tmp_path, monkeypatch
):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").touch()
    monkeypatch.setattr(launcher, "ROOT", ROOT)
    launcher.run_task("doctor", IPYTHONDIR=str(tmp_path / "ipython"))
    code = "import importlib.util as u; print(u.find_spec('helpers').origin)"
    found = subprocess.check_output(
        [sys.executable, "-P", "-m", "IPython", "-c", code],
        cwd=tmp_path,
        env=started.environment,
        encoding="utf-8",
    )
    assert Path(found.strip()) == ROOT / "helpers" / "__init__.py"


CONFIG = """\
[global]\nquiet=3\ntimeout=7\nindex_url=https://a\nextra-index-url=
  https://b\n  https://c
[install]\ntarget=/elsewhere\nno-binary=:all:\nretries=2
[list]\nformat=json
"""
PIP = {"DEFAULT_TIMEOUT": "9", "CONSTRAINT": "a.txt", "DRY_RUN": "1"}
PIP |= {"REQUIRE_HASHES": "1", "PROXY": "http://p", "FIND_LINKS": "my wheels"}


def test_only_settings_of_network_and_index_reach_pip(
    outer_python, tmp_path, monkeypatch, capsys
):
    (tmp_path / "my wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pip.conf"
    file.write_text(CONFIG)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in (PIP | {"CONFIG_FILE": str(file)}).items():
        monkeypatch.setenv(f"PIP_{name}", value)
    settings = launcher.pip_settings(outer_python)
    extra = settings.pop("PIP_EXTRA_INDEX_URL")
    assert extra.split() == ["https://b", "https://c"]
    settings.pop("PIP_CERT", None)  # of a file of the whole machine
    assert settings == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PYTHONUNBUFFERED": "1",  # so that the log is never behind
        "PIP_TIMEOUT": "9",
        "PIP_INDEX_URL": "https://a",
        "PIP_RETRIES": "2",
        "PIP_PROXY": "http://p",
        "PIP_FIND_LINKS": (tmp_path / "my wheels").resolve().as_uri(),
    }
    said = capsys.readouterr().err
    assert said.startswith("Settings of pip that are left out: ")
    for name in ("target", "no-binary", "constraint", "dry-run", "hashes"):
        assert name in said
    assert str(file) in said
    file.write_text("no section = 1\n")
    with pytest.raises(SystemExit, match="-m pip config list"):
        launcher.pip_settings(outer_python)


def test_a_task_that_crashed(monkeypatch):
    for status, words in ((-9, "signal 9"), (3221225477, "0xC0000005")):
        child = SimpleNamespace(wait=lambda _, s=status: s, poll=lambda: 1)
        popen = SimpleNamespace(Popen=lambda *_, child=child, **__: child)
        monkeypatch.setattr(launcher, "subprocess", popen)
        with pytest.raises(SystemExit, match=f"{words}.*lack of memory"):
            launcher.run([])
