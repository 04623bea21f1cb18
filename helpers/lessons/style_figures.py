"""Lesson 09: figures of painted pictures, and the record of its study."""

import json
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from skimage import transform

from helpers import views
from helpers.backend import keras, ops
from helpers.lessons.style import RECORD

TICKS = {"factor": (10, 20, 50, 100), "referee": (0.05, 0.1, 0.2, 0.5, 1)}


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


def maps(title: str, features: keras.Model, x: np.ndarray) -> Figure:
    """Draw a picture, and of each layer the channel that varies most.

    Args:
        title: what the figure finds.
        features: as `build_features`.
        x: (1, h, w, 1) in [-1, 1].

    Returns:
        The figure, for `show`.
    """
    panels = {"the picture": x}
    for k, found in enumerate(features(x, training=False), start=1):
        found = ops.convert_to_numpy(found)
        inside = found[:, 2:-2, 2:-2] if found.shape[1] > 4 else found
        varied = inside.std(axis=(0, 1, 2)).argmax()
        channel = found[..., varied : varied + 1]
        top = np.quantile(channel, 0.99) + 1e-6
        panels[f"layer {k}"] = (2 * channel / top - 1).clip(-1, 1)
    return gallery(title, panels)


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


def study_dots(title: str, style: str = "brick") -> Figure:
    """Draw how far each way's own error fell, and what a referee finds.

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
    table = runs().query("style == @style")
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True)
    for ax, column in zip(axes, ("factor", "referee"), strict=True):
        for row, way in enumerate(names):
            own = table.loc[table["way"] == way, column]
            dot = {"ms": 9, "alpha": 0.6, "color": views.FAKE}
            ax.plot(own, np.full(len(own), row), "o", **dot)
        ax.set(xscale="log", yticks=range(len(names)), ylim=(3.5, -0.5))
        ticks = TICKS[column]
        ax.set_xticks(ticks, map(str, ticks))
        ax.minorticks_off()
        ax.grid(axis="y", alpha=0.3)
    cat = table["referee, the cat"].iloc[0]
    axes[1].axvline(cat, color=views.REAL, ls=":")
    place = {"xytext": (-6, 0), "textcoords": "offset points"}
    note = {"ha": "right", "va": "center", "fontsize": 12} | place
    axes[1].annotate("the cat itself", (cat, 3), **note)
    axes[0].set_yticks(range(len(names)), names.values())
    axes[0].set_xlabel("own error fell by a factor of")
    axes[1].set_xlabel("error that the referee finds")
    views.headline(fig, title)
    return fig
