"""The launcher of the course: `python3 course.py TASK`.

Needs Python and pip alone. It makes `.venv` as requirements.txt says and
then runs the task inside it.

The file must parse on Python 2.7 and 3.4 too, because a wrong Python is to
get a sentence and not a SyntaxError: no f-strings, no annotations, ASCII
only (tests/test_course.py).
"""
# What modern Python would write shorter, old Python could not parse.
# ruff: noqa: B904, E402, RUF005, UP010, UP032

from __future__ import print_function

import sys

PYTHONS = ((3, 13), (3, 12), (3, 11))


def other_pythons():
    """Commands of this machine that start a Python the course can use."""
    import subprocess

    found = []
    for version in PYTHONS:
        number = "{}.{}".format(*version)
        for command in (["python" + number], ["py", "-" + number]):
            # A name on PATH may be an empty shim, so it is tried.
            question = ["-c", "import sys; print(sys.version_info[:2])"]
            try:
                child = subprocess.Popen(
                    command + question,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                answer = child.communicate()[0].decode("ascii", "replace")
            except (OSError, ValueError):
                continue
            if answer.strip() == str(version):
                found.append(" ".join(command))
    return found


def wrong_python(version, others, arguments):
    """The sentence for a Python that the course cannot use."""
    text = (
        "The course needs Python 3.11, 3.12 or 3.13; "
        "this is Python {}.{}.\n".format(*version)
    )
    if others:
        return text + "Use this command instead: {} {}".format(
            others[0], " ".join(arguments)
        )
    return text + (
        "Install Python 3.12 beside it (from python.org, or with your "
        "system's package manager) and start the course with that one."
    )


if sys.version_info[:2] not in PYTHONS:
    sys.exit(wrong_python(sys.version_info[:2], other_pythons(), sys.argv))

import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "course.json"
BUILD = ROOT / "build"
LOG = BUILD / "setup.log"
# The finished .venv takes 2 GB, pip's cache and its unpacked files 2 GB
# more for a while; the rest is for outputs and checkpoints.
DISK_GB = 5
GRACE = 5  # seconds that a task has to clean up after Ctrl-C
OLDEST_PIP = (22, 3)  # the first with `pip --python`
OLDEST_GLIBC = (2, 27)  # TensorFlow's wheels are built against it
WINDOWS = os.name == "nt"

TASKS = (
    ("run", "[NN ...]", "execute the lessons into build/, print a table"),
    ("test", "[NN ...]", "unit tests, then every notebook, with pytest"),
    ("lab", "", "JupyterLab on your own copies in my/"),
    ("data", "", "fetch the full MNIST file (11 MB)"),
    ("refresh", "[NN ...]", "execute again and store the outputs"),
    ("doctor", "", "look for what is wrong, with a remedy for each"),
)


class Stop(Exception):
    """A sentence for the user, remedy included; ends the program."""


class WrongUse(Exception):
    """The command line makes no sense: print the usage."""


def say(text):
    print(text, flush=True)


# --- May this machine run the course? -----------------------------------


def no_wheels(system, machine, bits, libc):
    """Why TensorFlow has no wheel here, or None where it has one.

    system, machine: as the module platform names them; bits: of this
    Python; libc: (name, version), such as ("glibc", "2.36").
    """
    machine = machine.lower()
    arm = machine in ("arm64", "aarch64")
    if bits != 64:
        return (
            "This Python is a 32-bit one, and TensorFlow exists for 64 bits "
            "only. Install a 64-bit Python 3.12."
        )
    if system == "Darwin" and not arm:
        return (
            "This Python is built for Intel Macs, for which TensorFlow is no "
            "longer made. On a Mac with an M chip it runs under Rosetta: "
            "install the arm64 or universal Python 3.12 from python.org and "
            "start it in a Terminal without Rosetta. On an Intel Mac use "
            "another machine, or Linux in a virtual machine."
        )
    if system == "Windows" and arm:
        return (
            "TensorFlow is not made for Windows on ARM. Use Linux inside "
            "WSL, or another machine."
        )
    if system not in ("Linux", "Darwin", "Windows") or not (
        arm or machine in ("x86_64", "amd64")
    ):
        return (
            "TensorFlow is not made for {} on {}. Use a machine with "
            "Linux, Windows or macOS on x86-64 or ARM.".format(system, machine)
        )
    return old_libc(*libc) if system == "Linux" else None


def old_libc(name, version):
    """Why TensorFlow's Linux wheels do not fit this C library, or None."""
    if name == "musl":
        return (
            "This Linux uses the C library musl (Alpine does), for which "
            "TensorFlow is not made. Use one with glibc, such as Debian, "
            "Ubuntu or Fedora."
        )
    if name == "glibc" and numbers(version) < OLDEST_GLIBC:
        return (
            "This Linux has glibc {}, and TensorFlow needs {}.{} or "
            "newer. Use a newer system, such as Debian 12 or Ubuntu "
            "24.04.".format(version, *OLDEST_GLIBC)
        )
    return None


def numbers(version):
    """'22.3.1' -> (22, 3): the first two numbers, to be compared."""
    found = [int(digits) for digits in re.findall(r"\d+", version)[:2]]
    return tuple(found + [0, 0])[:2]


def this_libc():
    kind = sysconfig.get_config_var("HOST_GNU_TYPE") or ""
    if "musl" in kind:
        return ("musl", "")
    return platform.libc_ver()


def check_machine():
    """Stop, with the reason, where the course cannot be installed."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var(
        "Py_GIL_DISABLED"
    ):
        raise Stop(
            "TensorFlow is made for the ordinary CPython, and this is "
            "another build of Python.\nInstall Python 3.12 from python.org "
            "or with your system's package manager."
        )
    bits = 8 * struct.calcsize("P")
    reason = no_wheels(
        platform.system(), platform.machine(), bits, this_libc()
    )
    if reason:
        raise Stop(reason)
    check_pip()


def check_pip():
    if importlib.util.find_spec("pip") is None:
        raise Stop(
            "This Python has no pip.\nOn Debian or Ubuntu: "
            "sudo apt install python3-pip; elsewhere: {} -m ensurepip "
            "--user".format(quoted(sys.executable))
        )
    import pip

    if numbers(pip.__version__) < OLDEST_PIP:
        raise Stop(
            "This Python's pip is {}, and the course needs {}.{} or "
            "newer.\nUpdate it: {} -m pip install --user --upgrade "
            "pip".format(
                pip.__version__,
                OLDEST_PIP[0],
                OLDEST_PIP[1],
                quoted(sys.executable),
            )
        )


def check_disk():
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        raise Stop(
            "The disk of {} has {:.1f} GB free, and setting up needs "
            "{} GB.\nFree some space, or move the course to another "
            "disk.".format(ROOT, free, DISK_GB)
        )


def quoted(path):
    return '"{}"'.format(path) if " " in str(path) else str(path)


def file_trouble(error):
    """A sentence with a remedy for an OSError."""
    name = error.filename or ROOT
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            "No permission to write {}.\nMove the course to a folder of "
            "your own, or ask the owner of this one; on Windows, close the "
            "programs that use it.".format(name)
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "No space is left on the disk, or your quota is used up: "
            "{}.\nFree {} GB and try again.".format(name, DISK_GB)
        )
    return (
        "{}: {}.\nSee that the file is there and that no other program "
        "uses it, then try again.".format(name, error.strerror or error)
    )


# --- .venv and its stamp ------------------------------------------------


def venv_python():
    if WINDOWS:
        return VENV / "Scripts" / "python.exe"
    return VENV / "bin" / "python"


def wanted():
    """What a ready .venv must have been made from."""
    return {
        "lock": sha256(ROOT / "requirements.txt"),
        "project": sha256(ROOT / "pyproject.toml"),
        "root": str(ROOT),
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_stamp():
    """The stamp of our .venv; {} where it is missing or half-made."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return stamp if isinstance(stamp, dict) else {}
    except ValueError:
        return {}
    except (FileNotFoundError, NotADirectoryError):
        pass
    # The stamp is the first file of a .venv of ours: without it there is
    # none yet, or another one that is not ours to delete.
    if os.path.lexists(VENV) and not (
        VENV.is_dir() and not any(VENV.glob("[!.]*"))
    ):
        raise Stop(
            "{} was not made by course.py, so it is left alone.\nMove it "
            "away or delete it, then try again.".format(VENV)
        )
    return {}


def write_stamp(stamp):
    part = VENV / ".course.json.part"
    part.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    part.replace(STAMP)


def usable(stamp):
    """Is .venv whole, in its place, and does its Python start?

    The base Python may have been removed, or replaced by another version.
    """
    if stamp.get("state") != "ready" or stamp.get("root") != str(ROOT):
        return False
    question = "import sys; print(list(sys.version_info[:2]))"
    try:
        answer = subprocess.check_output(
            [str(venv_python()), "-I", "-S", "-c", question],
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.strip() == str(stamp.get("python"))


def is_ready(stamp):
    made_from = wanted()
    return all(
        stamp.get(key) == made_from[key] for key in made_from
    ) and usable(stamp)


def make_venv():
    """An empty .venv in place of what was there; the stamp goes first."""
    try:
        import venv
    except ImportError:
        raise Stop(
            "This Python lacks its module venv.\nOn Debian or Ubuntu: sudo "
            "apt install python{}.{}-venv".format(*sys.version_info)
        )
    VENV.mkdir(exist_ok=True)
    write_stamp({"state": "making", "root": str(ROOT)})
    for path in VENV.iterdir():
        if path == STAMP:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    check_disk()
    # Without pip: Debian's Python cannot put it there, and the pip outside
    # installs into .venv just as well.
    venv.EnvBuilder(with_pip=False, symlinks=not WINDOWS).create(str(VENV))


# --- Installing ---------------------------------------------------------


def prepare():
    """See that .venv is as the lock says; cheap when it is already."""
    if is_ready(read_stamp()):
        return
    check_machine()
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "setup.lock").open("a+") as lock:
        if not locked(lock):
            raise Stop(
                "Another course.py is setting up in this folder.\nWait "
                "until it has finished, then try again."
            )
        stamp = read_stamp()
        if not is_ready(stamp):
            set_up(stamp)


def locked(lock):
    """Take the lock on an open file; it goes when the process ends."""
    try:
        if WINDOWS:
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network disks know no locks: then go on without one.
        return error.errno not in (
            errno.EAGAIN,
            errno.EACCES,
            errno.EDEADLK,
        )
    return True


def set_up(stamp):
    """Make .venv, or bring a whole one up to the changed lock."""
    started = time.monotonic()
    LOG.write_bytes(b"")
    update = usable(stamp)
    if update:
        say("The lock has changed: installing what is new.")
        check_disk()
        write_stamp(dict(stamp, state="making"))
    else:
        say("Setting up .venv, once; this takes a few minutes.")
        make_venv()
    made_from = wanted()
    try:
        install()
    except BaseException:
        # A .venv that pip has not begun to change is still good.
        if update and b"Installing collected" not in LOG.read_bytes():
            write_stamp(stamp)
        raise
    kept = stamp if update else {"python": list(sys.version_info[:2])}
    write_stamp(dict(kept, state="ready", **made_from))
    say("Set up in {:.0f} s.".format(time.monotonic() - started))


def install():
    """The lock, then the helpers; matplotlib's font list is made once."""
    pip = [sys.executable, "-m", "pip", "--python", str(venv_python())]
    pip += ["install", "--progress-bar", "off"]
    for what, arguments in (
        ("packages", ["-r", "requirements.txt"]),
        ("helpers", ["--no-deps", "--no-build-isolation", "-e", "."]),
    ):
        if run_logged(what, pip + arguments) != 0:
            raise Stop(pip_trouble(read_log(), offline()))
    fonts = [str(venv_python()), "-c", "import matplotlib.font_manager"]
    run_logged("fonts", fonts)  # to save time later; may fail


def offline():
    return os.environ.get("PIP_NO_INDEX", "0").lower() not in (
        "",
        "0",
        "no",
        "off",
        "false",
    )


def read_log():
    return LOG.read_text(encoding="utf-8", errors="replace")


def run_logged(what, command):
    """Run a command, its output in the log; the exit status."""
    started = time.monotonic()
    line = Progress(what)
    with LOG.open("ab") as log:
        options = own_group()
        options.update(cwd=ROOT, stdin=subprocess.DEVNULL)
        options.update(stdout=log, stderr=subprocess.STDOUT)
        options["env"] = clean_environment(
            PYTHONUNBUFFERED="1", PYTHONUTF8="1"
        )
        child = subprocess.Popen(command, **options)
        try:
            while True:
                try:
                    return child.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    seconds = time.monotonic() - started
                    line.show(seconds, pip_is_at(read_log()))
        finally:
            stop(child)
            line.end()


def own_group():
    """Popen options by which a child and its children can be ended."""
    if WINDOWS:
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def stop(child):
    """End a child of own_group(), with its children, if it still runs."""
    if child.poll() is not None:
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if WINDOWS:
            end_tree(child)
        else:
            os.killpg(child.pid, signal.SIGTERM)
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        if not WINDOWS:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    finally:
        signal.signal(signal.SIGINT, before)


class Progress:
    """One line that changes on a terminal; elsewhere a line now and then."""

    def __init__(self, what, stream=None, every=20):
        self.what = what
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.every = 0.5 if self.live else every
        self.last = 0.0
        self.width = 0

    def show(self, seconds, at):
        if seconds - self.last < self.every:
            return
        self.last = seconds
        text = "  {}: {:.0f} s  {}".format(self.what, seconds, at)
        if not self.live:
            print(text, file=self.stream, flush=True)
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        self.width = max(self.width, len(text))
        line = "\r" + text.ljust(self.width)
        print(line, end="", file=self.stream, flush=True)

    def end(self):
        if self.width:
            line = "\r" + " " * self.width + "\r"
            print(line, end="", file=self.stream, flush=True)


def pip_is_at(log):
    """What pip does now, in a few words, from its output so far."""
    for line in reversed(log.splitlines()):
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "Collecting":
            return "looking for " + words[1]
        if words[0] in ("Downloading", "Processing"):
            name = re.split(r"[/\\]", words[1])[-1]
            size = line[line.rindex("(") :] if line.endswith("B)") else ""
            return "{} {} {}".format(
                {"Downloading": "fetching", "Processing": "reading"}[words[0]],
                name,
                size,
            ).strip()
        if line.startswith("Installing collected packages"):
            return "installing {} packages".format(line.count(",") + 1)
    return ""


NETWORK = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "NameResolutionError",
    "Name or service not known",
    "Temporary failure in name resolution",
    "getaddrinfo failed",
    "Max retries exceeded",
    "Read timed out",
    "ReadTimeoutError",
    "ConnectTimeoutError",
    "ConnectionResetError",
    "Connection broken",
    "RemoteDisconnected",
    "ProxyError",
    "SSLError",
    "IncompleteRead",
    "DO NOT MATCH THE HASHES",
)


