"""Real set-ups of a small project, without a network."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tools import launcher

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
NOWHERE = {"PIP_FIND_LINKS": "nowhere"}  # where nothing can be had
STOPPED = "Stopped; the same command goes on."


def test_no_network_and_a_half_made_venv(ready):
    status, out, said = ready.refused
    assert (status, out) == (1, "")
    for words in (
        "No matching distribution found for toy==1.0",  # pip's own words
        "NewConnectionError",
        "PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER",
        "TMPDIR",
        str(ready.root / "build" / "setup.log"),
    ):
        assert words in said
    assert not (ready.venv / "rubbish").exists()
    assert (ready.root / "build" / "setup.log").stat().st_size > 0


def test_the_second_call_sets_nothing_up(ready):
    stamp, lock = ready.venv / "course.json", ready.root / "..venv.lock"
    before = stamp.stat().st_mtime_ns
    lock.unlink()
    comments = "# A comment\r\n\r\ntoy==1.0  # another\r\n"
    (ready.root / "requirements.txt").write_bytes(comments.encode())
    started = time.monotonic()
    assert ready.run(**NOWHERE) == (0, "toy 1.0 mini 1.0\n", "")
    assert time.monotonic() - started < 3
    assert stamp.stat().st_mtime_ns == before and not lock.exists()


def test_a_changed_lock_that_cannot_be_had_spoils_nothing(ready):
    ready.lock("9.9")
    status, _, said = ready.run()
    assert status == 1
    assert "No matching distribution found for toy==9.9" in said
    ready.lock("1.0")
    assert ready.run(**NOWHERE) == (0, "toy 1.0 mini 1.0\n", "")


def test_a_changed_lock_is_installed_whatever_the_user_has_set(
    ready, tmp_path, monkeypatch
):
    """Here .venv is activated, pip is led astray, and stdout is for scores."""
    target = tmp_path / "target"
    config = tmp_path / ".config" / "pip"
    config.mkdir(parents=True)
    (config / "pip.conf").write_text(f"[install]\ntarget = {target}\n")
    (ready.root / "tools" / "score.py").write_text(
        "import importlib.metadata as metadata, pathlib, sys\n"
        "text = pathlib.Path(sys.argv[2]).read_text()\n"
        "print(sys.argv[1:], text, metadata.version('toy'))\n"
        "raise SystemExit(2)\n"
    )
    (tmp_path / "a.npy").write_text("mine")
    for name in ("helpers.py", "pip.py"):
        (tmp_path / name).write_text("raise SystemExit('astray')")
    python = launcher.PYTHON.relative_to(launcher.VENV)
    monkeypatch.setattr(ready, "python", str(ready.venv / python))
    (ready.venv / "keep").touch()
    ready.lock("2.0")
    status, out, said = ready.run(
        *("score", "a.npy", "--json"),
        folder=tmp_path,
        VIRTUAL_ENV=str(ready.venv),
        PYTHONPATH=str(tmp_path),
        HOME=str(tmp_path),
        XDG_CONFIG_HOME=str(config.parent),
        PIP_CONFIG_FILE="",
        PIP_CONSTRAINT=str(tmp_path / "absent"),
        PIP_DRY_RUN="1",
        PIP_NO_BINARY=":all:",
        PIP_FIND_LINKS=str(ready.wheels),
    )
    assert out == "['score', 'a.npy', '--json'] mine 2.0\n", said
    assert status == 2
    assert said.startswith("The lock has changed")
    if os.name != "nt":
        assert "target, constraint, dry-run, no-binary" in said
    assert not target.exists()
    assert (ready.venv / "keep").exists()  # the same .venv


@pytest.fixture
def own(tmp_path, monkeypatch) -> dict[str, str]:
    """The stamp of a whole .venv, whose Python is the running one."""
    venv = tmp_path / ".venv"
    venv.mkdir()
    monkeypatch.setattr(launcher, "ROOT", tmp_path)
    monkeypatch.setattr(launcher, "BUILD", tmp_path / "build")
    monkeypatch.setattr(launcher, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(launcher, "DISK_GB", 0)
    monkeypatch.setattr(launcher, "VENV", venv)
    monkeypatch.setattr(launcher, "STAMP", venv / "course.json")
    monkeypatch.setattr(launcher, "PYTHON", Path(sys.executable))
    (tmp_path / "requirements.txt").write_text("toy==1.0\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nversion = '1'\n")
    return launcher.wanted()


@pytest.mark.parametrize(
    ("name", "line", "counts"),
    [
        ("requirements.txt", "other==1.0", True),
        ("requirements.txt", "# said by nobody", False),
        ("pyproject.toml", "dependencies = ['toy']", True),
        ("pyproject.toml", "[build-system]\nrequires = ['toy']", True),
        ("pyproject.toml", "[tool.setuptools]\npackages = []", True),
        ("pyproject.toml", "[tool.ruff]\nline-length = 99", False),
    ],
)
def test_what_is_installed_counts(own, name, line, counts):
    assert own["root"] == str(launcher.ROOT)
    with (launcher.ROOT / name).open("a") as file:
        file.write(line)
    changed = launcher.wanted()
    assert (changed["made from"] != own["made from"]) == counts
    assert changed | {"made from": own["made from"]} == own


def test_a_python_that_is_gone_counts(own, monkeypatch):
    monkeypatch.setattr(launcher, "PYTHON", launcher.ROOT / "gone")
    assert launcher.wanted() == own | {"python": ""}


def test_a_project_file_that_cannot_be_read_is_a_sentence(own):
    (launcher.ROOT / "pyproject.toml").write_text("[project\n")
    with pytest.raises(SystemExit, match=r"(?s)pyproject.toml: .*Fetch it"):
        launcher.wanted()


@pytest.mark.parametrize("text", ["{cut off", "[]", "", "\xff", None])
def test_a_broken_stamp_is_that_of_a_half_made_venv(own, text):
    if text is not None:
        launcher.STAMP.write_text(text, encoding="latin-1")
    assert launcher.read_stamp() == {}


@pytest.mark.parametrize(
    ("change", "update"),
    [
        ({"made from": "another"}, True),
        ({"root": "elsewhere"}, False),
        ({"python": "3 10"}, False),
    ],
)
def test_only_a_whole_venv_is_brought_up_to_the_lock(
    own, monkeypatch, change, update
):
    made = []
    monkeypatch.setattr(launcher, "read_stamp", lambda: own | change)
    monkeypatch.setattr(launcher, "pip_python", lambda: "")
    monkeypatch.setattr(launcher, "set_up", lambda old, *_: made.append(old))
    launcher.prepare()
    assert made == [own | change if update else {}]


@pytest.mark.parametrize("begun", [True, False])
def test_what_pip_has_begun_to_change_is_half_made(own, monkeypatch, begun):
    def install(python, lock, **parts):
        launcher.LOG.write_text("Installing collected" if begun else "")
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "install", install)
    with pytest.raises(KeyboardInterrupt):
        launcher.set_up(own, "", None)
    assert launcher.read_stamp() == ({} if begun else own)


@pytest.mark.parametrize("place", [".venv", ".venv/pyvenv.cfg"])
def test_a_foreign_venv_is_left_alone(own, place):
    theirs = launcher.ROOT / place
    if place == ".venv":
        theirs.rmdir()
    theirs.write_text("home = elsewhere")
    with pytest.raises(SystemExit, match=r"not made by course\.py"):
        launcher.prepare()
    assert theirs.read_text() == "home = elsewhere"
    assert sorted(launcher.VENV.glob("*")) == ([theirs] * (place != ".venv"))


def test_the_site_gets_its_packages_once(mini):
    pages = mini.root / "requirements-site.txt"
    pages.write_text("pages==1.0\n")
    doctor = (mini.root / "tools/doctor.py").read_text()
    site = doctor.replace('"toy"', '"pages"')
    (mini.root / "tools/site.py").write_text(site)
    status, out, said = mini.run("site")
    assert (status, out) == (1, "") and "for pages==1.0" in said
    mini.offer("pages")
    status, out, said = mini.run("site")
    assert (status, out) == (0, "pages 1.0 mini 1.0\n"), said
    assert "Adding to .venv" in said
    assert mini.run("site", **NOWHERE) == (0, "pages 1.0 mini 1.0\n", "")
    pages.write_text("pages==2.0\n")
    assert mini.run("site")[1] == "pages 2.0 mini 1.0\n"
    mini.lock("2.0")  # which may have changed what both locks name
    assert "Adding to .venv" in mini.run("site")[2]


def test_no_space(mini):
    mini.edit(**{"DISK_GB = 0": "DISK_GB = 10**9"})
    status, _, said = mini.run()
    assert status == 1 and "GB free" in said


@posix
def test_an_interrupt_ends_pip(mini, silent):
    mini.edit(**{"EVERY = 20": "EVERY = 0.01"})
    child = mini.start(**silent[1])
    connection, _ = silent[0].accept()  # pip has begun
    family = psutil.Process(child.pid).children(recursive=True)
    assert family
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    connection.close()
    assert child.returncode == 130
    first, *progress, last = said.splitlines()
    assert first.startswith("Setting up .venv, once") and last == STOPPED
    assert set(progress) <= {"", *(f"  packages: {n} s" for n in range(20))}
    assert len(progress) > 2
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert mini.stamp() == {}


@posix
def test_pip_outlives_a_killed_launcher(mini, silent):
    child = mini.start(**silent[1])
    connection, _ = silent[0].accept()  # pip has begun
    family = psutil.Process(child.pid).children(recursive=True)
    child.kill()
    child.wait()
    status, _, said = mini.run()
    for process in family:
        process.kill()
    child.communicate()
    connection.close()
    assert status == 1
    assert f"Another run (process {child.pid})" in said
    assert "Wait until it has finished" in said


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_task(ready, number):
    ready.doctor(
        "import time\ntry:\n    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    raise SystemExit(1)\n"
    )
    try:
        child = ready.start()
        assert child.stdout.readline() == "begun\n"
        (task,) = psutil.Process(child.pid).children()
        child.send_signal(number)
        if number == signal.SIGINT:  # a terminal sends it to both
            task.send_signal(number)
        _, said = child.communicate(timeout=20)
    finally:
        ready.doctor()
    assert child.returncode == 130
    assert said.strip() == STOPPED
    assert not task.is_running()


@posix
def test_nohup_holds(ready):
    ready.doctor("import signal as s\nprint(int(s.getsignal(s.SIGHUP)))")
    before, seen = signal.getsignal(signal.SIGHUP), []
    for action in (signal.SIG_IGN, signal.SIG_DFL):
        signal.signal(signal.SIGHUP, action)
        seen.append(ready.run()[1])
    signal.signal(signal.SIGHUP, before)
    ready.doctor()
    assert seen == [f"{int(signal.SIG_IGN)}\n", f"{int(signal.SIG_DFL)}\n"]
