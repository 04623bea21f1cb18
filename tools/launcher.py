"""What `python3 course.py TASK` does: make `.venv`, then run the task in it.

Standard library only, as it runs before any package is installed. Its own
words go to stderr; stdout belongs to the task.
"""

import ast
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tools.alone import alone
from tools.choose import NoSuchLesson, choose, with_companions
from tools.environment import clean_settings, foreign

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOG = BUILD / "setup.log"
VENV = ROOT / ".venv"
STAMP = VENV / "course.json"  # what .venv was made from; {}: half-made
SITE_LOCK = ROOT / "requirements-site.txt"
SITE_STAMP = VENV / "site.txt"  # the lock of the site that .venv has
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
MACHINES = ("Linux x86_64", "Linux aarch64", "Darwin arm64", "Windows AMD64")
LONGEST_PATH = 187  # characters of the longest file name below .venv
DISK_GB = 5  # .venv takes 2, pip's cache and unpacked files 2 for a while
GRACE = 5  # seconds that a child has to tidy up before it is killed
EVERY = 20  # seconds between two lines of progress
# pip's settings of network, index and looks; others would spoil .venv.
PIP_PASSES = re.compile(
    "(extra-)?index-url|no-index|find-links|proxy|(client-)?cert|timeout|"
    "trusted-host|(resume-)?retries|keyring-provider|(no-)?cache-dir|"
    "use-(feature|deprecated)|config-file|no-input|no-color|progress-bar|"
    "disable-pip-version-check|root-user-action"
)
USAGE = """\
Usage: python3 course.py TASK

  run     [NN ...]  execute the lessons into build/, print a table
  test    [NN ...]  unit tests, then every notebook, with pytest
  lab               JupyterLab on your own copies in my/; for a class:
                    --teach (copies to type in, with notes) --projector
  data              fetch the full MNIST file (11 MB)
  refresh [NN ...]  execute again and store the outputs
  doctor            look for what is wrong, with a remedy for each
  score   FILE      compare a file of samples with real digits
  progress          which exercises in my/ say PASS; --json for programs
  site              the course as pages that need no network
  slides  [NN ...]  a deck of a lesson for the projector

NN is a lesson's number, such as 03. Options for pytest or JupyterLab come
after --, as in: course.py test -- -k data. `score --help` shows its own."""
TASKS = {
    "run": ["tools.lessons", "run"],
    "test": ["pytest", "--nbval", "-n", "auto", "--dist", "loadfile"],
    "lab": ["jupyterlab", "--ServerApp.ip=127.0.0.1"],
    "data": ["tools.fetch_data"],
    "refresh": ["tools.lessons", "refresh"],
    "doctor": ["tools.doctor"],
    "score": ["tools.score", "score"],
    "progress": ["tools.progress"],
    "site": ["tools.site"],
    "slides": ["tools.slides"],
}
NUMBERED = ("run", "test", "refresh", "slides")  # tasks that take lessons


FLAGS = {"lab": {"--teach", "--projector"}, "progress": {"--json"}}
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}
LARGE_TYPE = {"code-font-size": "17px", "content-font-size1": "18px"}


def say(text: str) -> None:
    """Tell the user something."""
    print(text, file=sys.stderr, flush=True)


def numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers: 'pip 22.3.1' -> (22, 3)."""
    return tuple(int(n) for n in re.findall(r"\d+", version)[:2])


def check_machine() -> None:
    """Exit where TensorFlow is not made for the machine or its Python."""
    config = sysconfig.get_config_var
    libc, version = platform.libc_ver()
    if not (
        f"{platform.system()} {platform.machine()}" in MACHINES
        and sys.maxsize > 2**32
        and sys.implementation.name == "cpython"
        and not config("Py_GIL_DISABLED")
        and "musl" not in (config("HOST_GNU_TYPE") or "")
        and (libc != "glibc" or numbers(version) >= (2, 27))
    ):
        sys.exit(
            f"TensorFlow is not made for this machine or this Python: "
            f"{platform.platform()}, {sys.version}.\nIt needs an ordinary "
            "64-bit Python on Linux with glibc 2.27 or newer (Alpine has "
            "none), on Windows with x86-64 (on ARM, use WSL), or on a Mac "
            "with an M chip (one for Intel runs there under Rosetta: install "
            "one for ARM)."
        )


def pip_python() -> str:
    """Return a Python that has pip: this one or, in a venv, its base."""
    base = sys._base_executable
    for python in (sys.executable, base):
        command = [python, "-P", "-m", "pip", "--version"]
        version = ask(command, PIP_CONFIG_FILE=os.devnull)
        if numbers(version) >= (22, 3):  # the first with --python
            return python
    sys.exit(
        "The course needs pip 22.3 or newer, and this Python has "
        f"{version.partition(' from')[0] or 'no pip'}.\nOn Debian or Ubuntu: "
        "sudo apt install python3-pip; elsewhere: "
        f'"{base}" -m ensurepip --user --upgrade'
    )


def check_folder(path: Path) -> None:
    """Make a folder; raise OSError where no file can be made in it."""
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass


def check_paths() -> None:
    """Exit where a path as long as the longest of .venv cannot be made."""
    length = len(str(VENV)) + 1 + LONGEST_PATH
    top = path = BUILD / f"path.{os.getpid()}"
    while len(str(path)) < length:
        path /= "x" * max(1, min(99, length - len(str(path)) - 1))
    try:
        path.parent.mkdir(parents=True)
        path.touch()
    except OSError:
        sys.exit(
            f"The path of the course is too long: {ROOT} has "
            f"{len(str(ROOT))} characters.\nMove it to a shorter path, such "
            "as C:\\course, or switch on the long paths of Windows."
        )
    finally:
        shutil.rmtree(top, ignore_errors=True)


# --- .venv --------------------------------------------------------------


def wanted() -> dict[str, str]:
    """Return what the stamp of a ready .venv says."""
    # A comment, or an option of ruff, is no reason to install.
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    content: list[Any] = re.sub(r"(?m)(^|\s)#.*", "", lock).split()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        sys.exit(f"pyproject.toml: {error}.\nFetch it again from the course.")
    content += [settings.get("project"), settings.get("build-system")]
    content.append(settings.get("tool", {}).get("setuptools"))
    made_from = json.dumps(content, sort_keys=True).encode()
    # The base Python may have been removed, or replaced by another version.
    question = "import sys; print(*sys.version_info[:2])"
    return {
        "made from": hashlib.sha256(made_from).hexdigest(),
        "root": str(ROOT),
        "python": ask([str(PYTHON), "-I", "-S", "-c", question]).strip(),
    }


def read_stamp() -> dict[str, str]:
    """Return the stamp; {} where .venv is missing or half-made."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return stamp if isinstance(stamp, dict) else {}
    except ValueError:
        return {}
    except (FileNotFoundError, NotADirectoryError):
        empty = VENV.is_dir() and not any(VENV.glob("[!.]*"))
    # The stamp is the first file of a .venv of ours.
    if os.path.lexists(VENV) and not empty:
        sys.exit(
            f"{VENV} was not made by course.py, so it is left alone.\nMove it "
            "away or delete it, then try again."
        )
    return {}


def prepare() -> None:
    """See that .venv is as the lock says; cheap when it is already."""
    if read_stamp() == wanted():
        return
    check_machine()
    python = pip_python()
    check_folder(BUILD)
    check_paths()
    with alone(VENV) as lock:
        old, new = read_stamp(), wanted()
        if old != new:  # else another process has just made it
            whole = old | {"made from": new["made from"]} == new
            set_up(old if whole else {}, python, lock)


