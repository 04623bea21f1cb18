"""Samples that people bring: read, recognised, or refused with a remedy."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers import data, metrics
from helpers.data import number
from helpers.lessons.pictures import SHEET, SampleError, listed, read_folder

FORMS = "an .npy file, an .npz file or a folder of PNG files"
LEAST = 2 * metrics.BLOCKS
KEY = "images"  # of an .npz that holds several arrays
CHUNK = 5_000  # images at a time
USUAL = ((0, 1), (-1, 1), (0, 255), (0, 65535))  # black and white
IMPLIED = {"b1": USUAL[0], "f4": USUAL[1], "u1": USUAL[2]}  # kind and bytes


class Samples(NamedTuple):
    """Images as they are in a file, and what their numbers mean.

    Attributes:
        images: (n, 28, 28, 1), of an .npy file still on the disk.
        black: the number that stands for black.
        white: the number that stands for white.
        aside: what else is in a folder, by name; it is not read.
    """

    images: np.ndarray
    black: float
    white: float
    aside: tuple[str, ...]

    def parts(self) -> Iterator[np.ndarray]:
        """Yield float32 in [-1, 1], at most `CHUNK` images at a time."""
        scale = 2 / (self.white - self.black)
        for part in _parts(self.images):
            scaled = (part.astype(np.float64) - self.black) * scale - 1
            yield np.clip(scaled, -1, 1).astype(np.float32)


def _parts(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield at most `CHUNK` images at a time."""
    for i in range(0, len(images), CHUNK):
        yield images[i : i + CHUNK]


def _read_archive(path: Path, key: str | None) -> np.ndarray:
    """Map the array of an .npy file, or read the wanted one of an .npz."""

    def choose(names: list[str]) -> list[str]:
        wanted = key or (names[0] if len(names) == 1 else KEY)
        if wanted in names:
            return [wanted]
        remedy = f" Say which, such as --key {names[0]}." if names else ""
        raise SampleError(
            f"{path}: expected an array called {wanted!r}, or one alone, "
            f"found {listed(names) or 'none'}.{remedy}"
        )

    with path.open("rb") as file:
        bare = file.read(6) == np.lib.format.MAGIC_PREFIX
    if bare:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    return data.read_arrays(path, choose).popitem()[1]


