"""What stands between pytest, nbval and the machine of whoever runs them."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from helpers import runtime

FILE = runtime.ROOT / "conftest.py"
MINE = {
    "MATPLOTLIBRC": "/home/me/matplotlibrc",
    "MPLBACKEND": "TkAgg",
    "MPLCONFIGDIR": "/home/me",
    "IPYTHONDIR": "/home/me",
    "PYTHONOPTIMIZE": "1",
    "PYTHONWARNINGS": "error",
    "COURSE_CHECKS": "/home/me/checks.jsonl",
}


@pytest.fixture
def ours(pytestconfig) -> Any:
    """The course's own conftest.py."""
    return pytestconfig.pluginmanager.get_plugin(str(FILE))


def test_kernels_inherit_nothing_personal(ours, tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "ROOT", tmp_path)
    environment = dict(MINE, COURSE_PROFILE=" ", PYTHONPATH="/a", PATH="/b")
    ours.prepare(environment)
    assert environment == {
        "COURSE_PROFILE": "ci",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}/a",
        "PATH": "/b",
        "IPYTHONDIR": str(tmp_path / "build" / "ipython"),
        "MPLCONFIGDIR": str(tmp_path / "build" / "matplotlib"),
    }
    (tmp_path / ".venv").mkdir()
    ours.prepare(environment)
    assert environment["MPLCONFIGDIR"].startswith(str(tmp_path / ".venv"))


def test_each_worker_has_a_history_of_its_own(ours, tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "ROOT", tmp_path)
    environment = {"PYTEST_XDIST_WORKER": "gw1"}
    ours.prepare(environment)
    assert environment["IPYTHONDIR"].endswith("ipythongw1")


def test_workers_share_the_cores(ours, tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "ROOT", tmp_path)
    monkeypatch.setattr(ours, "cores", lambda: 4)
    environment = {
        "PYTEST_XDIST_WORKER": "gw0",
        "PYTEST_XDIST_WORKER_COUNT": "2",
        "OMP_NUM_THREADS": "3",
    }
    ours.prepare(environment)
    assert environment["TF_NUM_INTRAOP_THREADS"] == "2"
    assert environment["OMP_NUM_THREADS"] == "3"


def test_where_nothing_can_be_written_a_new_folder_serves(ours, tmp_path):
    taken = tmp_path / "a_file"
    taken.write_bytes(b"")
    found = Path(ours.folder_of_ours(taken / "a", taken))
    assert found.is_dir() and tmp_path not in found.parents
    last = tmp_path / "last"
    assert ours.folder_of_ours(taken / "a", last) == str(last)


@pytest.mark.parametrize(
    ("cores", "gigabytes", "workers"),
    [(2, 24, 2), (8, 24, 4), (8, 9, 2), (1, 24, 1), (2, 1, 1)],
)
def test_as_many_workers_as_fit(ours, monkeypatch, cores, gigabytes, workers):
    memory = SimpleNamespace(available=gigabytes * 1e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    allowed = set(range(cores))
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda _: allowed, raising=False
    )
    assert ours.pytest_xdist_auto_num_workers() == workers


@pytest.mark.parametrize("nbval", ["nbval", "nbval_lax"])
@pytest.mark.parametrize(
    ("dist", "refused"),
    [
        ("load", True),
        ("worksteal", True),
        ("loadgroup", True),
        ("no", False),
        ("loadscope", False),
        ("loadfile", False),
    ],
)
def test_workers_get_whole_notebooks(ours, nbval, dist, refused):
    def configure(**option: object) -> None:
        plugins = SimpleNamespace(has_plugin=lambda name: False)
        option = SimpleNamespace(**option)
        ours.pytest_configure(
            SimpleNamespace(option=option, pluginmanager=plugins)
        )

    configure()  # neither nbval nor pytest-xdist
    configure(nbval=False, dist=dist)
    if not refused:
        return configure(**{nbval: True}, dist=dist)
    with pytest.raises(pytest.UsageError, match="--dist loadscope"):
        configure(**{nbval: True}, dist=dist)


