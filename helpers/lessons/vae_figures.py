"""Figures of lesson 02: brushes, guesses, a map of codes, softness."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats
from scipy.spatial.distance import cdist

from helpers import views
from helpers.backend import keras
from helpers.data import check_array
from helpers.lessons import vae

# Ten colours that can be told apart, each with a contrast of 3 to 1 or more
# on white; a numeral names each as well.
# Those that overlap, 4 and 9, then 3, 5 and 8, also differ in marker.
DIGITS = (
    "#000000",
    "#7A6A00",
    "#2A8CC4",
    "#00805C",
    "#D5320A",
    "#B8478F",
    "#6A2C91",
    "#707070",
    "#B35900",
    "#0B4F8A",
)
MARKERS = "ooooo^oos^"


def fields(title: str, panels: Mapping[str, np.ndarray]) -> Figure:
    """Draw small arrays as fields of squares, side by side, on one scale.

    Args:
        title: what the figure finds.
        panels: name -> values (rows, columns).

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    panels = {k: check_array(k, v, "n m") for k, v in panels.items()}
    most = max(values.max() for values in panels.values())
    fig, axes = plt.subplots(1, len(panels), figsize=(10, 3.2), squeeze=False)
    for ax, (name, values) in zip(axes[0], panels.items(), strict=True):
        field = ax.imshow(values, cmap="cividis", vmin=0, vmax=most)
        rows, columns = values.shape
        ax.set_xticks(np.arange(columns + 1) - 0.5, [])
        ax.set_yticks(np.arange(rows + 1) - 0.5, [])
        ax.grid(color="white", lw=0.8)
        ax.tick_params(length=0)
        ax.set(xlabel=f"{name}, {rows} x {columns}")
    fig.colorbar(field, ax=axes, label="paint", fraction=0.03)
    views.headline(fig, title)
    return fig


def guesses(
    title: str,
    z: np.ndarray,
    truth: np.ndarray,
    panels: Mapping[str, np.ndarray],
) -> Figure:
    """Draw densities over the one that they should meet, a panel each.

    Args:
        title: what the figure finds.
        z: places (m,).
        truth: the density to meet, at these places (m,).
        panels: name of the panel -> a density (m,).

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    z = check_array("z", z, "n")
    truth = check_array("truth", truth, str(len(z)))
    size = {"figsize": (10, 3.4), "sharey": True, "squeeze": False}
    fig, axes = plt.subplots(1, len(panels), **size)
    for ax, (name, values) in zip(axes[0], panels.items(), strict=True):
        values = check_array(name, values, str(len(z)))
        look = {"color": views.REAL, "alpha": 0.4, "lw": 0}
        ax.fill_between(z, truth, label="p(z | x)", **look)
        ax.plot(z, values, lw=2.5, color="black", label="q")
        ax.set(title=name, xlabel="z", xlim=(z[0], z[-1]))
    axes[0, 0].set(ylabel="density", ylim=(0, None))
    views.share_legend(fig, axes[0, 0], "outside upper right", 2)
    views.headline(fig, title)
    return fig


def latent_map(
    model: keras.Model,
    places: np.ndarray,
    labels: np.ndarray,
    title: str = "Shipped VAE, z of two: will the dots fill the square?",
    side: int = 12,
) -> Figure:
    """Draw a latent space of two numbers: where digits lie, what is drawn.

    Both panels have the same axes: for each number of the code the share of
    the prior that lies below it, so that the prior fills the square evenly.
    An even side leaves out z = 0, where a decoder whose dense layer has no
    bias paints the same stroke everywhere, a grey tile.

    Args:
        model: a VAE with a code of two numbers, as `vae.build_vae` makes it.
        places: shares of the prior below each code (n, 2), 0 to 1.
        labels: digits of these images, integers (n,), 0 to 9.
        title: what the figure finds, or asks.
        side: the square is cut into side x side parts, and the middle of
            each is decoded.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    places = check_array("places", places, "n 2")
    labels = check_array("labels", labels, str(len(places)))
    levels = stats.norm.ppf((np.arange(side) + 0.5) / side)
    z1, z2 = np.meshgrid(levels, levels[::-1])  # the first row is on top
    z = np.stack([z1.ravel(), z2.ravel()], axis=1).astype("float32")
    images = vae.mean_images(model, z)
    fig, axes = plt.subplots(1, 2, figsize=(10, 5.6), sharex=True, sharey=True)
    left, right = axes
    middle = {"ha": "center", "va": "center", "fontsize": 14, "weight": "bold"}
    for digit, (color, mark) in enumerate(zip(DIGITS, MARKERS, strict=True)):
        own = places[labels == digit]
        left.plot(*own.T, mark, ms=3.5, mew=0, alpha=0.7, color=color)
        if len(own):  # the numeral, large, where its own are densest
            near = np.sort(cdist(own, own), axis=1)[:, : len(own) // 4 + 1]
            spot = own[near.mean(axis=1).argmin()]
            box = {"boxstyle": "circle,pad=0.12", "fc": color, "ec": "white"}
            left.annotate(digit, spot, bbox=box, color="white", **middle)
    field = {"extent": (0, 1, 0, 1), "vmin": -1, "vmax": 1}
    right.imshow(views.tile(images, side), interpolation="nearest", **field)
    left.set(title="encoded: real digits", ylabel="Φ(z2)")
    right.set(title="decoded: the same places")
    for ax in axes:
        ax.set(xlabel="Φ(z1)", aspect="equal")
        ax.set(xlim=(0, 1), ylim=(0, 1))
    views.headline(fig, title)
    return fig


def softness(
    title: str,
    models: Mapping[str, Mapping[str, float]],
    blurred: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Draw precision against recall, and where a blur moves them.

    Args:
        title: what the figure finds, or asks.
        models: name -> "recall" and "precision" of real digits, then of up
            to two models.
        blurred: name -> the same after a blur, for some of them.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: a score that is not finite.
    """
    fig, ax = plt.subplots(figsize=(8, 5))
    looks = views.ROLES["real"], views.ROLES["generated"], views.OTHERS[0]
    at = {"textcoords": "offset points", "va": "center"}
    for (name, whole), look, marker in zip(
        models.items(), looks, "osD", strict=False
    ):
        parts = {name: whole}
        if name in blurred:
            parts[f"{name}, blurred"] = blurred[name]
        ends = [
            check_array(part, [score["recall"], score["precision"]], "2")
            for part, score in parts.items()
        ]
        ax.plot(*np.transpose(ends), lw=2, **look)
        mark = {"ms": 10, "mew": 2, "color": look["color"], "ls": ""}
        for part, end, face in zip(
            parts, ends, (look["color"], "white"), strict=False
        ):
            ax.plot(*end, marker, mfc=face, **mark)
            ax.annotate(part, end, (10, 9), color=look["color"], **at)
    ax.set(xlabel="recall", ylabel="precision", xlim=(0.5, 1), ylim=(0.7, 1))
    views.headline(fig, title)
    return fig
