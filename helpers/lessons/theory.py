"""Lesson 01: densities of bumps on a line, and figures of what moves there."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats
from scipy.special import expit, logsumexp

from helpers import data, training, views
from helpers.backend import keras
from helpers.data import check_array

Bumps = Sequence[tuple[float, float, float]]  # weight, mean, deviation
LOSSES = "saturating, log(1 - D)", "non-saturating, -log D"  # of G


def log_density(x: np.ndarray, bumps: Bumps) -> np.ndarray:
    """Return the logarithm of a density of normal bumps at x (n,)."""
    weights, means, deviations = np.transpose(bumps)
    each = stats.norm.logpdf(x[:, None], means, deviations)
    return logsumexp(np.log(weights) + each, axis=1)


def draw(bumps: Bumps, n: int, key: Sequence[int]) -> np.ndarray:
    """Draw n numbers from it, float32 (n, 1); the same key, the same ones."""
    rng = np.random.default_rng(key)
    weights, means, deviations = np.transpose(bumps)
    k = rng.choice(len(weights), n, p=weights)
    return rng.normal(means[k], deviations[k])[:, None].astype("float32")


def worst_mistakes(
    generator: keras.Model, discriminator: keras.Model, n: int = 1_000
) -> tuple[dict[str, np.ndarray], int]:
    """Find the images that a discriminator judges worst, for a riddle.

    Args:
        generator: of a pair.
        discriminator: of the pair, returning logits.
        n: images of each kind that it judges.

    Returns:
        Two rows of ten images, A and B, and how many of the twenty it
        judges wrongly.
    """
    x_real, _ = data.load("holdout", n)
    z = training.sample_z(n, generator.input_shape[-1], 1, 0)
    x_fake = training.generate(generator, z)
    real_logits = training.generate(discriminator, x_real)[:, 0]
    fake_logits = training.generate(discriminator, x_fake)[:, 0]
    least, most = real_logits.argsort()[:10], fake_logits.argsort()[-10:]
    wrong = (real_logits[least] < 0).sum() + (fake_logits[most] > 0).sum()
    return {"A": x_real[least], "B": x_fake[most]}, int(wrong)


def game(
    gamma: float,
    rate: float,
    n_rounds: int = 600,
    start: tuple[float, float, float] = (0.0, 0.0, 0.0),
    hold_g: bool = False,
    pace: float = 1.0,
) -> np.ndarray:
    """Play lesson 01's game of three numbers.

    Args:
        gamma: D pays a penalty of gamma / 2 times its squared slope (R1).
        rate: of both players, per round.
        n_rounds: D moves, then G.
        start: a, b and G's shift before the first round.
        hold_g: whether D plays alone.
        pace: G's rate is so many times that of D.

    Returns:
        a, b and G's shift after each round (n_rounds + 1, 3), the start
        first; the real numbers lie around 3.
    """
    z = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    x, (a, b, theta), path = 3 + z, start, [start]
    for _ in range(n_rounds):
        d_real, d_fake = expit(a * x + b), expit(a * (z + theta) + b)
        v_a = np.mean((1 - d_real) * x) - np.mean(d_fake * (z + theta))
        v_b = np.mean(1 - d_real) - np.mean(d_fake)
        a, b = a + rate * (v_a - gamma * a), b + rate * v_b
        if not hold_g:
            theta += pace * rate * a * np.mean(expit(a * (z + theta) + b))
        path.append((a, b, theta))
    return np.array(path)


def duel(
    title: str,
    x: np.ndarray,
    panels: Mapping[str, Mapping[str, np.ndarray]],
    reach: tuple[float, float],
    moves: Mapping[str, float] | None = None,
) -> Figure:
    """Draw densities on a line, with a discriminator's answers over them.

    Args:
        title: what the figure finds.
        x: places (m,).
        panels: name of the panel -> label -> values (m,). What is called
            real or generated is a density and filled, all else is a line.
        reach: where the axes of x begin and end.
        moves: name of the panel -> how far an arrow in the generated density
            points, from its peak; none shorter than a tenth is drawn.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    x = check_array("x", x, "n")
    size = {"figsize": (10, 3.6), "sharey": True, "squeeze": False}
    fig, axes = plt.subplots(1, len(panels), **size)
    for ax, (name, lines) in zip(axes[0], panels.items(), strict=True):
        for label, values in lines.items():
            y = check_array(f"{name}, {label}", values, str(len(x)))
            style = views.role_style(label) or views.OTHERS[2]
            ax.plot(x, y, lw=2, label=label, **style)
            if label in ("real", "generated"):
                ax.fill_between(x, y, color=style["color"], alpha=0.25, lw=0)
        move = (moves or {}).get(name, 0.0)
        if abs(move) > 0.1:
            peak = x[np.argmax(lines["generated"])]
            look = {"arrowstyle": "-|>", "lw": 3, "shrinkA": 0, "shrinkB": 0}
            ends = (peak + move, 0.2), (peak, 0.2)
            ax.annotate("", *ends, arrowprops=look | {"color": "black"})
        ax.set(title=name, xlabel="x", xlim=reach, ylim=(0, 1.02))
    names = {label for lines in panels.values() for label in lines}
    answers = names - {"real", "generated"}
    axes[0, 0].set_ylabel("density, D(x)" if answers else "density")
    lines = {line.get_label(): line for ax in axes[0] for line in ax.lines}
    fig.legend(
        handles=lines.values(), loc="outside upper right", ncols=len(lines)
    )
    views.headline(fig, title)
    return fig


