"""What every pytest run of the course needs, `pytest --nbval` included."""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from tools.environment import THREADS, clean_settings, foreign

ROOT = Path(__file__).resolve().parent
# pytest's own variables, and those that the launcher has set.
KEPT = ("PYTEST", "JUPYTER", "PYTHONPATH", "PYTHONNOUSERSITE")
# So a worker of pytest-xdist gets every cell of a notebook.
WHOLE_NOTEBOOKS = ("no", "each", "loadscope", "loadfile")
GB_PER_WORKER = 4  # two processes with TensorFlow, a kernel and its parent
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"
DEAD = "The kernel died. Too little memory? Close other programs; try again."


def folder_of_ours(*places: Path) -> str:
    """Return the first of these folders that can be written, or a new one."""
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return str(place)
    new = tempfile.mkdtemp(prefix="course_")
    atexit.register(shutil.rmtree, new, ignore_errors=True)
    return new


def cores() -> int:
    """Count the cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))
    return len(allowed(0))


def prepare(environment: Any) -> None:
    """Make the environment that the kernels of nbval inherit."""
    clean_settings(environment)
    environment.setdefault("COURSE_PROFILE", "ci")
    paths = [str(ROOT), environment.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    environment.pop("COURSE_CHECKS", None)
    for name in list(environment):
        if foreign(name) and not name.startswith(KEPT):
            del environment[name]
    build = ROOT / "build"
    # Workers of pytest-xdist would write into one history.
    worker = environment.get("PYTEST_XDIST_WORKER", "")
    if worker:  # threads of two workers on one core wait for each other
        workers = int(environment.get("PYTEST_XDIST_WORKER_COUNT", 1))
        for name in THREADS:
            environment.setdefault(name, str(max(1, cores() // workers)))
    environment["IPYTHONDIR"] = folder_of_ours(build / f"ipython{worker}")
    # Beside the packages lies matplotlib's list of fonts since the set-up.
    packages = ROOT / ".venv"
    places = [folder / "matplotlib" for folder in (packages, build)]
    environment["MPLCONFIGDIR"] = folder_of_ours(
        *places[0 if packages.is_dir() else 1 :]
    )


prepare(os.environ)


def watched(get_message: Callable[..., Any]) -> Callable[..., Any]:
    """Let nbval's wait for a message end when the kernel does."""

    def wait(kernel: Any, stream: str, timeout: float | None = None) -> Any:
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        dead = False
        while True:
            left = max(end - time.monotonic(), 0)
            try:
                return get_message(kernel, stream, timeout=min(left, 1))
            except Empty:
                if dead:  # and all that it had sent has been read
                    raise RuntimeError(DEAD) from None
                if left <= 1:
                    raise
                dead = not kernel.is_alive()

    return wait


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot judge the course; watch the kernels of nbval."""
    if not __debug__:
        raise pytest.UsageError(
            "Python runs with -O or PYTHONOPTIMIZE, which skips every test. "
            "Unset it."
        )
    asked = vars(config.option)
    notebooks = asked.get("nbval") or asked.get("nbval_lax")
    if notebooks and asked.get("dist", "no") not in WHOLE_NOTEBOOKS:
        raise pytest.UsageError(
            "The cells of a notebook must run in one process: add "
            "--dist loadscope, or leave out -n."
        )
    if config.pluginmanager.has_plugin("nbval"):
        if not config.option.nbval_sanitize_with and SANITIZE.exists():
            config.option.nbval_sanitize_with = str(SANITIZE)
        from nbval.kernel import RunningKernel

        RunningKernel.get_message = watched(RunningKernel.get_message)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Take as many workers for `-n auto` as cores and memory allow."""
    import psutil

    gigabytes = psutil.virtual_memory().available / 1e9
    return max(1, min(cores(), int(gigabytes / GB_PER_WORKER), 4))


def pytest_itemcollected(item: Any) -> None:
    """Give a cell's outputs longer than nbval's 5 s to arrive."""
    if hasattr(item, "output_timeout"):
        item.output_timeout = 120


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[Any]:
    """Give each cell after the death of its kernel the same sentence."""
    kernel = getattr(item.parent, "kernel", None)
    timed_out = getattr(item.parent, "timed_out", False)
    if kernel and not timed_out and not kernel.is_alive():
        raise RuntimeError(DEAD)
    return (yield)
