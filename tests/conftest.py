"""Fixtures that several test files use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import data
from helpers.backend import tf

# A shell starts a job in the background with Ctrl-C ignored, and whatever the
# tests start would inherit that: tests that send it would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Read at import: single tests point COURSE_MNIST elsewhere.
FULL_MNIST = os.environ.get("COURSE_MNIST", str(data.FULL_FILE))


@pytest.fixture
def full_mnist() -> str:
    """Path of the full MNIST; the test is skipped where there is none."""
    if not Path(FULL_MNIST).exists():
        pytest.skip("the full MNIST is not at hand")
    return FULL_MNIST


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """Take steps as they are: to compile takes longer than a few of them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