def pip_trouble(log, without_index):
    """The likely cause of pip's failure, a remedy, and the log's end."""
    missing = re.findall(r"No matching distribution found for (\S+)", log)
    if re.search(r"No space left|Errno 28|Errno 122|WinError 112", log):
        cause = (
            "the disk, or the one of the temporary folder, is full. Free "
            "some space, or set TMPDIR to a folder with 2 GB."
        )
    elif re.search(r"Permission denied|Errno 13|WinError 5\b", log):
        cause = (
            "no permission to write a file. Close the programs that use "
            ".venv, or move the course to a folder of your own."
        )
    elif without_index and missing:
        cause = (
            "the folder of wheels lacks {} for this system and Python. "
            "Add it (pip download -r requirements.txt -d FOLDER on a like "
            "machine), and see that PIP_FIND_LINKS names the "
            "folder.".format(missing[-1])
        )
    elif any(sign in log for sign in NETWORK):
        cause = (
            "no network, or it broke off. Try again; behind a proxy set "
            "HTTPS_PROXY; without a network give a folder of wheels with "
            "PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER."
        )
    elif missing or "Failed building wheel" in log or "is not a supp" in log:
        cause = (
            "no wheel of {} for this system and Python. Try Python 3.12, "
            "and update an old system.".format(
                missing[-1] if missing else "a package"
            )
        )
    else:
        cause = "not known; the lines below may say it. Try again."
    tail = [line for line in log.splitlines() if line.strip()][-6:]
    return "pip failed. Likely cause: {}\nThe log is {}; it ends:\n{}".format(
        cause, LOG, "\n".join("  | " + line[:160] for line in tail)
    )


