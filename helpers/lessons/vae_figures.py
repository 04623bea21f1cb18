"""Figures of lesson 02: a latent space, and models in a square of shares."""

import itertools
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from helpers import views
from helpers.data import check_array

# Okabe-Ito with two greys more, for ten digits; each has its numeral as well.
DIGITS = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#8C7A00",
    "#666666",
    "#7F3C8D",
)


def latent_map(
    title: str, codes: np.ndarray, labels: np.ndarray, grid: np.ndarray
) -> Figure:
    """Draw a latent space of two numbers: where digits lie, what is drawn.

    Args:
        title: what the figure finds.
        codes: latent means of images (n, 2); those beyond 3 are not drawn.
        labels: their digits, integers (n,), 0 to 9.
        grid: images (side^2, 28, 28, 1) in [-1, 1], drawn row by row from
            the top, at the quantiles of the standard normal distribution.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    codes = check_array("codes", codes, "n 2")
    labels = check_array("labels", labels, str(len(codes)))
    side = round(len(grid) ** 0.5)
    if side**2 != len(grid):
        raise ValueError(
            f"grid: expected side x side images, found {len(grid)}."
        )
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 5))
    for digit, color in enumerate(DIGITS):
        own = codes[labels == digit]
        left.plot(*own.T, ls="", marker=f"${digit}$", ms=5, mew=0, c=color)
        if len(own):  # the digit itself, large, in the middle of its own
            left.annotate(
                digit,
                np.median(own, axis=0),
                ha="center",
                va="center",
                fontsize=14,
                weight="bold",
                bbox={"boxstyle": "circle,pad=0.1", "fc": "w", "ec": color},
            )
    left.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    left.set(xlabel="z1", ylabel="z2", title="encoded: real digits")
    views.draw_tiles(right, grid, side)
    right.set(title="decoded: even steps of probability")
    right.set(xlabel="z1, quantiles", ylabel="z2, quantiles")
    views.headline(fig, title)
    return fig


def trade_off(
    title: str,
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Draw models as points in the square of two shares, named beside them.

    Args:
        title: what the figure finds.
        points: name of a model -> its values on both axes, (k,) each, 0 to
            1: one point a training run.
        xlabel: name of the first share.
        ylabel: name of the second.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    fig, ax = plt.subplots(figsize=(10, 5))
    looks = zip(itertools.cycle("os^Dv*P"), itertools.cycle(DIGITS))
    for (name, (x, y)), (marker, color) in zip(
        points.items(), looks, strict=False
    ):
        x = check_array(f"{name}, {xlabel}", x, "n")
        y = check_array(f"{name}, {ylabel}", y, str(len(x)))
        ax.plot(x, y, marker, color=color, ms=8)
        place = (x.max(), y[x.argmax()])
        move = {"xytext": (8, 4), "textcoords": "offset points"}
        ax.annotate(name, place, color=color, **move)
    low = min(np.min(y) for _, y in points.values())
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set(xlim=(-0.02, 1.15), ylim=(max(low - 0.05, -0.02), 1.02))
    views.headline(fig, title)
    return fig
