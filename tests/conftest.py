"""Fixtures that several test files use."""

import os
from pathlib import Path

import pytest

from helpers import data

# Read at import: single tests point COURSE_MNIST elsewhere.
FULL_MNIST = os.environ.get("COURSE_MNIST", str(data.FULL_FILE))


@pytest.fixture
def full_mnist() -> str:
    """Path of the full MNIST; the test is skipped where there is none."""
    if not Path(FULL_MNIST).exists():
        pytest.skip("the full MNIST is not at hand")
    return FULL_MNIST