def clean_environment(**settings):
    """The environment for children, without what leaks into .venv."""
    leaks = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PIP_QUIET")
    leaks += ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "__PYVENV_LAUNCHER__")
    environment = {
        key: value for key, value in os.environ.items() if key not in leaks
    }
    environment.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    # pip would cut a path at its spaces, and look from another folder.
    links = environment.get("PIP_FIND_LINKS")
    if links and Path(links).is_dir():
        environment["PIP_FIND_LINKS"] = Path(links).resolve().as_uri()
    environment.update(PIP_NO_INPUT="1", **settings)
    return environment


# --- Tasks --------------------------------------------------------------


def task_environment(**settings):
    """The environment of a task: .venv, the course's root, nothing else."""
    binaries = str(venv_python().parent)
    path = os.environ.get("PATH", "")
    environment = clean_environment(
        PYTHONPATH=str(ROOT),
        PYTHONNOUSERSITE="1",
        VIRTUAL_ENV=str(VENV),
        PATH=binaries + os.pathsep + path,
        JUPYTER_PREFER_ENV_PATH="1",
    )
    # A kernel runs in its notebook's folder, where a relative path is another.
    named = environment.get("COURSE_MNIST")
    if named and Path(named).exists():
        environment["COURSE_MNIST"] = str(Path(named).resolve())
    # Windows would read and print text in an old code page otherwise.
    environment.setdefault("PYTHONUTF8", "1")
    environment.update(settings)
    return environment


