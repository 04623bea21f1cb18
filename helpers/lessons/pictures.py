"""Samples in a folder of PNG files: read, or refused with a remedy."""

from pathlib import Path

import numpy as np
from skimage import io

from helpers import data

SHEET = (
    "If this is a sheet of many digits, cut it into tiles of 28x28, borders "
    "left out: sheet.reshape(rows, 28, columns, 28).swapaxes(1, 2)"
    ".reshape(-1, 28, 28), and save these with numpy.save."
)


class SampleError(ValueError):
    """A file does not hold samples that can be scored."""


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Write the first three names, and how many more there are."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _read_picture(file: Path) -> np.ndarray:
    """Read one digit of 28x28 pixels as uint8."""
    try:
        image = np.asarray(io.imread(file))
    except Exception as error:  # whatever a decoder stumbles over
        raise SampleError(
            f"{file}: expected a PNG image, found a file that cannot be "
            f"read ({data.reason(error)})."
        ) from None
    if image.dtype == bool:
        image = image * np.uint8(255)
    if image.shape == (28, 28) and image.dtype == np.uint8:
        return image
    if max(image.shape[:2]) >= 56:
        remedy = SHEET
    elif image.shape[:2] != (28, 28):
        remedy = "Resize it, or cut or pad its border, to 28x28."
    elif image.dtype != np.uint8:
        remedy = "Divide by 257 and save it with 8 bits: (image // 257)."
    else:
        remedy = (
            "Make it grey, without colour, palette or transparency: "
            "PIL.Image.open(file).convert('L').save(file)."
        )
    raise SampleError(
        f"{file}: expected 28x28 pixels of 8-bit grey, found shape "
        f"{image.shape} of {image.dtype}. {remedy}"
    )


def read_folder(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read all PNG files of a folder; name what else is there."""
    files, aside = [], []
    for file in sorted(path.iterdir()):
        is_png = file.suffix.lower() == ".png" and not file.is_dir()
        if is_png and not file.name.startswith("."):
            files.append(file)
        else:
            aside.append(file.name)
    if not files:
        raise SampleError(
            f"{path}: expected PNG files, found {listed(aside) or 'none'}."
        )
    images = np.empty((len(files), 28, 28), np.uint8)
    for image, file in zip(images, files, strict=True):
        image[:] = _read_picture(file)
    return images, tuple(aside)