def _open(path: Path, key: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read a file or a folder as it is; name what is left aside."""
    if key and path.suffix.lower() != ".npz":
        raise SampleError(f"{path}: --key chooses from an .npz file alone.")
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise SampleError(f"{path}: expected {FORMS}, found nothing there.")
    if path.suffix.lower() in (".npy", ".npz"):
        return _read_archive(path, key), ()
    remedy = "Save the images as an array, with numpy.save."
    if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif", ".bmp"):
        remedy = f"{SHEET} Of pictures of one digit each, give the folder."
    raise SampleError(
        f"{path}: expected {FORMS}, found another file. {remedy}"
    )


def _remedy(shape: tuple[int, ...]) -> str:
    """Say how images of a wrong shape become (n, 28, 28)."""
    if len(shape) == 4 and shape[1:3] == (28, 28):
        return "Make them grey: images[..., :3].mean(axis=-1)."
    if len(shape) == 4 and shape[1] == 3:
        return "Make them grey: images.mean(axis=1)."
    flat = shape[-1:] == (784,) or shape[-3:] == (28, 28, 1)
    if flat or (len(shape) > 2 and shape[-2:] == (28, 28)):
        return "Reshape them: images.reshape(-1, 28, 28)."
    if len(shape) > 2 and shape[:2] == (28, 28):
        return "Put the images first: numpy.moveaxis(images, -1, 0)."
    if len(shape) > 2:
        return "Resize them, or cut or pad their borders, to 28x28."
    return SHEET if len(shape) == 2 and max(shape) >= 56 else ""


def _shaped(path: Path, images: np.ndarray) -> np.ndarray:
    """Return numbers (n, 28, 28, 1), or say what they are."""
    images, shape = np.asarray(images), images.shape
    if images.dtype.kind not in "buif":
        raise SampleError(
            f"{path}: expected numbers, found {images.dtype}. Save uint8 or "
            "float32; of complex numbers, images.real."
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[1:] != (28, 28, 1):
        raise SampleError(
            f"{path}: expected shape (n, 28, 28) or (n, 28, 28, 1), found "
            f"{shape}. {_remedy(shape)}".rstrip()
        )
    if len(images) < LEAST:
        raise SampleError(
            f"{path}: expected at least {LEAST} images, found {len(images)}; "
            "a thousand or more make intervals that tell something."
        )
    return images


def _ends(path: Path, images: np.ndarray) -> tuple[np.number, np.number]:
    """Return the smallest and the largest value."""
    ends = np.array([(part.min(), part.max()) for part in _parts(images)])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    if not np.isfinite([low, high]).all():
        raise SampleError(
            f"{path}: expected finite numbers, found NaN or inf. Leave such "
            "images out, and look for what made them."
        )
    return low, high


def _holds(span: tuple[float, float], low: np.number, high: np.number) -> bool:
    """Tell whether values lie within a range, rounding apart."""
    bottom, top = min(span), max(span)
    slack = data.TOLERANCE * (top - bottom) / 2
    return bottom - slack <= float(low) and float(high) <= top + slack


def _shares(
    images: np.ndarray, black: float, white: float
) -> tuple[float, float]:
    """Return the share of pixels in the dark and the light quarter."""
    bottom, top = min(black, white), max(black, white)
    quarter = (top - bottom) / 4
    under = over = 0
    for part in _parts(images):
        under += np.count_nonzero(part < bottom + quarter) / images.size
        over += np.count_nonzero(part > top - quarter) / images.size
    return (under, over) if black < white else (over, under)


def _own_range(path: Path, images: np.ndarray) -> tuple[float, float]:
    """Return black and white if the values fill what their type implies.

    Digits are white on black. One pixel proves nothing: a fifth of them must
    be dark and a hundredth light, and the ends must nearly be reached.
    """
    low, high = _ends(path, images)
    found = f"{images.dtype} from {number(low)} to {number(high)}"
    if low == high:
        raise SampleError(
            f"{path}: expected digits, found that each pixel is "
            f"{number(low)}. Look at what wrote the file; to score it as it "
            "is, say which numbers are black and white, such as --range 0 255."
        )
    kind = f"{images.dtype.kind}{images.dtype.itemsize}"
    black, white = IMPLIED.get(kind, (0, np.inf))
    near = (white - black) / 20
    filled = low <= black + near and high >= white - near
    if filled and _holds((black, white), low, high):
        dark, light = _shares(images, black, white)
        if light > 0.5:
            raise SampleError(
                f"{path}: expected white digits on black, found that most "
                f"pixels are near white. Say --range {white} {black} to turn "
                f"black and white round, or --range {black} {white} to score "
                "them as they are."
            )
        if dark >= 0.2 and light >= 0.01:
            return black, white
        found += f", few of them near {black if dark < 0.2 else white}"
    raise SampleError(
        f"{path}: expected uint8 that fill 0 to 255 or float32 that fill -1 "
        f"to 1, found {found}, which may mean anything. Say which numbers "
        f"are black and white, such as {_advice(low, high)}."
    )


def _advice(low: np.number, high: np.number) -> str:
    """Return the option that values from low to high may need."""
    for black, white in USUAL:
        size, span = white - black, float(high) - float(low)
        if _holds((black, white), low, high) and span > 0.9 * size:
            return f"--range {black} {white}"
        if _holds((low, high), black, white) and span < 1.2 * size:
            clip = f"images.clip({black}, {white})"
            return f"--range {black} {white} after {clip}"
    return f"--range {number(low)} {number(high)}"


def _given_range(
    path: Path, images: np.ndarray, black: float, white: float
) -> tuple[float, float]:
    """Return black and white as given, if they hold the values."""
    span = f"{number(black)} to {number(white)}"
    if not np.isfinite([black, white]).all() or black == white:
        raise SampleError(
            f"range {span}: expected two different numbers, the one that "
            "stands for black first."
        )
    low, high = _ends(path, images)
    found = f"{number(low)} to {number(high)}"
    if not _holds((black, white), low, high):
        raise SampleError(
            f"{path}: expected values from {span}, found {found}. Give the "
            "range that they have, or clip them with numpy.clip."
        )
    dark, light = _shares(images, black, white)
    if dark < 0.2 or light < 0.01:
        warnings.warn(f"values from {found} hardly fill {span}", stacklevel=4)
    if light > 0.5:
        warnings.warn(
            "most pixels are near white, as of black digits on white; if so, "
            f"say --range {number(white)} {number(black)}",
            stacklevel=4,
        )
    return black, white


def read(
    path: str | Path,
    value_range: tuple[float, float] | None = None,
    key: str | None = None,
) -> Samples:
    """Read samples from a file or a folder; nothing pickled.

    Args:
        path: an .npy file; an .npz file; a folder of 28x28 grey PNG files.
        value_range: the numbers that stand for black and white, in this
            order. Without it, uint8 that fill 0 to 255, float32 that fill -1
            to 1, and bool are known, and anything else is refused.
        key: of an .npz file with several arrays, the one to score;
            "images" by default.

    Returns:
        See `Samples`.

    Raises:
        SampleError: no such file, or its form, shape, dtype or range; the
            message names the file, what was expected and what was found.

    Warns:
        UserWarning: a given range is hardly filled, or most pixels are white.
    """
    try:
        path = Path(path).expanduser()
        images, aside = _open(path, key)
    except SampleError:
        raise
    except data.READ_ERRORS as error:
        text = f"one that cannot be read: {data.reason(error)}"
        if "pickle" in text or "Python objects" in text:
            text = (
                "pickled objects, or no NumPy file at all. Pickled objects "
                "are never loaded, because they may run code; save a uint8 "
                "or float32 array"
            )
        raise SampleError(
            f"{path}: expected a whole NumPy file or a folder, found {text}."
        ) from None
    images = _shaped(path, images)
    if value_range:
        black, white = _given_range(path, images, *value_range)
    else:
        black, white = _own_range(path, images)
    return Samples(images, black, white, aside)