def run_pytest(*arguments: str, **options: Any) -> tuple[int, str, float]:
    """Run pytest; status, what it said, seconds."""
    start = time.monotonic()
    run = subprocess.run(
        [sys.executable, *arguments, "-p", "no:cacheprovider"],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        **options,
    )
    return run.returncode, run.stdout + run.stderr, time.monotonic() - start


def test_tests_without_asserts_are_refused():
    _, said, _ = run_pytest("-O", "-m", "pytest", "docs", cwd=runtime.ROOT)
    assert "Python runs with -O or PYTHONOPTIMIZE" in said


def page(path: Path, *cells: tuple[str, str]) -> None:
    """Write a notebook; to each cell the number that it stores, or ''."""
    written = []
    for count, (source, result) in enumerate(cells, start=1):
        cell = nbformat.v4.new_code_cell(source, execution_count=count)
        if result:
            cell.outputs = [
                nbformat.v4.new_output(
                    "execute_result",
                    {"text/plain": result},
                    execution_count=count,
                )
            ]
        written.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=written), path)


KILL = "import os, signal, time\nos.kill(os.getpid(), signal.SIGKILL)"
KILL_SOON = """
import os, subprocess, sys
code = f"import os, time; time.sleep(1); os.kill({os.getpid()}, 9)"
child = subprocess.Popen([sys.executable, "-c", code])
"""
PERSONAL = "c.InteractiveShell.ast_node_interactivity = 'all'"


@pytest.fixture
def toy(tmp_path) -> Path:
    """A folder with our conftest.py and a home of somebody else."""
    profile = tmp_path / "home" / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    settings = profile / "ipython_config.py"
    settings.write_text(PERSONAL, encoding="utf-8")
    shutil.copy(FILE, tmp_path)
    return tmp_path


def run_toy(toy: Path) -> tuple[int, str, float]:
    """Run the notebooks of the folder, as the course's are run."""
    # -rN: a wide terminal, or CI, would say each failure once more.
    arguments = ("-m", "pytest", "--nbval", "--nbval-current-env", "-qrN")
    home = {"HOME": str(toy / "home"), "USERPROFILE": str(toy / "home")}
    # With the time that nbval waits by default.
    return run_pytest(
        *arguments,
        "--nbval-cell-timeout=600",
        cwd=toy,
        env=os.environ | home | {"IPYTHONDIR": str(toy / "home/.ipython")},
    )


def test_the_value_of_a_check_is_not_compared(toy):
    folder = toy / "tests"
    folder.mkdir()
    shutil.copy(runtime.ROOT / "tests" / "nbval_sanitize.cfg", folder)
    printed = "ok  a loss: 0.7 (0 to 1)"
    stored = ["ok  a loss: 0.3 (0 to 1)"]  # the value alone differs
    stored += ["ok  a loss: 0.7 (0 to 2)", "ok  a claim: 0.7 (0 to 1)"]
    cells = [(repr(printed), repr(text)) for text in stored]
    cells.append((repr(printed[4:]), repr(stored[0][4:])))
    page(toy / "1.ipynb", *cells)
    status, said, _ = run_toy(toy)
    failed = re.findall(r"1.ipynb::(Cell \d) _", said)
    assert (status, failed) == (1, ["Cell 1", "Cell 2", "Cell 3"]), said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_dead_kernel_is_named_soon_and_ipython_is_not_asked(toy):
    late = "import time\ntime.sleep(600)"
    page(toy / "1.ipynb", ("1", "1"), (KILL, ""), ("1", "1"))
    page(toy / "2.ipynb", (KILL_SOON, ""), (late, ""))
    page(toy / "3.ipynb", ("1\n2", "2"))  # 'all' would show both
    status, said, seconds = run_toy(toy)
    assert status == 1 and seconds < 120
    assert "3 failed, 3 passed" in said, said
    sentence = "The kernel died. Too little memory? Close other programs"
    assert said.count(sentence) == 3
