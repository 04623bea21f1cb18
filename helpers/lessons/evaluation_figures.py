"""Figures of lesson 04: what metrics compute, what they see, how they vary."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm
from matplotlib.figure import Figure
from scipy import stats
from scipy.spatial.distance import cdist

from helpers import views
from helpers.data import check_array

GENERATED = {"color": views.FAKE, "marker": "x", "ls": "", "mew": 2.5}
REAL = {"color": views.REAL, "marker": "o", "ls": ""}
DIVERGING = LinearSegmentedColormap.from_list(
    "diverging", [views.GENERATOR, "white", views.DISCRIMINATOR]
).with_extremes(bad="0.85")  # neither worse nor better


def moving(
    title: str, a: tuple[float, float], b: tuple[float, float]
) -> Figure:
    """Draw how the mass of one normal density is moved onto another.

    Args:
        title: what the figure finds.
        a: mean and standard deviation of the real one, drawn above.
        b: the same of the generated one, drawn below.

    Returns:
        The figure, for `show`.
    """
    ends = stats.norm.ppf([0.001, 0.999])
    reach = [f(m + s * ends) for f, (m, s) in ((min, a), (max, a))]
    reach += [f(b[0] + b[1] * ends) for f in (min, max)]
    x = np.linspace(min(reach), max(reach), 400)
    top, bottom = (stats.norm.pdf(x, *side) for side in (a, b))
    fig, ax = plt.subplots(figsize=(10, 4))
    ax.fill_between(x, 0.6, 0.6 + top, color=views.REAL, alpha=0.5, lw=0)
    ax.fill_between(x, 0, -bottom, color=views.FAKE, alpha=0.5, lw=0)
    quantiles = stats.norm.ppf((np.arange(15) + 0.5) / 15)
    for start, end in zip(
        a[0] + a[1] * quantiles, b[0] + b[1] * quantiles, strict=True
    ):
        way = {"arrowstyle": "->", "color": "black", "lw": 1.5}
        ax.annotate("", (end, 0.03), (start, 0.57), arrowprops=way)
    for (mean, sd), y, name in ((a, 0.68, "real"), (b, -0.16, "generated")):
        text = f"{name}: mean {mean:g}, deviation {sd:g}"
        ax.text(x[0], y, text, va="center", fontsize=13)
    ax.set(xlabel="x", yticks=[], xlim=(x[0], x[-1]))
    ax.spines["left"].set_visible(False)
    views.headline(fig, title)
    return fig


def draw_balls(
    ax: plt.Axes, centres: np.ndarray, k: int, color: str
) -> np.ndarray:
    """Draw a ball around each point that reaches to its k-th neighbour.

    Args:
        ax: where to.
        centres: points (n, 2).
        k: which other point a ball reaches to.
        color: of the balls.

    Returns:
        The radii (n,).
    """
    radii = np.sort(cdist(centres, centres), axis=1)[:, k]
    for centre, radius in zip(centres, radii, strict=True):
        ax.add_patch(plt.Circle(centre, radius, fc=color, alpha=0.13, lw=0))
        ax.add_patch(
            plt.Circle(centre, radius, fc="none", ec=color, lw=1.3, alpha=0.8)
        )
    return radii


def balls(
    title: str,
    real: np.ndarray,
    fake: np.ndarray,
    k: int,
    names: Sequence[str] = ("precision?", "recall?"),
) -> Figure:
    """Draw real and generated points, balls around one kind a panel.

    Args:
        title: what the figure asks or finds.
        real: points (n, 2).
        fake: points (m, 2).
        k: which neighbour a ball reaches to.
        names: titles of the panels, one above the other: the first has balls
            around the real points, the second around the generated ones. The
            axes of two panels end near the points and cut larger balls.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    real = check_array("real", real, "n 2")
    fake = check_array("fake", fake, "n 2")
    size = (10, 2.9 * len(names) + 1)
    shared = {"squeeze": False, "sharex": True, "sharey": True}
    fig, axes = plt.subplots(len(names), figsize=size, **shared)
    sides = (real, views.REAL), (fake, views.FAKE)
    for ax, name, side in zip(axes[:, 0], names, sides, strict=False):
        draw_balls(ax, side[0], k, side[1])
        ax.plot(*real.T, ms=8, label="real", **REAL)
        ax.plot(*fake.T, ms=9, label="generated", **GENERATED)
        ax.set(title=name, ylabel="feature 2", aspect="equal")
    axes[-1, 0].set_xlabel("feature 1")
    if len(names) > 1:
        rows = np.concatenate([real, fake])
        low, high = rows.min(axis=0) - 1, rows.max(axis=0) + 1
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    views.share_legend(fig, axes[0, 0], "outside upper right", 2)
    views.headline(fig, title)
    return fig


