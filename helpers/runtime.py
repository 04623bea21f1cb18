"""Profile, seeds, a quiet TensorFlow, and a report on the machine."""

import contextlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.settings import SettingError, read_profile, read_seed

ROOT = Path(__file__).resolve().parent.parent
DISK_GB_FREE = 1.0  # checkpoints of a long run and the executed lessons
MEMORY_GB = 4.0  # a lesson peaks below 3 GB


# Switches of Keras and TensorFlow that cut training short, change which Keras
# runs, or fill stderr.
SWITCHES = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
SWITCHES += ("KERAS_NNX_ENABLED", "TF_USE_LEGACY_KERAS")
SWITCHES += ("TF_CPP_MAX_VLOG_LEVEL", "TF_CPP_VMODULE")


PROFILE = read_profile(os.environ)
COURSE_SEED = read_seed(os.environ)


@contextlib.contextmanager
def _stderr_muted() -> Iterator[None]:
    """Send file descriptor 2 to the null device; Python errors still rise."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def start_tensorflow() -> None:
    """Import TensorFlow and Keras without their start-up lines.

    Operations become deterministic, so an unseeded random operation is an
    error and not a picture that nobody can make again.

    Raises:
        ImportError: TensorFlow or Keras cannot be imported.
        SettingError: Keras refuses the user's own settings.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # At level 2 graph optimisation prints red text in the first training
    # cell (a remapper message about LeakyReLU) although all is well.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in SWITCHES:
        os.environ.pop(name, None)
    try:
        with _stderr_muted():
            import keras
            import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            f"TensorFlow cannot be imported ({error}). "
            "Run: python3 course.py doctor"
        ) from error
    except Exception as error:
        where = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        if where.parts[-2:] != ("backend", "config.py"):
            raise
        raise SettingError(
            f"Keras cannot read its settings ({error}).",
            "Move its file keras.json away: it lies in the folder .keras of "
            "your home folder, or where KERAS_HOME says.",
        ) from error
    _use_default_settings(keras)
    tf.config.experimental.enable_op_determinism()


def _use_default_settings(keras: Any) -> None:
    """Take the defaults of Keras in place of the user's own keras.json."""
    if keras.config.backend() != "tensorflow":
        raise SettingError(
            f"Keras runs on {keras.config.backend()}, as it was imported "
            "before helpers.backend.",
            "Restart Python and import helpers.backend first.",
        )
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)


def by_profile(*, ci: Any, lecture: Any, full: Any) -> Any:
    """Return the value for the current COURSE_PROFILE."""
    return {"ci": ci, "lecture": lecture, "full": full}[PROFILE]


def seed(k: int) -> int:
    """Seed Python, NumPy and Keras; return the seed for stateless draws.

    Args:
        k: number of this seed within the course, 0 to 9999.

    Returns:
        k itself by default; another value for each COURSE_SEED, so that a
        whole lesson can be repeated under other seeds.

    Raises:
        ValueError: k is not a whole number from 0 to 9999.
    """
    start_tensorflow()
    import keras

    if not isinstance(k, int) or not 0 <= k <= 9_999:
        raise ValueError(f"seed({k!r}): give a whole number from 0 to 9999.")
    value = 10_000 * COURSE_SEED + k
    keras.utils.set_random_seed(value)
    return value


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all: a new one first, then its name.

    Args:
        path: where to; the folder must exist.

    Yields:
        A path beside it that ends in its name; what is written there takes
        its place at the end, unless the block raises.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file whole or not at all.

    Args:
        path: where to; the folder must exist.
        content: what `json.dumps` accepts.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
        TypeError: something that JSON does not have.
    """
    text = json.dumps(content, indent=2) + "\n"
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def finding(item: str, value: str, ok: bool, remedy: str) -> dict[str, Any]:
    """Return one row of a report; the remedy is kept where it is needed."""
    remedy = "" if ok else remedy
    return {"item": item, "value": value, "ok": ok, "remedy": remedy}


def _wrong_packages() -> list[str]:
    """List the packages of the lock that are missing or of another version."""
    from packaging.requirements import Requirement

    wrong = []
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for line in re.findall(r"^[a-z0-9][^\\\n]*", lock, re.M):
        pin = Requirement(line)
        if pin.marker and not pin.marker.evaluate():
            continue
        try:
            found = importlib.metadata.version(pin.name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found == "missing" or not pin.specifier.contains(found):
            wrong.append(f"{pin.name} {found} (lock {pin.specifier})")
    return wrong


def machine() -> str:
    """Name the machine in a few words, for a record."""
    return f"{platform.machine()}, {os.cpu_count()} CPU cores"


def report() -> pd.DataFrame:
    """Describe the machine and the packages.

    Returns:
        One row a finding: item, value, ok (bool), remedy (empty where ok).
    """
    start_tensorflow()
    import psutil
    import tensorflow as tf

    found = os.environ.get("COURSE_PACKAGES")  # set by tools/bootstrap.py
    wrong = [] if found else _wrong_packages()
    memory = psutil.virtual_memory().total / 2**30
    free = shutil.disk_usage(ROOT).free / 2**30
    gpus = len(tf.config.list_physical_devices("GPU"))
    python = platform.python_version()
    rows = [
        finding(
            "Python",
            f"{python}, {platform.system()} {platform.machine()}",
            (3, 11) <= sys.version_info[:2] <= (3, 13),
            "Use Python 3.11, 3.12 or 3.13.",
        ),
        finding(
            "packages",
            "; ".join(wrong[:4]) or found or "as in the lock",
            not wrong,
            "Delete the folder .venv and run: python3 course.py run",
        ),
        finding("TensorFlow", tf.__version__, True, ""),
        finding("CPU cores, GPUs", f"{os.cpu_count()}, {gpus}", True, ""),
        finding(
            "memory",
            f"{memory:.0f} GB",
            memory >= MEMORY_GB,
            "Close other programs; a lesson needs up to 3 GB.",
        ),
        finding(
            "free disk",
            f"{free:.0f} GB",
            free >= DISK_GB_FREE,
            f"Free {DISK_GB_FREE:.0f} GB on this disk.",
        ),
        finding("profile", PROFILE, True, ""),
    ]
    return pd.DataFrame(rows)
