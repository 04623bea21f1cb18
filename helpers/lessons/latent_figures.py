"""Lesson 08: figures of codes, slants, and the record of its study."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import views
from helpers.lessons import diagrams, latent


def along(
    title: str, walks: Mapping[str, Sequence[np.ndarray]], draw: Callable
) -> Figure:
    """Draw mean length and mean grey along walks.

    Args:
        title: what the figure finds.
        walks: name -> codes (n, d) at each stop, in equal steps.
        draw: codes -> pictures in [-1, 1].

    Returns:
        The figure, for `show`.
    """

    def length(codes: np.ndarray) -> float:
        return np.linalg.norm(codes, axis=1).mean()

    def grey(codes: np.ndarray) -> float:
        return (draw(codes).mean() + 1) / 2

    measured = {"mean length of z": length, "mean grey, 0 to 1": grey}
    stops = np.linspace(0, 1, len(next(iter(walks.values()))))
    panels = []
    for name, measure in measured.items():
        lines = {k: np.array([*map(measure, v)]) for k, v in walks.items()}
        panels.append((stops, lines, "share of the way", name))
    return views.curves(title, *panels)


def turned(title: str, moves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw what knobs do, by steps: shift of the slant, changed digits.

    Args:
        title: what the figure asks or finds.
        moves: name -> a row a step from 0 on; columns `shift`, `changed`.

    Returns:
        The figure, for `show`.
    """
    names = {"shift": "shift of the slant (SD)", "changed": "share changed"}
    panels = []
    for column, name in names.items():
        lines = {k: table[column].to_numpy() for k, table in moves.items()}
        steps = np.arange(len(next(iter(lines.values()))))
        panels.append((steps, lines, "steps of length 1", name))
    return views.curves(title, *panels)


def slanted(images: np.ndarray, slants: np.ndarray) -> Figure:
    """Draw pictures in a row, each with a line that leans as it does.

    Args:
        images: (n, 28, 28, 1) in [-1, 1].
        slants: (n,), columns to the right for each row up.

    Returns:
        The figure, for `show`.
    """
    fig, axes = plt.subplots(1, len(images), figsize=(10, 1.9))
    for ax, image, slant in zip(axes, images, slants, strict=True):
        views.draw_tiles(ax, image[None], 1)
        found, up = latent.ink(image[None]), np.array([-10, 10])
        row, column = found.row[0], found.column[0]
        ax.plot(column + slant * up, row - up, color=views.FAKE, lw=3)
        ax.set(xlabel=f"{slant:.2f}", xlim=(-0.5, 27.5), ylim=(27.5, -0.5))
    views.headline(fig, "How much do these lean?")
    return fig


def codes(title: str, table: pd.DataFrame, label: str) -> Figure:
    """Draw a row a property, a colour and marker a code, a dot a run.

    Args:
        title: what the figure finds.
        table: as `latent.codes` returns it; five codes at most, the first
            two of which are joined.
        label: what the values are.

    Returns:
        The figure, for `show`.
    """
    names = list(dict.fromkeys(table["property"]))
    kinds = list(dict.fromkeys(table["code"]))
    looks = (
        (views.DISCRIMINATOR, "^"),
        (views.FAKE, "o"),
        (views.REAL, "s"),
        ("black", "x"),
        (views.OTHERS[1]["color"], "D"),
    )

    def place(name: str, k: int) -> float:
        return names.index(name) + 0.16 * (k - 2)

    fig, ax = plt.subplots(figsize=(10, 0.9 * len(names) + 1.3))
    for (name, _), own in table.groupby(["property", "seed"], sort=False):
        ends = own.set_index("code")["value"][kinds[:2]]
        rows = [place(name, k) for k in (0, 1)]
        ax.plot(ends, rows, "-", color=views.REAL, lw=1)
    for k, (kind, (color, marker)) in enumerate(
        zip(kinds, looks, strict=False)
    ):
        some = table[table["code"] == kind]
        rows = [place(name, k) for name in some["property"]]
        look = {"ls": "", "marker": marker, "ms": 8, "alpha": 0.8}
        ax.plot(some["value"], rows, color=color, label=kind, **look)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
    for row in range(1, len(names)):
        ax.axhline(row - 0.5, color=views.REAL, lw=0.5)
    ax.grid(axis="x", alpha=0.3)
    views.share_legend(fig, ax, "outside lower center", 5)
    views.headline(fig, title)
    return fig