def run_task(arguments, environment, patient=False):
    """Run a module inside .venv to its end; its exit status.

    patient: leave Ctrl-C to the task, as JupyterLab asks before it stops.
    """
    before = signal.getsignal(signal.SIGINT)
    child = subprocess.Popen(
        [str(venv_python()), "-m"] + arguments,
        cwd=ROOT,
        env=environment,
    )
    try:
        if patient:
            signal.signal(signal.SIGINT, lambda number, frame: None)
        status = child.wait()
    except KeyboardInterrupt:
        end_task(child)
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if status < 0:
        raise Stop(
            "The task was ended by signal {}, often for lack of memory.\n"
            "Close other programs and try again.".format(-status)
        )
    return status


def end_task(child):
    """After Ctrl-C: let a task clean up, then end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for act in (lambda: None, child.terminate, child.kill):
        act()
        try:
            child.wait(timeout=GRACE)
            return
        except subprocess.TimeoutExpired:
            if WINDOWS:
                end_tree(child)


def end_tree(child):
    """Windows: end a process with its children."""
    subprocess.call(
        ["taskkill", "/T", "/F", "/PID", str(child.pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def lessons():
    """Number -> notebook, in the order of the course."""
    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    return {path.name[:2]: path for path in paths}


def chosen(names):
    """The numbers of the lessons that the user names, in course order."""
    known = lessons()
    wanted_numbers = set()
    for name in names:
        number = name.zfill(2)
        if number not in known:
            listed = "\n".join("  " + path.stem for path in known.values())
            raise Stop(
                "There is no lesson {}. The lessons are:\n{}".format(
                    name, listed or "  (none)"
                )
            )
        wanted_numbers.add(number)
    return sorted(wanted_numbers)


def task_run(names, extra):
    numbers_chosen = chosen(names)
    prepare()
    try_data()
    return run_task(
        ["tools.lessons", "run"] + numbers_chosen, task_environment()
    )


def task_refresh(names, extra):
    numbers_chosen = chosen(names)
    prepare()
    environment = task_environment(COURSE_PROFILE="lecture")
    return run_task(["tools.lessons", "refresh"] + numbers_chosen, environment)


def task_test(names, extra):
    targets = ["tests", "notebooks"]
    if names:
        targets = []
        for number in chosen(names):
            targets.append(str(lessons()[number].relative_to(ROOT)))
            path = "notebooks/solutions/{}_solutions.ipynb".format(number)
            if (ROOT / path).exists():
                targets.append(path)
    prepare()
    environment = task_environment(COURSE_PROFILE="ci")
    return run_task(["pytest"] + targets + ["--nbval"] + extra, environment)


def task_data(names, extra):
    prepare()
    return run_task(["tools.fetch_data"], task_environment())


def task_doctor(names, extra):
    prepare()
    return run_task(["tools.doctor"], task_environment())


def task_lab(names, extra):
    prepare()
    try_data()
    copied = copy_lessons()
    if copied:
        say("Copied to my/, for your own work: " + ", ".join(copied))
    say("JupyterLab opens in your browser. Ctrl-C here ends it.")
    options = [
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.root_dir=" + str(ROOT),
        "--LabApp.default_url=/lab/tree/my/00_start_here.ipynb",
    ]
    answer_lab()
    environment = task_environment()
    environment.setdefault("COURSE_PROFILE", "lecture")
    return run_task(
        ["jupyterlab"] + options + extra, environment, patient=True
    )


def answer_lab():
    """Answer JupyterLab's question about news before a class sees it.

    Switching off the address of the news does not switch off the question.
    """
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    answer = {"fetchNews": "false", "checkForUpdates": False}
    text = json.dumps({"@jupyterlab/apputils-extension:notification": answer})
    (settings / "overrides.json").write_text(text, encoding="utf-8")


def copy_lessons():
    """Copy what my/ lacks; a student's file is never overwritten."""
    copied = []
    notebooks = ROOT / "notebooks"
    for folder in (notebooks, notebooks / "solutions"):
        for source in sorted(folder.glob("*.ipynb")):
            target = ROOT / "my" / source.relative_to(notebooks)
            if os.path.lexists(target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name("." + target.name + ".part")
            shutil.copyfile(source, part)
            part.replace(target)
            copied.append(source.stem)
    return copied


def try_data():
    """Once, after set-up: try to fetch full MNIST; go on either way."""
    stamp = read_stamp()
    if (
        os.environ.get("COURSE_MNIST")
        or (ROOT / "data" / "mnist.npz").exists()
        or stamp.get("data_tried")
    ):
        return
    say("Trying to fetch the full MNIST file, once.")
    status = run_task(["tools.fetch_data"], task_environment())
    write_stamp(dict(stamp, data_tried=True))
    if status != 0:
        say(
            "Going on without it: the lessons use 5,000 images that came "
            "with the packages.\n`python3 course.py data` tries again."
        )


def usage():
    lines = ["Usage: python3 course.py TASK", ""]
    for name, arguments, text in TASKS:
        lines.append("  {:8}{:10}{}".format(name, arguments, text))
    lines.append("")
    lines.append("NN is a lesson's number, such as 03. Options for pytest or")
    lines.append("JupyterLab come after --, as in: course.py test -- -k data")
    return "\n".join(lines)


def parse(arguments):
    """(task, lesson numbers, options after --), or WrongUse."""
    if not arguments or arguments[0] not in [task[0] for task in TASKS]:
        raise WrongUse
    task, rest, extra = arguments[0], arguments[1:], []
    if "--" in rest:
        cut = rest.index("--")
        rest, extra = rest[:cut], rest[cut + 1 :]
    takes_numbers = {name: text for name, text, _ in TASKS}[task]
    if rest and not takes_numbers:
        raise WrongUse
    if extra and task not in ("test", "lab"):
        raise WrongUse
    return task, rest, extra


def interrupt(number, frame):
    raise KeyboardInterrupt


def main(arguments):
    """Run a task; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        say(usage())
        return 0
    # A closed terminal or `kill` ends the children as Ctrl-C does.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    try:
        task, names, extra = parse(arguments)
        return globals()["task_" + task](names, extra)
    except WrongUse:
        print(usage(), file=sys.stderr)
        return 2
    except Stop as reason:
        print("course.py: {}".format(reason), file=sys.stderr)
    except OSError as error:
        print("course.py: " + file_trouble(error), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
