"""Figures of lesson 01: densities that grow, and arrows that move points."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from helpers import views


def densities(
    title: str, x: np.ndarray, p: np.ndarray, frames: Mapping[str, np.ndarray]
) -> Figure:
    """Draw a film strip of samples on a line before the density they seek.

    Args:
        title: what the figure finds.
        x: places (m,).
        p: real density at these places (m,).
        frames: name of the frame -> samples (n,), drawn as a kernel density
            of bandwidth 0.15 deviations.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    x = views.finite("x", x, (None,))
    p = views.finite("p", p, x.shape)
    fig, axes = plt.subplots(
        1,
        len(frames),
        figsize=(10, 2.9),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, (name, samples) in zip(axes[0], frames.items(), strict=True):
        samples = views.finite(name, samples, (None,))
        ax.fill_between(x, p, color=views.REAL, alpha=0.4, lw=0)
        ax.plot(
            x, stats.gaussian_kde(samples, 0.15)(x), color=views.FAKE, ls="-"
        )
        ax.set(title=name, xlabel="x", ylim=(0, 2 * p.max()))
    axes[0, 0].set_ylabel("density")
    views.headline(fig, title)
    return fig


def clouds(
    title: str, panels: Mapping[str, Sequence[np.ndarray]], reach: float
) -> Figure:
    """Draw real and generated points with the arrows of a field.

    Args:
        title: what the figure finds.
        panels: name -> real points (n, 2), generated points (n, 2), places
            (m, 2) and arrows there (m, 2). All panels draw arrows on one
            scale, the longest a sixth of the width.
        reach: both axes run from -reach to reach.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    names = "real points", "generated points", "places", "arrows"
    panels = {
        panel: [
            views.finite(f"{panel}, {name}", part, (None, 2))
            for name, part in zip(names, parts, strict=True)
        ]
        for panel, parts in panels.items()
    }
    fig, axes = plt.subplots(
        1, len(panels), figsize=(10, 5), sharey=True, squeeze=False
    )
    longest = max(np.linalg.norm(p[3], axis=1).max() for p in panels.values())
    for ax, (name, parts) in zip(axes[0], panels.items(), strict=True):
        x_real, x_fake, places, arrows = parts
        ax.plot(
            *x_real.T, "o", ms=3, color=views.REAL, alpha=0.5, label="real"
        )
        ax.plot(*x_fake.T, "x", ms=4, color=views.FAKE, label="generated")
        ax.quiver(
            *places.T, *arrows.T, color=views.DISCRIMINATOR, scale=6 * longest
        )
        ax.set(title=name, xlabel="x1", aspect="equal")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes[0, 0].set_ylabel("x2")
    axes[0, 0].legend(loc="upper left")
    views.headline(fig, title)
    return fig
