"""Files of samples and shipped generators under every ruler.

`python -m helpers score` scores a file: an .npy array, an .npz archive, or a
folder of grey PNG files. The samples are set against as many images of
`holdout`, which is the same on every machine. The leaderboard of the shipped
generators is read from their cards, which hold the same scores.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from skimage import io

from helpers import checkpoints, data, metrics

FORMS = "an .npy file, an .npz file or a folder of PNG files"
LEAST = 2 * metrics.BLOCKS
KEY = "images"  # of an .npz that holds several arrays
GENERATED = "holdout, 5,000 samples, 10 sets"  # entries of the cards
REAL = "holdout, 5,000 real digits of test"
ORDER_SEED = 0  # of the choice among more samples than holdout has


class SampleError(ValueError):
    """A file does not hold samples that can be scored."""


class Report(NamedTuple):
    """What was scored, against what, and the scores.

    Attributes:
        file: the path.
        found: how many images it holds.
        scored: how many of them were scored, and against how many images of
            `holdout`.
        scores: intervals by name, as `metrics.measures` has them, and
            "fcd_debiased", see `metrics.frechet_debiased`.
    """

    file: str
    found: int
    scored: int
    scores: dict[str, metrics.Interval]

    def table(self) -> pd.DataFrame:
        """Return one row a measure: estimate, low and high end (95 %)."""
        rows = {name: tuple(found) for name, found in self.scores.items()}
        columns = list(metrics.Interval._fields)
        table = pd.DataFrame.from_dict(rows, "index", columns=columns)
        return table.rename_axis("measure")


def _read_archive(path: Path) -> np.ndarray:
    """Read the array of an .npy file, or the one to be scored of an .npz."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            names = found.files
            if len(names) == 1 or KEY in names:
                return found[names[0] if len(names) == 1 else KEY]
    except data.READ_ERRORS as error:
        if "pickle" in str(error).lower():
            raise SampleError(
                f"{path}: expected plain numbers, found pickled objects or no "
                "NumPy file at all. Pickled objects are never loaded, for "
                "they may run code; save a uint8 or float32 array."
            ) from None
        raise SampleError(
            f"{path}: expected a whole NumPy file, found one that cannot be "
            f"read ({error})."
        ) from None
    raise SampleError(
        f"{path}: expected one array, or one called {KEY!r} among several, "
        f"found {', '.join(names) or 'none'}."
    )


def _read_folder(path: Path) -> np.ndarray:
    """Read all PNG files of a folder, in the order of their names."""
    files = sorted(path.glob("*.png"))
    if not files:
        raise SampleError(f"{path}: expected PNG files, found none.")
    images = []
    for file in files:
        try:
            image = np.asarray(io.imread(file))
        except Exception as error:  # whatever a decoder stumbles over
            raise SampleError(
                f"{file}: expected a PNG image, found a file that cannot be "
                f"read ({error})."
            ) from None
        if image.shape != (28, 28) or image.dtype != np.uint8:
            raise SampleError(
                f"{file}: expected 28x28 pixels of 8-bit grey, found shape "
                f"{image.shape} of {image.dtype}. Convert it first: one "
                "channel, no transparency."
            )
        images.append(image)
    return np.stack(images)