def bent(title: str, before: np.ndarray, after: np.ndarray) -> Figure:
    """Draw a grid of z, and where a toy mapping takes it in w.

    Args:
        title: what the figure shows.
        before: (n, n, 2), a row a line of equal second number; each eighth
            line is drawn.
        after: the same points, moved.

    Returns:
        The figure, for `show`.
    """
    size = {"figsize": (8, 3.7), "sharex": True, "sharey": True}
    fig, axes = plt.subplots(1, 2, **size)
    for ax, grid, name in zip(axes, (before, after), "zw", strict=True):
        x, y = grid.transpose(2, 0, 1)
        upright, level = views.OTHERS[0]["color"], views.OTHERS[1]["color"]
        ax.plot(x[:, ::8], y[:, ::8], "-", lw=1.8, color=upright)
        ax.plot(x.T[:, ::8], y.T[:, ::8], "--", lw=1.8, color=level)
        ax.plot(*grid[-1, 0], "o", color="black", ms=9)
        ax.set(title=name, aspect="equal", xlim=(-1.15, 1.15))
        ax.set(xlabel="first number of z", ylabel="second number of z")
        ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes[1].set(xlabel="slant", ylabel="roundness")
    spot = {"ha": "center", "va": "center", "fontsize": 12}
    axes[1].text(-0.62, 0.8, "no digits\nhere", **spot)
    views.headline(fig, title)
    return fig


def follows(title: str, whose: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what a mixed picture has from whom, a row a choice of sizes.

    Args:
        title: what the figure finds.
        whose: sizes whose code was exchanged -> what `latent.whose` returns.

    Returns:
        The figure, for `show`.
    """
    table = pd.DataFrame(whose).T
    third = table["third digit"]
    donor = table["digit"] * (1 - third)
    parts = {"receiver's digit": 1 - third - donor, "another": third}
    parts |= {"donor's": donor}
    tones = "0.85", "0.6", views.FAKE
    rows = range(len(table))
    size = {"figsize": (10, 0.55 * len(table) + 2), "sharey": True}
    fig, (left, right) = plt.subplots(1, 2, **size)
    start = np.zeros(len(table))
    for (name, part), tone in zip(parts.items(), tones, strict=True):
        bars = left.barh(rows, 100 * part, left=start, color=tone, label=name)
        ink = "white" if name == "donor's" else "black"
        look = {"label_type": "center", "fontsize": 12, "color": ink}
        left.bar_label(bars, fmt="%.0f", **look)
        start += 100 * part
    for k, (name, marker) in enumerate(
        zip(latent.MOMENTS, "o^s", strict=True)
    ):
        look = views.OTHERS[k] | {"linestyle": "", "marker": marker, "ms": 9}
        spots = [row + 0.22 * (k - 1) for row in rows]
        right.plot(table[name], spots, label=name, **look)
    left.set_yticks(rows, table.index)
    left.set(ylabel="sizes from the donor")
    left.set(xlabel="share of the mixtures (%)")
    left.set(ylim=(len(table) - 0.5, -0.5), xlim=(0, 100))
    right.set(xlabel="0: as the receiver; 1: as the donor", xlim=(-0.03, 1.03))
    right.grid(axis="x", alpha=0.3)
    for ax in (left, right):
        ax.legend(loc="lower left", bbox_to_anchor=(-0.03, 1), ncols=3)
    views.headline(fig, title)
    return fig


def diagram() -> Figure:
    """Draw a style generator, and below it one of its layers, opened."""
    z, mapping, w = "vector z", "mapping", "code w"
    sizes = [f"layer\n{n}x{n}" for n in (7, 14, 28)]
    whole = ["constant\n7x7", *sizes, "image"]
    scales, noise = "dense: a scale\nfor each map", "noise"
    inside = ["maps x", "x * scale", "convolution", "+ noise", "LeakyReLU"]
    boxes = {z: (0, 4), mapping: (1, 4), w: (2, 4)}
    boxes |= {name: (column, 3) for column, name in enumerate(whole)}
    boxes |= {f"{w} ": (0, 1.2), scales: (1, 1.2), noise: (3, 1.2)}
    boxes |= {name: (column, 0.2) for column, name in enumerate(inside)}
    ways = [(z, mapping), (mapping, w), (f"{w} ", scales)]
    ways += [(scales, inside[1]), (noise, inside[3])]
    ways += [(w, name) for name in sizes]
    for row in (whole, inside):
        ways += itertools.pairwise(row)
    fig = diagrams.flow(boxes, [(*way, "") for way in ways])
    ax = fig.axes[0]
    ax.set(ylim=(-0.25, 4.45))
    ax.axhline(2.1, color=views.REAL, lw=1)
    look = {"fontsize": 13, "va": "center"}
    ax.text(-0.4, 1.82, "Inside one layer:", **look)
    return fig
