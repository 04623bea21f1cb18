"""Orbits of the smallest game, and modes that a GAN finds in the plane."""

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from helpers import views
from helpers.data import check_array


class Modes(NamedTuple):
    """Bumps of equal weight in the plane.

    Attributes:
        centres: (k, 2).
        sd: standard deviation of each, in either direction.
    """

    centres: np.ndarray
    sd: float


def ring(k: int = 8, sd: float = 0.02) -> Modes:
    """Put k bumps on the unit circle."""
    angles = 2 * np.pi * np.arange(k) / k
    return Modes(np.stack([np.cos(angles), np.sin(angles)], axis=1), sd)


def grid(side: int = 5, sd: float = 0.02) -> Modes:
    """Put side x side bumps on a square from -1 to 1."""
    line = np.linspace(-1, 1, side)
    x, y = np.meshgrid(line, line)
    return Modes(np.stack([x.ravel(), y.ravel()], axis=1), sd)


def count(points: np.ndarray, modes: Modes) -> dict[str, float]:
    """Count the modes that points cover.

    A mode is found if at least a quarter of its fair share of the points
    lies within three standard deviations of its centre.

    Args:
        points: (n, 2).
        modes: what they were to learn.

    Returns:
        `modes`, how many are found; `share` of the points within three
        standard deviations of a centre, 0 to 1; `near`, how many modes are
        the nearest of at least a quarter of a fair share, at any distance.
    """
    apart = points[:, None] - modes.centres
    far = np.sqrt(np.square(apart).sum(axis=-1))
    k, nearest = len(modes.centres), far.argmin(axis=1)
    close = far.min(axis=1) <= 3 * modes.sd
    fair = len(points) / k
    found = np.bincount(nearest[close], minlength=k) >= fair / 4
    near = np.bincount(nearest, minlength=k) >= fair / 4
    return {
        "modes": int(found.sum()),
        "share": float(close.mean()),
        "near": int(near.sum()),
    }


def orbits(title: str, panels: Mapping[str, np.ndarray]) -> Figure:
    """Draw how two numbers move round the place where both should rest.

    Args:
        title: what the figure finds.
        panels: name -> G's number and D's in each round (n, 2).

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    paths = {k: check_array(k, v, "n 2") for k, v in panels.items()}
    reach = 1.08 * max(np.abs(path).max() for path in paths.values())
    size = {"figsize": (10, 3.4), "sharex": True, "sharey": True}
    fig, axes = plt.subplots(1, len(paths), squeeze=False, **size)
    for ax, (name, path) in zip(axes[0], paths.items(), strict=True):
        ax.axhline(0, color=views.REAL, lw=0.8, ls=":")
        ax.axvline(0, color=views.REAL, lw=0.8, ls=":")
        ax.plot(*path.T, lw=1.5, color=views.GENERATOR)
        ax.plot(*path[0], "o", ms=9, mfc="white", mew=2, color="black")
        ax.plot(*path[-1], "o", ms=9, color="black")
        ax.set(title=name, xlabel="G: theta", aspect="equal")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes[0, 0].set_ylabel("D: psi")
    views.headline(fig, title)
    return fig