def set_up(old: dict[str, str], python: str, lock: TextIO) -> None:
    """Bring a whole .venv up to the lock; where old is {}, make one first."""
    started = time.monotonic()
    LOG.write_bytes(b"")
    if old:
        say("The lock has changed: installing what is new.")
    else:
        say("Setting up .venv, once; this takes a few minutes.")
        VENV.mkdir(exist_ok=True)
        STAMP.write_bytes(b"{}")
        for path in VENV.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != STAMP:
                path.unlink()
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        sys.exit(
            f"The disk of {ROOT} has {free:.1f} GB free, and setting up needs "
            f"{DISK_GB} GB.\nFree some, or move the course to another disk."
        )
    STAMP.write_bytes(b"{}")
    SITE_STAMP.unlink(missing_ok=True)
    made_from = wanted()["made from"]  # the lock may change meanwhile
    try:
        if not old:
            import venv

            venv.EnvBuilder(symlinks=not WINDOWS).create(VENV)
        install_course(python, lock)
    except BaseException:
        # A .venv that pip has not begun to change is still good.
        if old and b"Installing collected" not in LOG.read_bytes():
            STAMP.write_text(json.dumps(old), encoding="utf-8")
        raise
    stamp = wanted() | {"made from": made_from}
    STAMP.write_text(json.dumps(stamp), encoding="utf-8")
    say(f"Set up in {time.monotonic() - started:.0f} s.")


def install_course(python: str, lock: TextIO) -> None:
    """Install the lock, then the helpers; let matplotlib list the fonts."""
    # "/.", as pip takes the end of a folder "course[1]" for extras.
    own = ["--no-deps", "--no-build-isolation", "-e", f"{ROOT}/."]
    packages = ["-r", str(ROOT / "requirements.txt")]
    install(python, lock, packages=packages, helpers=own)
    ask([str(PYTHON), "-P", "-c", "import matplotlib.font_manager"])


def add_site_packages() -> None:
    """Install what makes the pages, once for each lock of them."""
    pins = SITE_LOCK.read_bytes()
    if SITE_STAMP.exists() and SITE_STAMP.read_bytes() == pins:
        return
    python = pip_python()
    say("Adding to .venv what makes pages and slides, once.")
    check_folder(BUILD)
    LOG.write_bytes(b"")
    with alone(VENV) as lock:
        install(python, lock, site=["-r", str(SITE_LOCK)])
        SITE_STAMP.write_bytes(pins)


def install(python: str, lock: TextIO, **parts: list[str]) -> None:
    """Let pip install parts: its arguments under a name to show."""
    # pip works from outside, as Debian's Python cannot put it into .venv. It
    # is a group of its own, so that all of it can be ended, and holds the
    # lock, as it may outlive the launcher. Its complaints are shown.
    options = {
        "env": clean_environment(**pip_settings(python)),
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,
        "pass_fds": [] if WINDOWS else [lock.fileno()],
    }
    pip = [python, "-P", "-m", "pip", "--python", str(PYTHON), "install"]
    pip += ["--progress-bar", "off"]
    for part, arguments in parts.items():
        with LOG.open("ab") as log:
            status = run(pip + arguments, part, stdout=log, **options)
        if status != 0:
            sys.exit(
                "pip failed: its own words are above, and what it did before "
                f"is in {LOG}.\n"
                "No network? Use a folder of wheels, as in the README under "
                '"In class": PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER. Behind a '
                f"proxy set HTTPS_PROXY.\nNo space? Free {DISK_GB} GB, or let "
                "TMPDIR name a folder elsewhere.\nThen try again."
            )