# Where a name stands beside its line: offset in points, its anchor.
SIDES = {
    "over": ((0, 7), "center", "bottom"),
    "under": ((0, -7), "center", "top"),
    "left": ((-12, 4), "right", "center"),
}


def _line(
    ax: plt.Axes,
    x: np.ndarray,
    values: np.ndarray,
    style: Mapping[str, object],
    label: str,
    at: float,
    side: str = "over",
) -> None:
    """Draw a line (n,) and write its name beside it at a place."""
    y = check_array(label, values, str(len(x)))
    ax.plot(x, y, lw=2, **style)
    offset, ha, va = SIDES[side]
    look = {"ha": ha, "va": va, "color": style["color"], "fontsize": 12}
    look |= {"xytext": offset, "textcoords": "offset points"}
    ax.annotate(label, (at, np.interp(at, x, y)), **look)


def losses_and_pulls(
    title: str,
    losses: tuple[np.ndarray, np.ndarray, np.ndarray],
    shifts: np.ndarray,
    pulls: np.ndarray,
) -> Figure:
    """Draw both losses of G, and how hard they pull, on a log scale.

    Args:
        title: what the figure finds.
        losses: logits of D, the saturating loss and the other one (n,).
        shifts: distances (m,), none of them 0.
        pulls: of the saturating loss and of the other one (m, 2).

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    logits = check_array("logits", losses[0], "n")
    shifts = check_array("shifts", shifts, "m")
    pulls = check_array("pulls", pulls, f"{len(shifts)} 2")
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    one, other, _ = views.OTHERS
    name = "saturating\nlog(1 - D)"
    _line(left, logits, losses[1], one, name, -3, "under")
    _line(left, logits, losses[2], other, "non-saturating\n-log D", 2.2)
    left.set(xlabel="logit of D(G(z))", ylabel="loss of G (nats)")
    _line(right, shifts, pulls[:, 0], one, "saturating", 5.6, "left")
    _line(right, shifts, pulls[:, 1], other, "non-saturating", 5, "under")
    right.set(xlabel="distance from the data", ylabel="pull on G")
    right.set_yscale("log")
    views.headline(fig, title)
    return fig


def densities(
    title: str,
    x: np.ndarray,
    p: np.ndarray,
    frames: Mapping[str, np.ndarray],
    reach: tuple[float, float],
) -> Figure:
    """Draw a film strip of samples on a line before the density they seek.

    Args:
        title: what the figure finds.
        x: places (m,).
        p: real density at these places (m,).
        frames: name of the frame -> samples (n,), drawn as a kernel density
            of bandwidth 0.15 deviations. The first frame is as high as it
            needs, the others share a scale.
        reach: where the axes of x begin and end.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    x = check_array("x", x, "n")
    p = check_array("p", p, str(len(x)))
    size = {"figsize": (10, 3.4), "sharex": True, "squeeze": False}
    fig, axes = plt.subplots(1, len(frames), **size)
    drawn = [
        stats.gaussian_kde(check_array(name, some, "n"), 0.15)(x)
        for name, some in frames.items()
    ]
    tops = [q.max() for q in drawn]
    tops[1:] = [max([p.max(), *tops[1:]])] * len(tops[1:])
    for ax, name, q, top in zip(axes[0], frames, drawn, tops, strict=True):
        ax.fill_between(x, p, color=views.REAL, alpha=0.4, lw=0, label="real")
        ax.plot(x, q, color=views.FAKE, lw=2, label="generated")
        ax.set(title=name, xlabel="x", xlim=reach, ylim=(0, 1.05 * top))
        ax.locator_params(axis="y", nbins=4)
        ax.tick_params(labelleft=ax in axes[0, :2])
    axes[0, 0].set_ylabel("density")
    views.share_legend(fig, axes[0, 0], "outside upper right", 2)
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
            check_array(f"{panel}, {name}", part, "n 2")
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


def plans(
    title: str, x: np.ndarray, y: np.ndarray, some: Mapping[str, np.ndarray]
) -> Figure:
    """Draw transport plans as heat maps with their numbers, side by side.

    Args:
        title: what the figure finds.
        x: places of the heaps (n,).
        y: places of the holes (m,).
        some: name -> what goes from each heap to each hole (n, m).

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    x, y = check_array("x", x, "n"), check_array("y", y, "n")
    size = {"figsize": (10, 4.2), "sharey": True, "squeeze": False}
    shape = f"{len(x)} {len(y)}"
    some = {
        name: check_array(name, part, shape) for name, part in some.items()
    }
    most = max(part.max() for part in some.values())
    fig, axes = plt.subplots(1, len(some), **size)
    for ax, (name, shares) in zip(axes[0], some.items(), strict=True):
        ax.imshow(shares, cmap="cividis", aspect="auto", vmin=0, vmax=most)
        for (i, j), share in np.ndenumerate(shares):
            colour = "white" if share < most / 2 else "black"
            text = f"{share:.2f}" if share > 1e-9 else ""
            ax.text(j, i, text, ha="center", va="center", color=colour)
        ax.set(title=name, xlabel="hole at y")
        ax.set_xticks(range(len(y)), [f"{place:g}" for place in y])
        ax.set_yticks(range(len(x)), [f"{place:g}" for place in x])
    axes[0, 0].set_ylabel("heap at x")
    views.headline(fig, title)
    return fig
