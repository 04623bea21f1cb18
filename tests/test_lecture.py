"""Every notebook as a class runs it: strict, and no cell over a minute.

Not part of `course.py test`, for it takes minutes: `pytest -m lecture`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import data, runtime

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
        text=True,
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
