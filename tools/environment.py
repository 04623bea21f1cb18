"""What a user's environment may change in the course; standard library only.

The launcher and conftest.py clean theirs before they start anything.
"""

import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path

from helpers import settings

SMALL = "MNIST-5k"
# Variables that would change what Python, pip, pytest, Keras, matplotlib or
# Jupyter do, and those of them that do no harm.
FOREIGN = re.compile(
    "PYTHON|PIP_|PYTEST_|KERAS_|TF_USE_LEGACY_KERAS|MPLBACKEND|MATPLOTLIBRC|"
    "IPYTHON|JUPYTER|__PYVENV"
)
HARMLESS = re.compile(
    "PYTHON(HASHSEED|UTF8|IOENCODING|UNBUFFERED|DONTWRITEBYTECODE|"
    "PYCACHEPREFIX)|KERAS_HOME|JUPYTER_TOKEN"
)
# How many threads NumPy and TensorFlow compute with.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def foreign(name: str) -> bool:
    """Would a variable of this name change what the course does?"""
    return bool(FOREIGN.match(name)) and not HARMLESS.fullmatch(name)


def clean_settings(environment: MutableMapping[str, str]) -> None:
    """Strip COURSE_* of blanks, drop the empty ones, exit at a wrong one."""
    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MNIST"):
        value = environment.pop(name, "").strip()
        if value:
            environment[name] = value
    try:
        settings.read_profile(environment)
        settings.read_seed(environment)
    except settings.SettingError as reason:
        sys.exit(str(reason))
    named = environment.get("COURSE_MNIST", SMALL)
    if named == SMALL:
        return
    path = Path(os.path.expanduser(named))  # noqa: PTH111
    if not path.is_file():
        sys.exit(
            f"COURSE_MNIST names {named}, and no such file is there.\n"
            f"Give the path of an mnist.npz, or {SMALL}, or unset it."
        )
    # Children run in other folders, where a relative path is another.
    environment["COURSE_MNIST"] = str(path.resolve())