def fault_map(
    title: str, values: pd.DataFrame, alarms: pd.DataFrame, real: pd.Series
) -> Figure:
    """Draw metrics of damaged sets: values as text, alarms as colours.

    A cell within two deviations of real images has no word and no colour.

    Args:
        title: what the figure finds.
        values: finite numbers, a row a set, a column a metric.
        alarms: the same shape, in deviations; above 0 is worse. Beyond 2 on
            either side a cell says worse or better, in the column "closer"
            nearer or farther, and farther is grey; colours end at 100.
        real: what real images get, a number a metric; the first row.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: tables of different shapes, or not finite.
    """
    shape = " ".join(map(str, values.shape))
    loud = check_array("alarms", alarms.to_numpy(), shape)
    loud = np.vstack([np.zeros_like(loud[:1]), loud])
    loud[np.abs(loud) <= 2] = 0
    values = pd.concat([real.to_frame("real digits").T, values])
    numbers = check_array("values", values.to_numpy(), "n m")
    fig, ax = plt.subplots(figsize=(10, 0.5 * len(values) + 1.3))
    norm = SymLogNorm(2, linscale=0.6, vmin=-100, vmax=100)
    is_farther = (values.columns == "closer") & (loud < 0)
    shown = np.ma.masked_where(is_farther, loud)
    field = ax.imshow(shown, cmap=DIVERGING, norm=norm, aspect="auto")
    words = dict.fromkeys(values, ("", "  worse", "  better"))
    words["closer"] = "", "  nearer", "  farther"
    largest = np.abs(numbers).max(axis=0)
    digits = np.select([largest <= 1, largest <= 10], [3, 2], 1)
    for (i, j), value in np.ndenumerate(numbers):
        word = words[values.columns[j]][int(np.sign(loud[i, j]))]
        text = f"{value:.{digits[j]}f}{word}"
        ax.text(j, i, text, ha="center", va="center", fontsize=13)
    ax.set_xticks(range(values.shape[1]), values.columns)
    ax.set_yticks(range(len(values)), values.index)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=13)
    ax.spines[:].set_visible(False)
    ticks = (-100, -10, -2, 0, 2, 10, 100)
    scale = fig.colorbar(field, ax=ax, extend="both", pad=0.01)
    scale.set_label("deviations worse than real digits")
    scale.ax.axhspan(-2, 2, color="white")  # as in the cells
    scale.set_ticks(ticks, labels=[f"{k:+d}" if k else "0" for k in ticks])
    scale.minorticks_off()
    views.headline(fig, title)
    return fig