def pip_settings(python: str) -> dict[str, str]:
    """Return variables for pip; the user's that may not pass are named."""
    # pip reads its files in the encoding of the locale; a setting `quiet`
    # would hide the answer.
    own = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8"}
    if "PIP_CONFIG_FILE" in os.environ:
        own["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
    listed = ask([python, "-P", "-m", "pip", "-vvv", "config", "list"], **own)
    if not listed:
        sys.exit(
            "pip cannot read its own settings. This shows what is wrong with "
            f'them: "{python}" -m pip config list'
        )
    line = r"(?m)^(?:global|install)\.([\w-]+)=(.*)$"
    given = [(k, ast.literal_eval(v)) for k, v in re.findall(line, listed)]
    for key, value in sorted(os.environ.items()):
        if key.startswith("PIP_"):
            given.append((key[4:].lower().replace("_", "-"), value))
    settings, left_out = {}, []
    for name, value in given:
        name = name.removeprefix("default-")
        path = os.path.expanduser(value)  # noqa: PTH111
        if name == "find-links" and os.path.isdir(path):  # noqa: PTH112
            value = Path(path).resolve().as_uri()  # pip cuts at spaces
        if PIP_PASSES.fullmatch(name):
            settings["PIP_" + name.upper().replace("-", "_")] = value
        else:
            left_out.append(name)
    if left_out:
        debug = ask(
            [python, "-P", "-m", "pip", "-vvv", "config", "debug"], **own
        )
        files = re.findall(r"(?m)^  (\S.*), exists: True", debug)
        where = f" (look at {', '.join(files)} and PIP_...)" if files else ""
        say(f"Settings of pip that are left out: {', '.join(left_out)}{where}")
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1"}
    ours |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    return settings | ours


def clean_environment(**settings: str) -> dict[str, str]:
    """Return a child's environment: nothing leaks in, no HOME is needed."""
    kept = {k: v for k, v in os.environ.items() if not foreign(k)}
    own = {
        "MPLCONFIGDIR": str(VENV / "matplotlib"),  # with the list of fonts
        "IPYTHONDIR": str(BUILD / "ipython"),
        "JUPYTER_CONFIG_DIR": str(BUILD / "jupyter"),
        "JUPYTER_DATA_DIR": str(BUILD / "jupyter"),
    }
    # Windows would read and print text in an old code page otherwise.
    return {"PYTHONUTF8": "1"} | kept | own | settings


def ask(command: list[str], **settings: str) -> str:
    """Return what a short command prints; nothing where it fails."""
    options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options["env"] = clean_environment(**settings)
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.check_output(command, **options).decode(
            errors="replace"
        )
    return ""


def run(command: list[str], part: str = "", **options: Any) -> int:
    """Run a child to its end, part: of the set-up; the exit status."""
    child = subprocess.Popen(command, **options)
    started, status = time.monotonic(), None
    try:
        while status is None:
            try:
                status = child.wait(EVERY if part else None)
            except subprocess.TimeoutExpired:
                say(f"  {part}: {time.monotonic() - started:.0f} s")
    finally:
        if child.poll() is None:
            end(child, group=bool(part))
    if 0 <= status < 2**31:
        return status
    # Windows tells of a crash by a large status, such as 0xC0000005.
    cause = f"signal {-status}" if status < 0 else f"Windows: 0x{status:X}"
    sys.exit(
        f"The task was ended ({cause}), often for lack of memory.\n"
        "Close other programs and try again."
    )


def end(child: subprocess.Popen, group: bool) -> None:
    """End a child; wait first, unless it is a group that had no Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("", "SIGTERM", "SIGKILL")[group:]:
        if name and WINDOWS:
            tree = ["taskkill", "/T", "/F", "/PID", str(child.pid)]
            subprocess.run(tree, capture_output=True)
        elif name:
            send = os.killpg if group else os.kill
            send(child.pid, getattr(signal, name))
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
            return


# --- Tasks --------------------------------------------------------------


def run_task(task: str, *arguments: str, **settings: str) -> int:
    """Run the module of a task inside .venv; the exit status."""
    environment = clean_environment(
        PYTHONPATH=str(ROOT),
        PYTHONNOUSERSITE="1",
        VIRTUAL_ENV=str(VENV),
        PATH=f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        JUPYTER_PREFER_ENV_PATH="1",
    )
    return run(
        [str(PYTHON), "-P", "-m", *TASKS[task], *arguments],
        cwd=None if task == "score" else ROOT,  # FILE lies where one stands
        env=environment | settings,
    )


def try_data() -> None:
    """Once after a set-up try to fetch full MNIST; go on either way."""
    tried, file = VENV / "data_tried", ROOT / "data" / "mnist.npz"
    if os.environ.get("COURSE_MNIST") or file.exists() or tried.exists():
        return
    say("Trying to fetch the full MNIST file, once.")
    if run_task("data") != 0:
        say(
            "Going on without it: the lessons use 5,000 images that came "
            "with the packages.\n`python3 course.py data` tries again."
        )
    tried.touch()


def run_lab(flags: list[str], extra: list[str]) -> int:
    """Start JupyterLab on the user's own copies."""
    teach = ["--teach"] if "--teach" in flags else []
    python = [str(PYTHON), "-P", "-m", "tools.copies", *teach]
    status = run(python, cwd=ROOT, env=clean_environment(PYTHONPATH=str(ROOT)))
    if status != 0:
        return status
    # Answer the question about news before a class sees it: to switch off
    # the address of the news does not switch off the question.
    write_settings(
        VENV / "share/jupyter/lab/settings/overrides.json",
        {"@jupyterlab/apputils-extension:notification": NO_NEWS},
    )
    # The user's own theme and keys stay, where there is a HOME to keep them.
    settings = {}
    with suppress(OSError, RuntimeError):
        own = Path(os.environ.get("JUPYTER_CONFIG_DIR", "~/.jupyter"))
        check_folder(own.expanduser())
        settings["JUPYTER_CONFIG_DIR"] = str(own.expanduser().absolute())
    page = "lab"
    if "--projector" in flags:  # one document, large type, no sidebar
        page, folder = "doc", BUILD / "projector"
        settings["JUPYTERLAB_SETTINGS_DIR"] = str(folder)
        theme = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
        write_settings(folder / theme, {"overrides": LARGE_TYPE})
    say("JupyterLab opens in your browser. Ctrl-C here ends it.")
    # It asks before it stops.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    first = "my/teach" if teach else "my"
    start = f"--LabApp.default_url=/{page}/tree/{first}/00_start_here.ipynb"
    folder = f"--ServerApp.root_dir={ROOT}"
    return run_task("lab", folder, start, *extra, **settings)


def write_settings(path: Path, content: dict[str, Any]) -> None:
    """Write settings of JupyterLab."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def do(task: str, names: list[str], extra: list[str]) -> int:
    """Do a task; the exit status."""
    clean_settings(os.environ)
    asked = names if task in NUMBERED else []
    lessons = choose(asked, ROOT / "notebooks") if asked else []
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if task == "lab" and root and not re.search("allow.root", str(extra)):
        sys.exit(
            "JupyterLab does not start for root. Use another account or, "
            "inside a container: python3 course.py lab -- --allow-root"
        )
    prepare()
    if task in ("site", "slides"):
        add_site_packages()
    if task in ("run", "test", "refresh"):
        check_folder(BUILD)
    if task in ("run", "lab"):
        try_data()
    if task == "lab":
        return run_lab(names, extra)
    if task == "test":
        files = [file for path in lessons for file in with_companions(path)]
        for path in lessons:
            files += (ROOT / "tests/lessons").glob(f"test_{path.name[:2]}*.py")
        names = [str(file) for file in files] or ["tests", "notebooks"]
    profile = {"test": "ci", "refresh": "lecture"}.get(task)
    settings = {"COURSE_PROFILE": profile} if profile else {}
    return run_task(task, *names, *extra, **settings)


def understand(task: str, *rest: str) -> int:
    """Do what the command line says, or print the usage; the exit status."""
    names, extra = list(rest), []
    if task == "score":  # which has options of its own
        names, extra = [], names
    elif "--" in names:
        cut = names.index("--")
        names, extra = names[:cut], names[cut + 1 :]
    if {"help", "-h", "--help"} & {task, *names}:
        print(USAGE, flush=True)
        return 0
    if (
        task not in TASKS
        or (task not in NUMBERED and not set(names) <= FLAGS.get(task, set()))
        or (extra and task not in ("test", "lab", "score"))
        or (task == "score" and not extra)
    ):
        say(USAGE)
        return 2
    return do(task, names, extra)


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    # A closed terminal or `kill` ends the children as Ctrl-C does. Under
    # nohup a closed terminal is ignored, and stays so.
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        return understand(*(arguments or [""]))
    except NoSuchLesson as reason:
        say(str(reason))
    except BrokenPipeError:  # as of `| head`; Python is not to flush it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ImportError as error:
        say(
            f"This Python lacks a part of itself: {error}.\nOn Debian or "
            "Ubuntu: sudo apt install python3-venv; elsewhere install Python "
            "again."
        )
    except FileNotFoundError as error:
        say(
            f"{error.filename}: {error.strerror}.\nFetch it again from the "
            "course."
        )
    except OSError as error:
        say(
            f"{error.filename or ROOT}: {error.strerror or error}.\nMove the "
            "course to a folder of your own, close what uses that file, or "
            f"free {DISK_GB} GB. Then try again."
        )
    except KeyboardInterrupt:
        say("\nStopped; the same command goes on.")
        return 130
    return 1
