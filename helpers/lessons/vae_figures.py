"""Figures of lesson 02: brushes, guesses, a map of codes, balls, softness."""

from collections.abc import Mapping, Sequence

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


def balls(
    title: str, real: np.ndarray, fake: np.ndarray, k: int = 3
) -> Figure:
    """Draw what precision and recall count, for points in a plane.

    Left, balls around the real points, each as far as the k-th neighbour
    among them; right, balls around the generated ones.

    Args:
        title: what the figure finds.
        real: points (n, 2).
        fake: points (m, 2).
        k: of the neighbour.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    real = check_array("real", real, "n 2")
    fake = check_array("fake", fake, "m 2")
    size = {"figsize": (10, 5.4), "sharex": True, "sharey": True}
    fig, axes = plt.subplots(1, 2, **size)
    real_side = "real", real, views.REAL, "o"
    fake_side = "generated", fake, views.FAKE, "s"
    for ax, name, one, other in (
        (axes[0], "precision", real_side, fake_side),
        (axes[1], "recall", fake_side, real_side),
    ):
        kind, centres, colour, marker = one
        reach = np.sort(cdist(centres, centres), axis=1)[:, k]
        for place, radius in zip(centres, reach, strict=True):
            look = {"color": colour, "alpha": 0.15, "lw": 0}
            ax.add_patch(plt.Circle(place, radius, **look))
        look = {"color": colour, "alpha": 0.6, "mew": 0}
        ax.plot(
            *centres.T, marker, ms=3.5, label=f"{kind}, with balls", **look
        )
        kind, points, colour, marker = other
        inside = (cdist(points, centres) <= reach).any(axis=1)
        look = {"ms": 6, "mew": 1.2, "mec": colour}
        for part, face, what in (
            (points[inside], f"{colour}99", "in a ball"),
            (points[~inside], "none", "in none"),
        ):
            ax.plot(*part.T, marker, mfc=face, label=f"{kind}, {what}", **look)
        ax.set(title=f"{name}: {inside.sum()} of {len(points)}")
        ax.set(aspect="equal", xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    left, right = (ax.get_legend_handles_labels() for ax in axes)
    both = [a + b for a, b in zip(left, right, strict=True)]
    fig.legend(*both, loc="outside lower center", ncols=2)
    views.headline(fig, title)
    return fig


def softness(
    title: str, models: Mapping[str, Sequence[Mapping[str, float]]]
) -> Figure:
    """Draw how scores of models move when their samples are made softer.

    Args:
        title: what the figure finds, or asks.
        models: name -> scores of sharp samples, then of soft ones, each with
            "recall", "precision", "fcd" and "sharpness"; of real digits,
            then of up to three models.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: a score that is not finite.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 5.2))
    keys = "recall", "precision", "sharpness", "fcd"
    looks = views.ROLES["real"], views.ROLES["generated"], *views.OTHERS[:2]
    lowest = 0.7  # of the axis of precision
    for (name, pair), look, marker in zip(
        models.items(), looks, "osD^", strict=False
    ):
        recall, precision, sharp, fcd = [
            check_array(f"{name}, {key}", [s[key] for s in pair], "2")
            for key in keys
        ]
        for ax, x, y in ((left, recall, precision), (right, sharp, fcd)):
            ax.plot(x, y, marker=marker, ms=9, lw=2, label=name, **look)
            soft = {"mew": 2, "mfc": "white", "color": look["color"]}
            ax.plot(x[1], y[1], marker, ms=9, **soft)
        lowest = min(lowest, precision.min() - 0.02)
    left.set(xlabel="recall", ylabel="precision")
    left.set(xlim=(0.5, 1.02), ylim=(lowest, 1.02))
    for name, face in {"as sharp as real": "black", "soft": "white"}.items():
        look = {"ls": "", "ms": 9, "mew": 2, "mfc": face, "color": "black"}
        left.plot([], [], marker="o", label=name, **look)
    views.share_legend(fig, left, "outside lower center", 3)
    right.set(xlabel="sharpness / that of real digits")
    right.set(ylabel="FCD (log scale)", xlim=(0.3, 1.1), yscale="log")
    ticks = [1, 2, 5, 10, 20, 50, 100]
    right.set_yticks(ticks, map(str, ticks))
    right.minorticks_off()
    views.headline(fig, title)
    return fig