def dots(title: str, runs: Mapping[str, tuple[np.ndarray, float]]) -> Figure:
    """Draw FCDs as rings, a row a group, and below them their interval.

    Args:
        title: what the figure finds.
        runs: label -> FCDs (n,), and the half-width about their mean.

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 0.6 * len(runs) + 1.4))
    for row, (label, (values, half)) in enumerate(runs.items()):
        x = check_array(label, values, "n")
        apart = row - 0.25 + 0.2 * (np.arange(len(x)) % 3)
        ax.plot(x, apart, "o", color=views.FAKE, ms=9, mfc="none", mew=2)
        ax.errorbar(x.mean(), row + 0.34, xerr=half, fmt="ok", capsize=5)
    ax.set(xlabel="FCD", ylim=(len(runs) - 0.35, -0.5))
    ax.set_yticks(range(len(runs)), runs)
    ax.grid(axis="x", alpha=0.3)
    views.headline(fig, title)
    return fig


def plane(title: str, table: pd.DataFrame) -> Figure:
    """Draw sets as points by two shares.

    Args:
        title: what the figure finds.
        table: values from 0 to 1, a row a set, two columns, the first of them
            upwards; a set whose name begins with real is grey.

    Returns:
        The figure, for `show`.
    """
    values = check_array("table", table.to_numpy(), "n 2")
    up, right = (k[0].upper() for k in table.columns)
    fig, ax = plt.subplots(figsize=(10, 4.4))
    last = {}  # labels of one side do not overlap
    floor = max(0, np.floor(10 * values[:, 0].min()) / 10 - 0.1)
    for i in np.argsort(-values[:, 0], kind="stable"):
        (y, x), name = values[i], table.index[i]
        look = REAL if name.startswith("real") else GENERATED
        ax.plot(x, y, ms=11, **look)
        side, shift = ("right", -0.06) if x > 0.5 else ("left", 0.06)
        last[side] = spot = min(y, last.get(side, 2) - 0.11 * (1 - floor))
        text = f"{name}: {up} {y:.2f}, {right} {x:.2f}"
        at = {"ha": side, "va": "center", "fontsize": 13}
        start = (1 if x > 0.5 else 0, 0.5)  # of a line, at the label
        line = {"arrowstyle": "-", "lw": 1, "shrinkB": 6, "relpos": start}
        ax.annotate(text, (x, y), (x + shift, spot), arrowprops=line, **at)
    ax.set(xlim=(-0.03, 1.03), ylim=(floor, 1.01))
    ax.set(ylabel=table.columns[0], xlabel=table.columns[1])
    views.headline(fig, title)
    return fig


def rows(
    title: str, sets: Mapping[str, np.ndarray], columns: int = 2
) -> Figure:
    """Draw a row of images of each set, the sets in columns.

    Args:
        title: what the figure asks or finds.
        sets: label -> images (n, 28, 28, 1) in [-1, 1], n as in the others.
        columns: sets side by side.

    Returns:
        The figure, for `show`.
    """
    lines = -(-len(sets) // columns)
    fig, axes = plt.subplots(lines, columns, figsize=(10, 1.05 * lines + 0.3))
    for ax, (label, images) in zip(axes.T.flat, sets.items(), strict=False):
        views.draw_tiles(ax, images, len(images))
        ax.set_title(label, fontsize=13)
    views.headline(fig, title)
    return fig


def duels(
    title: str,
    panels: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    names: tuple[str, str],
) -> Figure:
    """Draw two values a trial, joined, marked where the second is lower.

    Args:
        title: what the figure finds.
        panels: name -> values of the better set and of the worse one.
        names: of the two sets.

    Returns:
        The figure, for `show`.
    """
    fig, axes = plt.subplots(
        1, len(panels), figsize=(10, 4.2), sharey=True, squeeze=False
    )
    for ax, (panel, (better, worse)) in zip(
        axes[0], panels.items(), strict=True
    ):
        at = np.arange(1, len(better) + 1)
        wrong = np.less(worse, better)
        ax.vlines(at, better, worse, color="black", lw=1)
        look = {"ls": "", "marker": "v", "ms": 10}
        look["color"] = views.DISCRIMINATOR
        tops = np.maximum(better, worse)[wrong] + 2.5
        ax.plot(at[wrong], tops, label="the worse one wins", **look)
        ax.plot(at, better, "o", ms=8, color=views.REAL, label=names[0])
        ax.plot(
            at, worse, "x", ms=8, mew=2.5, color=views.FAKE, label=names[1]
        )
        ax.set(title=panel, xlabel="trial", xticks=at[4::5], ylim=(0, None))
    axes[0, 0].set_ylabel("FCD")
    views.share_legend(fig, axes[0, 0], "outside lower right", 3)
    views.headline(fig, title)
    return fig


def bias(
    title: str,
    sizes: Sequence[int],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
) -> Figure:
    """Draw a distance against 1 / n with straight lines that reach 1 / n = 0.

    Args:
        title: what the figure finds.
        sizes: the numbers n.
        panels: name -> label -> a distance for each n; a label that begins
            with "formula" is a line without dots.

    Returns:
        The figure, for `show`.
    """
    x = 1_000 / np.array(sizes)
    ends = np.array([0, 1.05 * x.max()])
    fig, axes = plt.subplots(1, len(panels), figsize=(10, 4.2), squeeze=False)
    looks = ((views.REAL, "o", ":"), (views.FAKE, "x", "-"))
    for ax, (name, lines) in zip(axes[0], panels.items(), strict=True):
        places = iter(looks)
        for label, values in lines.items():
            y = check_array(label, values, str(len(x)))
            line = np.polyval(np.polyfit(x, y, 1), ends)
            if label.startswith("formula"):
                ax.plot(ends, line, color="black", lw=1.2, label=label)
                continue
            color, marker, style = next(places)
            ax.plot(ends, line, color=color, ls=style, lw=2)
            ax.plot(x, y, marker, color=color, ms=8, mew=2, label=label)
        ax.set(title=name, xlabel="1,000 / n", xlim=(0, None))
        ax.axhline(0, color="black", lw=0.8)
        ax.legend(loc="upper left")
    axes[0, 0].set_ylabel("FCD")
    views.headline(fig, title)
    return fig


def two_judges(
    title: str, table: pd.DataFrame, models: Sequence[str]
) -> Figure:
    """Draw sets by what two judges say of them, on logarithmic axes.

    Args:
        title: what the figure finds.
        table: positive numbers, a row a set, two columns; the first row is
            the unit.
        models: rows that are crosses; the others are dots.

    Returns:
        The figure, for `show`.
    """
    values = check_array("table", table.to_numpy(), "n 2")
    values = values / values[0]
    fig, ax = plt.subplots(figsize=(10, 5))
    ends = [0.5 * np.min(values), 2 * np.max(values)]
    ax.plot(ends, ends, color="black", lw=1, ls=":")
    for name, (x, y) in zip(table.index, values, strict=True):
        model = name in models
        ax.plot(x, y, ms=10, **(GENERATED if model else REAL))
        at = {"textcoords": "offset points", "va": "center", "fontsize": 13}
        side, spot = ("right", (-10, 5)) if y >= x else ("left", (10, -5))
        if model:
            side, spot = "center", (0, -16)
        ax.annotate(name, (x, y), spot, ha=side, **at)
    first, second = (f"FCD by {judge} / fresh digits" for judge in table)
    ax.set(xscale="log", yscale="log", xlabel=first, ylabel=second)
    views.headline(fig, title)
    return fig


def pairs(title: str, images: np.ndarray, columns: int = 5) -> Figure:
    """Draw numbered pairs of images, left and right side by side.

    Args:
        title: what the figure asks.
        images: (n, 2, 28, 28, 1) in [-1, 1].
        columns: pairs a row.

    Returns:
        The figure, for `show`.
    """
    n, rows = len(images), -(-len(images) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(10, 1.35 * rows + 0.5), squeeze=False
    )
    for number, ax in enumerate(axes.flat, start=1):
        if number > n:
            ax.set_visible(False)
            continue
        views.draw_tiles(ax, images[number - 1], 2)
        ax.axvline(27.5, color="white", lw=3)
        ax.set_ylabel(f"{number}", rotation=0, ha="right", va="center")
    views.headline(fig, title)
    return fig


def partners(
    title: str, original: np.ndarray, others: Mapping[str, np.ndarray]
) -> Figure:
    """Draw an image beside others that are compared with it.

    Args:
        title: what the figure finds.
        original: (28, 28, 1) in [-1, 1].
        others: what stands above an image, three lines of it -> the image.

    Returns:
        The figure, for `show`.
    """
    images = {"original": original} | dict(others)
    fig, axes = plt.subplots(1, len(images), figsize=(10, 2.9))
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        views.draw_tiles(ax, image[None], 1)
        ax.set_title(name, fontsize=12.5, loc="center")
    views.headline(fig, title)
    return fig