def _shaped(path: Path, images: np.ndarray) -> np.ndarray:
    """Return images as (n, 28, 28, 1), or say what they are."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[1:] != (28, 28, 1):
        raise SampleError(
            f"{path}: expected shape (n, 28, 28) or (n, 28, 28, 1), found "
            f"{images.shape}."
        )
    if len(images) < LEAST:
        raise SampleError(
            f"{path}: expected at least {LEAST} images, found {len(images)}; "
            "a thousand or more make intervals that tell something."
        )
    if images.dtype.kind not in "uif" or not np.isfinite(images).all():
        raise SampleError(
            f"{path}: expected finite numbers, found {images.dtype} with "
            "other values."
        )
    return images


def _own_range(path: Path, images: np.ndarray) -> tuple[float, float]:
    """Return black and white of images whose dtype says what they are."""
    low, high = images.min(), images.max()
    if images.dtype == np.uint8 and high > 1:
        return 0, 255
    if images.dtype == np.float32 and low < 0:
        return -1, 1
    raise SampleError(
        f"{path}: expected uint8 from 0 to 255 or float32 from -1 to 1, found "
        f"{images.dtype} from {low:g} to {high:g}, which may mean anything. "
        "Say which numbers are black and white, such as --range 0 1."
    )


def read_images(
    path: str | Path, value_range: tuple[float, float] | None = None
) -> np.ndarray:
    """Read samples from a file or a folder.

    Args:
        path: an .npy file; an .npz file with one array, or one called
            "images"; a folder of 28x28 grey PNG files. Nothing pickled.
        value_range: the numbers that stand for black and white. Without it,
            uint8 is 0 to 255 and float32 -1 to 1, and anything else, a
            float32 without a negative number for instance, is refused.

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].

    Raises:
        SampleError: no such file, or its form, shape, dtype or range; the
            message names the file, what was expected and what was found.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        images = _read_folder(path)
    elif not path.exists():
        raise SampleError(f"{path}: expected {FORMS}, found nothing there.")
    elif path.suffix in (".npy", ".npz"):
        images = _read_archive(path)
    else:
        raise SampleError(f"{path}: expected {FORMS}, found another file.")
    images = _shaped(path, images)
    low, high = value_range or _own_range(path, images)
    if not (np.isfinite([low, high]).all() and low < high):
        raise SampleError(
            f"range {low:g} to {high:g}: expected black first, then a larger "
            "number for white."
        )
    found = images.min(), images.max()
    if found[0] < low or found[1] > high:
        raise SampleError(
            f"{path}: expected values from {low:g} to {high:g}, found "
            f"{found[0]:g} to {found[1]:g}."
        )
    scaled = (images.astype(np.float64) - low) * (2 / (high - low)) - 1
    return np.clip(scaled, -1, 1).astype(np.float32)


def score_file(
    path: str | Path, value_range: tuple[float, float] | None = None
) -> Report:
    """Put the samples of a file under every ruler.

    Of more samples than `holdout` has, 5,000 are chosen with a fixed seed;
    fewer are set against as many images of it. The intervals are those of
    the delete-block jackknife.

    Args:
        path: as in `read_images`.
        value_range: as in `read_images`.

    Returns:
        The report.

    Raises:
        SampleError: as in `read_images`.
    """
    images = read_images(path, value_range)
    reference, _ = data.load("holdout")
    n = min(len(images), len(reference))
    order = np.random.default_rng(ORDER_SEED).permutation(len(images))[:n]
    real = metrics.judge(reference[:n])
    chosen = images[np.sort(order)]
    scores = metrics.score_fixed_set(chosen, real)
    debiased = metrics.frechet_debiased(
        metrics.judge(chosen).features, real.features
    )
    return Report(
        str(path), len(images), n, scores | {"fcd_debiased": debiased}
    )


def _row(name: str, scores: dict[str, dict]) -> dict[str, object]:
    """Return a row of the leaderboard: estimates and half-widths as text."""
    row: dict[str, object] = {"": name}
    for measure, found in scores.items():
        half = found["estimate"] - found["low"]
        if not half > 0:
            raise checkpoints.CheckpointError(
                f"card of {name}: expected {measure} above the low end of its "
                f"interval, found {found}. {checkpoints.MEND}"
            )
        digits = max(0, min(3, 1 - int(np.floor(np.log10(half)))))
        row[measure] = f"{found['estimate']:.{digits}f} ± {half:.{digits}f}"
    return row


def leaderboard() -> pd.DataFrame:
    """Rank the shipped generators by the scores on their cards.

    5,000 samples against the 5,000 images of `holdout`; intervals of 95 %,
    over ten sets of samples. The first row holds 5,000 unseen real digits,
    with the interval of the jackknife.

    Returns:
        One row a generator, by rising FCD: measures as in
        `metrics.measures`, training seconds, and size of the weights in kB.

    Raises:
        CheckpointError: a card cannot be read.
    """
    judge = checkpoints.card("digit_classifier")["metrics"]
    rows = [_row("real digits", judge[REAL]) | {"seconds": "", "kB": ""}]
    shipped = {
        name: checkpoints.card(name) for name in checkpoints.available()
    }
    scored = {
        name: card["metrics"][GENERATED]
        for name, card in shipped.items()
        if GENERATED in card.get("metrics", {})
    }
    for name in sorted(
        scored, key=lambda name: scored[name]["fcd"]["estimate"]
    ):
        weights = checkpoints.FOLDER / f"{name}.weights.h5"
        rows.append(
            _row(name, scored[name])
            | {
                "seconds": shipped[name]["training_seconds"],
                "kB": round(weights.stat().st_size / 1e3),
            }
        )
    return pd.DataFrame(rows).set_index("")
