"""The launcher of the course: `python3 course.py TASK`.

Needs Python and pip alone. It makes `.venv` as requirements.txt says and
then runs the task inside it.

The file must parse on Python 2.7 and 3.4 too, because a wrong Python is to
get a sentence and not a SyntaxError: no f-strings, no annotations, ASCII
only (tests/test_course.py).
"""
# What modern Python would write shorter, old Python could not parse.
# ruff: noqa: B904, E402, PTH110, PTH111, PTH113, RUF005, SIM905, UP010, UP032

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

import ast
import contextlib
import difflib
import errno
import hashlib
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
import tomllib
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
LONGEST_PATH = 187  # characters of the longest file name below .venv
WINDOWS = os.name == "nt"
PROFILES = ("ci", "lecture", "full")
SMALL = "MNIST-5k"

# Variables that would change what Python, pip, pytest, Keras, matplotlib or
# Jupyter do here, by how they begin; and those of them that do no harm.
FOREIGN = tuple(
    "PYTHON PIP_ PYTEST_ KERAS_ TF_USE_LEGACY_KERAS MPLBACKEND MATPLOTLIBRC "
    "IPYTHON JUPYTER __PYVENV_LAUNCHER__".split()
)
HARMLESS = (
    "PYTHONHASHSEED PYTHONUTF8 PYTHONIOENCODING PYTHONUNBUFFERED "
    "PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX KERAS_HOME JUPYTER_TOKEN"
).split()
# pip's settings of network and index; and those that need no word.
PIP_PASSES = (
    "index-url extra-index-url no-index find-links proxy cert client-cert "
    "trusted-host timeout retries resume-retries keyring-provider cache-dir "
    "no-cache-dir use-feature use-deprecated"
).split()
PIP_SILENT = (
    "disable-pip-version-check no-input no-color progress-bar quiet verbose "
    "root-user-action config-file"
).split()

TASKS = ("run", "test", "lab", "data", "refresh", "doctor", "score")
USAGE = """\
Usage: python3 course.py TASK

  run     [NN ...]  execute the lessons into build/, print a table
  test    [NN ...]  unit tests, then every notebook, with pytest
  lab               JupyterLab on your own copies in my/
  data              fetch the full MNIST file (11 MB)
  refresh [NN ...]  execute again and store the outputs
  doctor            look for what is wrong, with a remedy for each
  score   FILE      compare a file of samples with real digits

NN is a lesson's number, such as 03. Options for pytest or JupyterLab come
after --, as in: course.py test -- -k data. `score --help` shows its own."""


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


def pip_python():
    """A Python with a pip for the set-up: this one or, in a venv, its base.

    The pip of a venv installs elsewhere all the same, with --python.
    """
    base = getattr(sys, "_base_executable", None) or sys.executable
    answers = []
    for python in (sys.executable, base):
        command = [python, "-P", "-m", "pip", "--version"]
        answers.append(ask(command, PIP_CONFIG_FILE=os.devnull))
        if numbers(answers[-1]) >= OLDEST_PIP:
            return python
    if not any(answers):
        raise Stop(
            "This Python has no pip.\nOn Debian or Ubuntu: "
            "sudo apt install python3-pip; elsewhere: {} -m ensurepip "
            "--user".format(quoted(base))
        )
    raise Stop(
        "This Python's pip is {}, and the course needs {}.{} or "
        "newer.\nUpdate it: {} -m pip install --user --upgrade pip".format(
            max(answers).split()[1],
            OLDEST_PIP[0],
            OLDEST_PIP[1],
            quoted(base),
        )
    )


