"""Files of samples and shipped generators under every ruler.

`python3 course.py score FILE` scores what `samples.read` reads. The samples
are set against as many images of `holdout`, which is the same on every
machine. The leaderboard of the shipped generators is read from their cards,
which hold the same scores.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import checkpoints, data, metrics, samples
from helpers.samples import SampleError  # noqa: F401

GENERATED = "holdout, 5,000 samples, 10 sets"  # entries of the cards
REAL = "holdout, 5,000 real digits of test"


class Report(NamedTuple):
    """What was scored, against what, and the scores.

    Attributes:
        file: the path.
        found: how many images it holds.
        scored: how many of them were scored, and against how many images of
            `holdout`.
        aside: what else was in the folder, by name; it was not read.
        scores: intervals by name, as `metrics.measures` has them, and
            "fcd_debiased", see `metrics.frechet_debiased`.
    """

    file: str
    found: int
    scored: int
    aside: tuple[str, ...]
    scores: dict[str, metrics.Interval]

    def table(self) -> pd.DataFrame:
        """Return one row a measure: estimate, low and high end (95 %)."""
        rows = {name: tuple(found) for name, found in self.scores.items()}
        columns = list(metrics.Interval._fields)
        table = pd.DataFrame.from_dict(rows, "index", columns=columns)
        return table.rename_axis("measure")


def _keyed(parts: Iterable[np.ndarray]) -> Iterator[tuple[bytes, bytes]]:
    """Yield a random key and the grey levels of each image.

    The key depends on the levels and on how many equal images came before,
    so that it says nothing about the order, and equal images lie apart.
    """
    seen: Counter[bytes] = Counter()
    for part in parts:
        for levels in map(np.ndarray.tobytes, data.to_uint8(part)):
            digest = hashlib.blake2b(levels, digest_size=16).digest()
            again = seen[digest].to_bytes(16)
            seen[digest] += 1
            yield hashlib.blake2b(digest, salt=again).digest(), levels


def score_file(
    path: str | Path,
    value_range: tuple[float, float] | None = None,
    key: str | None = None,
) -> Report:
    """Put the samples of a file under every ruler.

    Of more samples than `holdout` has, 5,000 are chosen; fewer are set
    against as many images of it. Neither the choice nor a score depends on
    the order of the samples. The intervals are those of the delete-block
    jackknife.

    Args:
        path: as in `samples.read`.
        value_range: as in `samples.read`.
        key: as in `samples.read`.

    Returns:
        The report.

    Raises:
        SampleError: as in `samples.read`.
    """
    found = samples.read(path, value_range, key)
    reference, _ = data.load("holdout")
    n = min(len(found.images), len(reference))
    chosen = heapq.nsmallest(n, _keyed(found.parts()))
    levels = np.frombuffer(b"".join(x for _, x in chosen), np.uint8)
    fake = metrics.judge(data.to_float(levels.reshape(n, 28, 28, 1)))
    real = metrics.judge(reference[:n])
    scores = metrics.score_judged_set(fake, real)
    scores["fcd_debiased"] = metrics.frechet_debiased(
        fake.features, real.features
    )
    return Report(str(path), len(found.images), n, found.aside, scores)


def _row(name: str, scores: dict[str, dict]) -> dict[str, object]:
    """Return a row of the leaderboard: estimates and half-widths as text."""
    row: dict[str, object] = {"": name}
    for measure, found in scores.items():
        estimate, low, high = (found[x] for x in metrics.Interval._fields)
        # An end where the measure ends may have been cut there.
        is_cut = low == metrics.RANGES.get(measure, (None,))[0]
        half = high - estimate if is_cut else estimate - low
        if not (low <= estimate <= high and half > 0):
            raise checkpoints.CheckpointError(
                f"card of {name}: expected {measure} inside its "
                f"interval, found {found}. {checkpoints.MEND}"
            )
        digits = max(0, min(3, 1 - int(np.floor(np.log10(half)))))
        row[measure] = f"{estimate:.{digits}f} ± {half:.{digits}f}"
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
