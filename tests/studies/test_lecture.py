"""Every notebook as a class runs it: strict, no cell over a minute, and with
the digits that the live run of lesson 03 promises.

Not part of `course.py test`, for it takes minutes: `pytest -m lecture`.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_live_runs import PROMISES, broken_promises

from helpers import data, runtime
from studies import live_runs

NOTEBOOKS = sorted((runtime.ROOT / "notebooks").rglob("[0-9]*.ipynb"))
SECONDS_PER_CELL = 60
SECONDS_PER_LESSON = 360


def run_strictly(notebook: Path, source: str) -> float:
    """Run one notebook under nbval; return its seconds."""
    environment = {
        **os.environ,
        "COURSE_PROFILE": "lecture",
        "COURSE_MNIST": source,
    }
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", str(notebook)]
    start = time.monotonic()
    run = subprocess.run(
        [*command, f"--nbval-cell-timeout={SECONDS_PER_CELL}"],
        cwd=runtime.ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout[-4_000:]
    return time.monotonic() - start


@pytest.mark.lecture
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_in_class_on_mnist_5k(notebook: Path) -> None:
    assert run_strictly(notebook, data.SMALL) < SECONDS_PER_LESSON


@pytest.mark.lecture
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_in_class_on_the_full_mnist(notebook: Path, full_mnist: str) -> None:
    assert run_strictly(notebook, full_mnist) < SECONDS_PER_LESSON


def live_run(k: int, source: str) -> dict[str, float]:
    """Train as lesson 03 does under a COURSE_SEED; return its figures."""
    run = subprocess.run(
        [sys.executable, "-m", "studies.live_runs", "--seed", str(k)],
        cwd=runtime.ROOT,
        env=os.environ | {"COURSE_PROFILE": "lecture", "COURSE_MNIST": source},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr[-4_000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.lecture
@pytest.mark.parametrize("k", live_runs.SEEDS)
def test_the_digits_of_a_class(k: int, full_mnist: str) -> None:
    assert not broken_promises(live_run(k, full_mnist)), PROMISES


@pytest.mark.lecture
@pytest.mark.parametrize("k", live_runs.SEEDS[:2])
def test_the_digits_of_a_class_without_a_network(k: int) -> None:
    assert not broken_promises(live_run(k, data.SMALL)), PROMISES
