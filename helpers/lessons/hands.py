"""Lesson 08, deeper: hands of writers, known by the order of a file."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import data, runtime, views
from helpers.data import check_array
from helpers.lessons import latent

FILE = runtime.ROOT / "data" / "hands.npz"
RECORD = runtime.ROOT / "data" / "results" / "08_hands.json"
MEASURES = ("slant", "ink", "width", "stroke")
WAYS = {  # of the record, and what a figure calls them
    "real digits": "real digits",
    "fit to 10": "fit to ten",
    "fit": "FIT TO FIVE",
    "fit to 3": "fit to three",
    "fit to 1": "fit to one",
    "fit, no penalty": "five, no penalty",
    "fit, best of 4 starts": "five, best of four starts",
    "best of 1,000 by measures": "best of 1,000 by measures",
    "best of 1,000 by pixels": "best of 1,000 by pixels",
    "another hand's z": "another hand's z",
    "a random z": "a random z",
}
LOOKS = {  # of a probe: how it is drawn, and its place in a row
    "network": ({"color": views.FAKE, "marker": "o"}, -0.15),
    "measures": ({"color": views.DISCRIMINATOR, "marker": "^"}, 0.15),
}


class Hands(NamedTuple):
    """What data/hands.npz holds of the second half of the test file.

    Attributes:
        x: float32 (43, 40, 28, 28, 1) in [-1, 1], the first images of each
            form that a writer filled in.
        y: their classes, int (43, 40).
        start: where each form begins, counted from image 5,000.
        labels: int (5,000,), of all images of that half, in order.
        slant: float64 (5,000,), likewise.
    """

    x: np.ndarray
    y: np.ndarray
    start: np.ndarray
    labels: np.ndarray
    slant: np.ndarray


def load() -> Hands:
    """Read the hands.

    Returns:
        See `Hands`.

    Raises:
        DataError: the file is missing or is not what the manifest says.
    """
    file = data.verify(FILE, FILE.name)
    return Hands(
        data.to_float(file["x"])[..., None],
        file["y"].astype(int),
        file["start"],
        file["labels"].astype(int),
        file["slant"].astype(float),
    )


def measures(x: np.ndarray) -> np.ndarray:
    """Measure slant, ink, width and stroke of digits.

    Args:
        x: (n, 28, 28, 1) in [-1, 1], none of them all black.

    Returns:
        (n, 4). Slant is the shift to the right for each pixel up; ink the
        mean, 0 to 1; width the standard deviation of the columns, in pixels;
        stroke twice the ink over the length of its edges, in pixels.
    """
    x = check_array("x", x, "n 28 28 1", -1, 1)
    found, grey = latent.ink(x), (x[..., 0].astype(float) + 1) / 2
    slope = np.hypot(np.diff(grey, axis=1)[:, :, 1:], np.diff(grey)[:, 1:])
    return np.stack(
        [
            -found.m_rc / found.m_rr,
            found.total / 784,
            np.sqrt(found.m_cc),
            2 * found.total / slope.sum(axis=(1, 2)),
        ],
        axis=1,
    )


def runs() -> pd.DataFrame:
    """Read what the study measured of each way to find a z.

    Returns:
        A row a `way` and `seed` (a choice of the given digits), with
        `network` and `measures`: a list of 43 scores, one a hand; `length`
        of z; `error`, a list of 43.
    """
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["runs"]
    return pd.DataFrame([r for r in rows if "network" in r and r["digit"] < 0])


def by_hand(
    way: str, column: str, table: pd.DataFrame | None = None
) -> np.ndarray:
    """Average a column of `runs` over the choices of digits: a number a hand,
    (43,)."""
    table = runs() if table is None else table
    return np.mean(table.loc[table["way"] == way, column].tolist(), axis=0)


def lead(way: str, other: str = "best of 1,000 by measures") -> np.ndarray:
    """Return by how much a way scores more than another with the network; a
    number a hand, (43,)."""
    return by_hand(way, "network") - by_hand(other, "network")


def interval(scores: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a 95 % interval of the mean, by a bootstrap over hands."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(scores), (4_000, len(scores)))
    return np.percentile(scores[drawn].mean(axis=1), [2.5, 97.5])


def blocks(
    title: str,
    parts: Mapping[str, tuple[Sequence, np.ndarray]],
    names: Sequence[str | int],
) -> Figure:
    """Draw rows of digits, in blocks side by side.

    Args:
        title: what the figure finds, or asks.
        parts: name -> labels of the columns, and images
            (rows, columns, 28, 28, 1) in [-1, 1].
        names: of the rows; a number is that of a hand.

    Returns:
        The figure, for `show`.
    """
    widths = [images.shape[1] for _, images in parts.values()]
    fig, axes = plt.subplots(
        1,
        len(parts),
        figsize=(10, 8.4 * len(names) / sum(widths) + 1.2),
        width_ratios=widths,
        squeeze=False,
    )
    for ax, (name, (above, images)) in zip(
        axes[0], parts.items(), strict=True
    ):
        images = images.reshape(-1, *images.shape[2:])
        views.draw_tiles(ax, images, len(above), above)
        ax.set_title(name)
    places = 28 * (np.arange(len(names)) + 0.5) - 0.5
    named = [k if isinstance(k, str) else f"hand {k}" for k in names]
    axes[0, 0].set_yticks(places, named)
    views.headline(fig, title)
    return fig


def dots(title: str) -> Figure:
    """Draw the mean score of each of `WAYS` by both probes, with its interval.

    Args:
        title: what the figure finds, or asks.

    Returns:
        The figure, for `show`.
    """
    table = runs()
    fig, ax = plt.subplots(figsize=(10, 0.42 * len(WAYS) + 1.4))
    for probe, (look, shift) in LOOKS.items():
        for row, way in enumerate(WAYS):
            scores, place = by_hand(way, probe, table), row + shift
            ends = interval(scores)
            ax.plot(ends, [place, place], color=look["color"], ls="-")
            label = f"judged by the {probe}" if row == 0 else None
            ax.plot(scores.mean(), place, ls="", ms=9, label=label, **look)
    ax.axvline(0.5, color=views.REAL, ls=":")
    ax.set_yticks(range(len(WAYS)), WAYS.values())
    ax.set(ylim=(len(WAYS) - 0.5, -0.5))
    ax.set_xlabel("score: share of the other hands that the row beats")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(loc="lower right")
    ax.set_title(title)
    return fig
