"""Lesson 08: figures of codes, slants, and the record of its study."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import views
from helpers.lessons import conditional, diagrams, latent


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

    measured = {"mean length of the code": length, "mean grey, 0 to 1": grey}
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
        table: columns `property`, `code`, `value`; five codes at most.
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
    fig, ax = plt.subplots(figsize=(10, 0.9 * len(names) + 1.3))
    for k, (kind, (color, marker)) in enumerate(
        zip(kinds, looks, strict=False)
    ):
        some = table[table["code"] == kind]
        rows = [names.index(n) + 0.16 * (k - 2) for n in some["property"]]
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


def follows(title: str, whose: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what a mixed picture has from whom, a row a property.

    Args:
        title: what the figure finds.
        whose: sizes whose code was exchanged -> property -> share that
            follows the donor.

    Returns:
        The figure, for `show`.
    """
    table = pd.DataFrame(whose)
    values = table.to_numpy(float)
    fig, ax = plt.subplots(figsize=(8.5, 0.6 * len(table) + 1.7))
    look = {"cmap": "cividis", "vmin": 0, "vmax": 1, "aspect": "auto"}
    image = ax.imshow(values, **look)
    conditional.write_numbers(ax, values, 0.5, 2)
    ax.set_xticks(range(table.shape[1]), table.columns)
    ax.set_yticks(range(len(table)), table.index)
    ax.set(xlabel="sizes that take the donor's code")
    fig.colorbar(image, label="share")
    views.headline(fig, title)
    return fig


def diagram() -> Figure:
    """Draw a style generator: z, w, three scaled layers, and noise."""
    z, mapping, w = "vector z", "mapping", "code w"
    constant, low, middle, high, image = (
        "constant\n7x7",
        "layer\n7x7",
        "layer\n14x14",
        "layer\n28x28",
        "image",
    )
    noise = "noise"
    return diagrams.flow(
        {z: (0, 2), mapping: (1, 2), w: (2, 2)}
        | {constant: (0, 1), low: (1, 1), middle: (2, 1), high: (3, 1)}
        | {image: (4, 1), noise: (2, 0)},
        [
            (z, mapping, ""),
            (mapping, w, ""),
            (w, low, ""),
            (w, middle, ""),
            (w, high, ""),
            (constant, low, ""),
            (low, middle, ""),
            (middle, high, ""),
            (high, image, ""),
            (noise, low, ""),
            (noise, middle, ""),
            (noise, high, ""),
        ],
    )
