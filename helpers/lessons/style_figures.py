"""Lesson 09: figures of painted pictures, and the record of its study."""

import json
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator
from skimage import transform

from helpers import views
from helpers.backend import keras, ops
from helpers.lessons.style import RECORD

FRAME = "#E69F00"  # orange


def clouds(n: int = 400, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw three clouds of points that have one Gram matrix, the identity.

    Args:
        n: points in each, a multiple of 4.
        seed: of the draws.

    Returns:
        name -> (n, 2).
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    arms = np.eye(2)[np.arange(n) % 2] * rng.uniform(-1, 1, (n, 1))
    drawn = {"A": ring, "B": rng.standard_normal((n, 2)), "C": arms}
    for name, points in drawn.items():
        values, axes = np.linalg.eigh(points.T @ points / n)
        drawn[name] = points @ (axes / np.sqrt(values)) @ axes.T
    return drawn


def runs() -> pd.DataFrame:
    """Read the rows of `studies.style`."""
    return pd.DataFrame(json.loads(RECORD.read_text(encoding="utf-8"))["runs"])


def lead(column: str, one: str, other: str) -> float:
    """Divide the least of one way by the most of another; the least style.

    Args:
        column: of the study's rows.
        one: a way of `studies.style`.
        other: another.

    Returns:
        Above 1 if every run of `one` has more, in each style.
    """
    table = runs().groupby(["way", "style"])[column]
    return float((table.min()[one] / table.max()[other]).min())


def larger(column: str, one: str, other: str) -> int:
    """Count the pairs of a style and a seed in which one way has more."""
    table = runs().set_index(["way", "style", "seed"])[column]
    return int((table[one] > table[other]).sum())


def coarse(x: np.ndarray, detail: int) -> np.ndarray:
    """Average a picture (1, h, w, c) down to what a figure shows, in [0, 1].

    Fewer pixels, and 32 levels of each colour, keep a notebook small.
    """
    photo = (np.asarray(x)[0].clip(-1, 1) + 1) / 2
    if len(photo) > detail:
        photo = transform.resize(photo, (detail, detail), anti_aliasing=True)
    return np.round(31 * photo) / 31


def gallery(
    title: str,
    panels: Mapping[str, np.ndarray],
    columns: int | None = None,
    detail: int = 128,
) -> Figure:
    """Draw pictures in rows, a name above each.

    Args:
        title: what the figure finds, or asks.
        panels: name -> picture (1, h, w, 1 or 3) in [-1, 1].
        columns: pictures a row; all of them by default.
        detail: pixels a side that are drawn of each.

    Returns:
        The figure, for `show`.
    """
    columns = columns or len(panels)
    n_rows = -(-len(panels) // columns)
    named = sum(
        any(name.strip() for name in [*panels][k : k + columns])
        for k in range(0, len(panels), columns)
    )
    size = (10, n_rows * 9.9 / columns + 0.3 * named + 0.4)
    fig, axes = plt.subplots(n_rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, x) in zip(axes.flat, panels.items(), strict=False):
        photo = coarse(x, detail)
        photo = photo[..., 0] if photo.shape[2] == 1 else photo
        ax.imshow(photo, vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name.strip(), fontsize=13)
    views.headline(fig, title)
    return fig


def framed(x: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """Return a picture in colours, with an orange frame around a window."""
    width = max(2, x.shape[1] // 64)
    around = np.broadcast_to(x, (*x.shape[:3], 3)).copy()
    around[:, rows, columns] = 2 * np.array(to_rgb(FRAME)) - 1
    inside = [slice(s.start + width, s.stop - width) for s in (rows, columns)]
    around[:, *inside] = x[:, *inside]
    return around


def compared(title: str, panels: Mapping[str, np.ndarray]) -> Figure:
    """Draw a window of each picture; above it, how far it is from the first.

    That is the mean squared difference of all pixels, as a share of what a
    plain grey square scores.

    Args:
        title: what the figure finds, or asks.
        panels: name -> picture (1, side, side, 1).

    Returns:
        The figure, for `show`.
    """
    first, named = next(iter(panels.values())), {}
    for name, x in panels.items():
        share = np.square(x - first).mean() / first.var()
        start = x.shape[1] // 5
        window = slice(start, 2 * start)
        named[f"{name}: {share:.1f}"] = x[:, window, window]
    return gallery(title, named)


def maps(title: str, features: keras.Model, x: np.ndarray) -> Figure:
    """Draw a picture, and of each layer the channel that varies most.

    A frame on the picture holds what one place of a layer sees: one for each
    layer from the third on.

    Args:
        title: what the figure finds.
        features: as `build_features`.
        x: (1, h, w, 1) in [-1, 1].

    Returns:
        The figure, for `show`.
    """
    panels, seen = {"the picture": x}, []
    for k, found in enumerate(features(x, training=False), start=1):
        seen.append(3 * 2**k - 3)  # pixels across
        found = ops.convert_to_numpy(found)
        inside = found[:, 2:-2, 2:-2] if found.shape[1] > 4 else found
        varied = inside.std(axis=(0, 1, 2)).argmax()
        channel = found[..., varied : varied + 1]
        top = np.quantile(channel, 0.99) + 1e-6
        name = f"layer {k}: {seen[-1]} px"
        panels[name] = (2 * channel / top - 1).clip(-1, 1)
    fig = gallery(title, panels)
    middle, unit = x.shape[1] / 2, min(1, 128 / x.shape[1])
    for wide in seen[2:]:
        corner = 2 * [(middle - wide / 2) * unit - 0.5]
        line = {"fill": False, "ec": FRAME, "lw": 1.6}
        fig.axes[0].add_patch(Rectangle(corner, *2 * [wide * unit], **line))
    return fig


def cloud_row(title: str, drawn: Mapping[str, np.ndarray]) -> Figure:
    """Draw clouds of points (n, 2) side by side on like axes."""
    fig, axes = plt.subplots(1, len(drawn), figsize=(10, 4.4), sharey=True)
    for ax, (name, points) in zip(axes, drawn.items(), strict=True):
        ax.plot(*points.T, ".", ms=4, color=views.FAKE, alpha=0.7)
        ax.set_title(name, fontsize=13)
        ax.set(xlabel="first feature", aspect="equal")
        ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    axes[0].set_ylabel("second feature")
    views.headline(fig, title)
    return fig


def lettered(ax: plt.Axes, x: float, y: float, letter: str) -> None:
    """Draw a dot with a letter or a digit in it."""
    ax.plot(x, y, "o", ms=15, color=views.FAKE, mec="white")
    where = {"ha": "center", "va": "center_baseline", "color": "white"}
    ax.text(x, y, letter, fontsize=12, clip_on=True, **where)


def rows_of_dots(axes: Sequence[plt.Axes], names: Sequence[str]) -> None:
    """Give panels the same named rows and a logarithmic axis each."""
    for ax in axes:
        ax.set(xscale="log", ylim=(len(names) - 0.4, -0.6))
        ax.set_yticks(range(len(names)), names)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.grid(axis="y", alpha=0.3)


def study_dots(title: str, style: str = "brick") -> Figure:
    """Draw how far each way's own error fell, and what a referee finds.

    The digit in a dot is its seed. A line joins two ways by one network.

    Args:
        title: what the figure finds.
        style: whose rows of `studies.style`.

    Returns:
        The figure, for `show`.
    """
    names = {
        "trained": "trained",
        "means": "trained, means alone",
        "random": "random filters",
        "digits": "judge of digits",
    }
    table = runs().query("style == @style").set_index(["way", "seed"])
    fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    rows_of_dots(axes, [*names.values()])
    for ax, column in zip(axes, ("factor", "referee"), strict=True):
        own = table[column]
        for seed in range(3):
            pair = own["trained", seed], own["means", seed]
            below = (seed - 1) * 0.24
            ax.plot(pair, (below, 1 + below), "-", color=views.REAL, lw=1)
        for row, way in enumerate(names):
            for seed, value in own[way].items():
                apart = (seed - 1) * 0.24 if way != "digits" else 0
                lettered(ax, value, row + apart, str(seed))
    cat = table["referee, the cat"].iloc[0]
    axes[1].axvline(cat, color=views.REAL, ls=":")
    place = {"xytext": (-6, 0), "textcoords": "offset points"}
    note = {"ha": "right", "va": "center", "fontsize": 12} | place
    axes[1].annotate("the cat itself", (cat, 3), **note)
    axes[0].set_xlabel("own error fell by a factor of")
    axes[1].set_xlabel("error that the referee finds")
    views.headline(fig, title)
    return fig


def crossed(
    title: str,
    errors: Mapping[str, Mapping[str, float]],
    starts: Mapping[str, float],
) -> Figure:
    """Draw the style errors of pictures as each of some networks finds them.

    Args:
        title: what the figure finds.
        errors: network -> letter of a picture -> style error.
        starts: network -> style error of the untouched cat.

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 2.9))
    rows_of_dots([ax], [f"by {name} features" for name in errors])
    note = {"xytext": (12, 0), "textcoords": "offset points"}
    note |= {"va": "center", "fontsize": 12}
    for row, (name, found) in enumerate(errors.items()):
        for k, (letter, value) in enumerate(found.items()):
            place = value, row + (k - 0.5) * 0.44
            lettered(ax, *place, letter)
            ax.annotate(f"{value:.2g}", place, **note)
        start, ends = starts[name], (row - 0.4, row + 0.4)
        ax.plot([start, start], ends, ":", color=views.REAL, lw=2)
        ax.annotate(f"the cat: {start:.2g}", (start, row), **note)
    ax.set_xlabel("style error: how far from the wall")
    ax.margins(x=0.2)
    views.headline(fig, title)
    return fig