def ask(command, **settings):
    """What a short command prints; nothing where it fails."""
    try:
        answer = subprocess.check_output(
            command,
            env=clean_environment(**settings),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.decode("utf-8", "replace")


def check_folder(path):
    """Raise an OSError that names a folder in which no file can be made."""
    probe = path / ".probe.{}".format(os.getpid())
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        error.filename = str(path)
        raise


def check_paths():
    """Try a path as long as the longest of .venv: Windows has a limit."""
    length = len(str(VENV)) + 1 + LONGEST_PATH
    top = path = BUILD / "path.{}".format(os.getpid())
    while len(str(path)) < length:
        path = path / ("x" * max(1, min(99, length - len(str(path)) - 1)))
    try:
        path.parent.mkdir(parents=True)
        path.touch()
    except OSError:
        raise Stop(
            "The path of the course is too long: {} has {} characters, and "
            "the files of .venv need {} more.\nMove the course to a shorter "
            "path, such as C:\\course, or switch on the long paths of "
            "Windows.".format(ROOT, len(str(ROOT)), length - len(str(ROOT)))
        )
    finally:
        shutil.rmtree(top, ignore_errors=True)


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
            "programs that use it and `deactivate` .venv.".format(name)
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
    """What a ready .venv must have been made from.

    A comment, or an option of ruff or pytest, is no reason to install.
    """
    try:
        lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        settings = tomllib.loads(text)
    except ValueError as error:
        raise Stop(
            "requirements.txt or pyproject.toml cannot be read: {}.\nFetch "
            "both again from the course.".format(error)
        )
    project = [settings.get("project"), settings.get("build-system")]
    project.append(settings.get("tool", {}).get("setuptools"))
    return {
        "lock": sha256(re.sub(r"(?m)(^|\s)#.*", "", lock).split()),
        "project": sha256(project),
        "root": str(ROOT),
    }


def sha256(content):
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
    write_whole(STAMP, json.dumps(stamp, indent=1) + "\n")


def write_whole(path, text):
    """Write a file whole or not at all, whoever else writes it too."""
    part = part_of(path)
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def part_of(path):
    return path.with_name(".{}.{}.part".format(path.name, os.getpid()))


def usable(stamp):
    """Is .venv whole, in its place, and does its Python start?

    The base Python may have been removed, or replaced by another version.
    """
    if stamp.get("state") != "ready" or stamp.get("root") != str(ROOT):
        return False
    question = "import sys; print(list(sys.version_info[:2]))"
    answer = ask([str(venv_python()), "-I", "-S", "-c", question])
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
    python = pip_python()
    for folder in (ROOT, BUILD):
        check_folder(folder)
    check_paths()
    with (BUILD / "setup.lock").open("ab") as lock:
        if not locked(lock):
            raise Stop(
                "Another set-up still runs in this folder.\nWait until it "
                "has finished, or end it (course.py and pip), then try again."
            )
        stamp = read_stamp()
        if not is_ready(stamp):
            set_up(stamp, python, lock)


def locked(lock):
    """Take the lock on an open file; it goes with the last process that
    has it open: pip keeps it where this one is killed (not on Windows).
    """
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


def set_up(stamp, python, lock):
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
        install(python, lock)
    except BaseException:
        # A .venv that pip has not begun to change is still good.
        if update and b"Installing collected" not in LOG.read_bytes():
            write_stamp(stamp)
        raise
    kept = stamp if update else {"python": list(sys.version_info[:2])}
    write_stamp(dict(kept, state="ready", **made_from))
    say("Set up in {:.0f} s.".format(time.monotonic() - started))


def install(python, lock):
    """The lock, then the helpers; matplotlib's font list is made once."""
    settings = pip_settings(python)
    pip = [python, "-P", "-m", "pip", "--python", str(venv_python())]
    pip += ["install", "--progress-bar", "off"]
    for what, arguments in (
        ("packages", ["-r", "requirements.txt"]),
        ("helpers", ["--no-deps", "--no-build-isolation", "-e", "."]),
    ):
        if run_logged(what, pip + arguments, lock, settings) != 0:
            raise Stop(pip_trouble(read(LOG), offline(settings)))
    fonts = [str(venv_python()), "-c", "import matplotlib.font_manager"]
    run_logged("fonts", fonts, lock, own_folders())  # may fail


def pip_settings(python):
    """Variables for pip: the user's settings of network and index alone.

    Any other, such as a target or a constraint, is named and left out.
    """
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1"}
    settings["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    left_out = []
    for name, value, where in pip_given(python):
        if name in PIP_PASSES:
            variable = "PIP_" + name.upper().replace("-", "_")
            settings[variable] = pip_path(name, value)
        elif name not in PIP_SILENT:
            left_out.append(where)
    if left_out:
        say("Settings of pip that are left out: " + ", ".join(left_out))
    return settings


def pip_given(python):
    """(name, value, where) of the user's settings of pip, strongest last."""
    # pip reads its files in the encoding of the locale, and a setting
    # `quiet` would hide the answer.
    settings = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8"}
    if "PIP_CONFIG_FILE" in os.environ:
        settings["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
    command = [python, "-P", "-m", "pip", "-vvv", "config"]
    listed = ask(command + ["list"], **settings)
    if not listed:
        raise Stop(
            "pip cannot read its own settings.\nThis shows what is wrong "
            "with them: {} -m pip config list".format(quoted(python))
        )
    given, files = [], None
    for section in ("global", "install"):
        line = r"(?m)^{}\.([\w-]+)=(.*)$".format(section)
        for name, value in re.findall(line, listed):
            if files is None:
                debug = ask(command + ["debug"], **settings)
                files = re.findall(r"(?m)^  (\S.*), exists: True", debug)
            named = [path for path in files if name in read(Path(path))]
            where = "{} in {}".format(name, " or ".join(named))
            given.append((name, ast.literal_eval(value.strip()), where))
    for key, value in sorted(os.environ.items()):
        if key.startswith("PIP_"):
            given.append((key[4:].lower().replace("_", "-"), value, key))
    return [(name.replace("default-", ""), v, w) for name, v, w in given]


def pip_path(name, value):
    """A path that pip finds from any folder; links it would cut at spaces."""
    path = os.path.expanduser(value)
    if value and os.path.exists(path):
        if name == "find-links":
            return Path(path).resolve().as_uri()
        if name in ("cert", "client-cert", "cache-dir"):
            return str(Path(path).resolve())
    return value


def offline(settings):
    value = settings.get("PIP_NO_INDEX", "0").lower()
    return value not in ("", "0", "no", "off", "false")


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def run_logged(what, command, lock, settings):
    """Run a command, its output in the log; the exit status.

    lock: the open file of the lock, which the command holds too.
    """
    started = time.monotonic()
    line = Progress(what)
    with LOG.open("ab") as log:
        options = own_group()
        options.update(cwd=ROOT, stdin=subprocess.DEVNULL)
        options.update(stdout=log, stderr=subprocess.STDOUT)
        options["env"] = clean_environment(PYTHONUNBUFFERED="1", **settings)
        if not WINDOWS:
            options["pass_fds"] = (lock.fileno(),)
        child = subprocess.Popen(command, **options)
        try:
            while True:
                try:
                    return child.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    seconds = time.monotonic() - started
                    line.show(seconds, pip_is_at(read(LOG)))
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
    if WINDOWS:
        end(child, lambda: end_tree(child))
    else:
        end(
            child,
            lambda: os.killpg(child.pid, signal.SIGTERM),
            lambda: os.killpg(child.pid, signal.SIGKILL),
        )


def end(child, *acts):
    """One act after the other, until a child ends; without Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for act in acts:
            act()
            try:
                child.wait(timeout=GRACE)
                return
            except subprocess.TimeoutExpired:
                if WINDOWS:
                    end_tree(child)
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

    def show(self, seconds, at):
        if seconds - self.last >= self.every:
            self.last = seconds
            self.write("  {}: {:.0f} s  {}".format(self.what, seconds, at))

    def end(self):
        if self.live and self.last:
            self.write("")

    def write(self, text):
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            text = "\r" + text[:width].ljust(width) + "\r"
        end = "" if self.live else "\n"
        print(text, end=end, file=self.stream, flush=True)


def pip_is_at(log):
    """What pip does now, in a few words, from its output so far."""
    line = r"(?m)^ *(Collecting|Downloading|Processing|Installing) (.+)"
    found = re.findall(line, log)
    if not found:
        return ""
    word, rest = found[-1]
    if word == "Installing":
        return "installing {} packages".format(rest.count(",") + 1)
    word = {"Collecting": "looking for", "Downloading": "fetching"}.get(
        word, "reading"
    )
    name = re.split(r"[/\\]", rest.partition(" (")[0])[-1]
    size = re.search(r" \([^()]+B\)$", rest)
    return "{} {}{}".format(word, name, size.group() if size else "")


NETWORK = (
    "Failed to establish a new connection|NewConnectionError|"
    "NameResolutionError|Name or service not known|"
    "Temporary failure in name resolution|getaddrinfo failed|"
    "Max retries exceeded|Read timed out|ReadTimeoutError|"
    "ConnectTimeoutError|ConnectionResetError|Connection broken|"
    "RemoteDisconnected|ProxyError|SSLError|IncompleteRead"
)


def pip_trouble(log, without_index):
    """The likely cause of pip's failure, a remedy, and the log's end."""
    tail = [line for line in log.splitlines() if line.strip()][-6:]
    return "pip failed. Likely cause: {}\nThe log is {}; it ends:\n{}".format(
        likely_cause(log, without_index),
        LOG,
        "\n".join("  | " + line[:160] for line in tail),
    )


def likely_cause(log, without_index):
    """Why pip failed, by what it wrote, and a remedy."""
    missing = re.findall(r"No matching distribution found for (\S+)", log)
    if re.search(r"No space left|Errno 28|Errno 122|WinError 112", log):
        return (
            "the disk, or the one of the temporary folder, is full. Free "
            "some space, or set TMPDIR to a folder with 2 GB."
        )
    if re.search(r"Permission denied|Errno 13|WinError 5\b", log):
        return (
            "no permission to write a file. Close the programs that use "
            ".venv, or move the course to a folder of your own."
        )
    if without_index and missing:
        return (
            "the folder of wheels lacks {} for this system and Python. "
            "Add it (pip download -r requirements.txt -d FOLDER on a like "
            "machine), and see that PIP_FIND_LINKS names the "
            "folder.".format(missing[-1])
        )
    if "DO NOT MATCH THE HASHES" in log:
        return (
            "a file is not the one that requirements.txt names: damaged on "
            "its way, or built by somebody else. Try again; fill a folder of "
            "wheels with pip download -r requirements.txt -d FOLDER."
        )
    if re.search(NETWORK, log):
        return (
            "no network, or it broke off. Try again; behind a proxy set "
            "HTTPS_PROXY; without a network give a folder of wheels with "
            "PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER."
        )
    if missing or "Failed building wheel" in log or "is not a supp" in log:
        return (
            "no wheel of {} for this system and Python. Try Python 3.12, "
            "and update an old system.".format(
                missing[-1] if missing else "a package"
            )
        )
    return "not known; the lines below may say it. Try again."


def clean_environment(**settings):
    """The environment for children, without what leaks into the course."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key in HARMLESS or not key.startswith(FOREIGN)
    }
    # Windows would read and print text in an old code page otherwise.
    environment.setdefault("PYTHONUTF8", "1")
    environment.update(settings)
    return environment


def own_folders():
    """Folders of our own for what else lies in the user's HOME.

    No dotfile is read there, and HOME need not be writable.
    """
    return {
        "MPLCONFIGDIR": str(VENV / "matplotlib"),  # with the font list
        "IPYTHONDIR": str(BUILD / "ipython"),
        "JUPYTER_CONFIG_DIR": str(BUILD / "jupyter"),
        "JUPYTER_DATA_DIR": str(BUILD / "jupyter"),
    }


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
    environment.update(own_folders())
    environment.update(settings)
    return environment


def clean_settings():
    """Strip COURSE_* of blanks, drop the empty ones, stop at a wrong one."""
    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MNIST"):
        value = os.environ.pop(name, "").strip()
        if value:
            os.environ[name] = value
    profile = os.environ.get("COURSE_PROFILE", "lecture")
    if profile not in PROFILES:
        near = difflib.get_close_matches(profile.lower(), PROFILES, 1)
        raise Stop(
            "COURSE_PROFILE is {!r}; it must be ci, lecture or full.\n"
            "{}".format(
                profile,
                "Did you mean {}?".format(near[0])
                if near
                else "Unset it to get lecture.",
            )
        )
    seed = os.environ.get("COURSE_SEED", "0")
    if not re.match(r"[0-9]{1,4}\Z", seed):
        raise Stop(
            "COURSE_SEED is {!r}; it must be a whole number from 0 to "
            "9999.\nUnset it to get 0.".format(seed)
        )
    named = os.path.expanduser(os.environ.get("COURSE_MNIST", SMALL))
    if named != SMALL:
        if not os.path.isfile(named):
            raise Stop(
                "COURSE_MNIST names {}, and no such file is there.\nGive the "
                "path of an mnist.npz, or {}, or unset it.".format(
                    named, SMALL
                )
            )
        # Children run in other folders, where a relative path is another.
        os.environ["COURSE_MNIST"] = str(Path(named).resolve())


def run_task(arguments, environment, patient=False, folder=None):
    """Run a module inside .venv to its end; its exit status.

    patient: leave Ctrl-C to the task, as JupyterLab asks before it stops.
    folder: to run in, by default the course's; nothing is imported from it.
    """
    before = signal.getsignal(signal.SIGINT)
    child = subprocess.Popen(
        [str(venv_python()), "-P", "-m"] + arguments,
        cwd=folder or ROOT,
        env=environment,
    )
    try:
        if patient:
            signal.signal(signal.SIGINT, lambda number, frame: None)
        status = child.wait()
    except KeyboardInterrupt:
        # It has had a Ctrl-C of its own: let it clean up first.
        end(child, lambda: None, child.terminate, child.kill)
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    # Windows tells of a crash by a large status, such as 0xC0000005.
    if not 0 <= status < 2**31:
        reason = "signal {}".format(-status)
        if status > 0:
            reason = "Windows, status 0x{:X}".format(status)
        raise Stop(
            "The task was ended by {}, often for lack of memory.\n"
            "Close other programs and try again.".format(reason)
        )
    return status


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
    check_folder(BUILD)
    try_data()
    return run_task(
        ["tools.lessons", "run"] + numbers_chosen, task_environment()
    )


def task_refresh(names, extra):
    numbers_chosen = chosen(names)
    prepare()
    check_folder(BUILD)
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
    check_folder(BUILD)
    environment = task_environment(COURSE_PROFILE="ci")
    return run_task(["pytest"] + targets + ["--nbval"] + extra, environment)


def task_data(names, extra):
    prepare()
    return run_task(["tools.fetch_data"], task_environment())


def task_doctor(names, extra):
    prepare()
    return run_task(["tools.doctor"], task_environment())


def task_score(names, extra):
    # The scores alone go to stdout, as another program may read them.
    with contextlib.redirect_stdout(sys.stderr):
        prepare()
    command = ["helpers", "score"] + extra
    return run_task(command, task_environment(), folder=os.curdir)


def task_lab(names, extra):
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and not re.search("allow.root", " ".join(extra)):
        raise Stop(
            "JupyterLab does not start for root, who may change any file of "
            "this machine.\nUse another account or, inside a container: "
            "python3 course.py lab -- --allow-root"
        )
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
    # The user's own theme and keys stay, where there is a HOME to keep them.
    own = os.environ.get("JUPYTER_CONFIG_DIR", "~/.jupyter")
    with contextlib.suppress(OSError):
        own = Path(os.path.expanduser(own)).absolute()
        check_folder(own)
        environment["JUPYTER_CONFIG_DIR"] = str(own)
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
    write_whole(settings / "overrides.json", text)


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
            part = part_of(target)
            try:
                shutil.copyfile(source, part)
                keep_first(part, target)
            finally:
                part.unlink(missing_ok=True)
            copied.append(source.stem)
    return copied


def keep_first(part, target):
    """Move a file to its place, unless another `lab` has filled it."""
    try:
        os.link(part, target)
    except FileExistsError:
        pass
    except OSError:  # a disk without links
        part.replace(target)


def try_data():
    """Once, after set-up: try to fetch full MNIST; go on either way."""
    if (
        os.environ.get("COURSE_MNIST")
        or (ROOT / "data" / "mnist.npz").exists()
        or read_stamp().get("data_tried")
    ):
        return
    say("Trying to fetch the full MNIST file, once.")
    status = run_task(["tools.fetch_data"], task_environment())
    write_stamp(dict(read_stamp(), data_tried=True))
    if status != 0:
        say(
            "Going on without it: the lessons use 5,000 images that came "
            "with the packages.\n`python3 course.py data` tries again."
        )


def parse(arguments):
    """(task, lesson numbers, options after --), or WrongUse."""
    if not arguments or arguments[0] not in TASKS:
        raise WrongUse
    task, rest, extra = arguments[0], arguments[1:], []
    if task == "score" and rest:
        return task, [], rest
    if "--" in rest:
        cut = rest.index("--")
        rest, extra = rest[:cut], rest[cut + 1 :]
    if rest and task not in ("run", "test", "refresh"):
        raise WrongUse
    if task == "score" or (extra and task not in ("test", "lab")):
        raise WrongUse
    return task, rest, extra


def asks_for_help(arguments):
    """-h or --help before any --, where the task has no help of its own."""
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    if arguments[:1] == ["score"]:
        return False
    return arguments[:1] == ["help"] or bool({"-h", "--help"} & set(arguments))


def interrupt(number, frame):
    raise KeyboardInterrupt


def heed_signals():
    """A closed terminal or `kill` ends the children as Ctrl-C does.

    Under nohup a closed terminal is ignored, and stays so.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def main(arguments):
    """Run a task; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    heed_signals()
    try:
        if asks_for_help(arguments):
            say(USAGE)
            return 0
        task, names, extra = parse(arguments)
        clean_settings()
        return globals()["task_" + task](names, extra)
    except WrongUse:
        print(USAGE, file=sys.stderr)
        return 2
    except Stop as reason:
        print("course.py: {}".format(reason), file=sys.stderr)
    except BrokenPipeError:  # as of `| head`; Python is not to flush it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print("course.py: " + file_trouble(error), file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
