"""Lesson 05: orbits, modes in the plane, and what the study recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import runtime, views
from helpers.data import check_array

RECORD = runtime.ROOT / "data" / "results" / "05_stability.json"
STACKED = RECORD.with_name("05_stacked.json")
LOOKS = {  # of beta_1
    0.0: {"color": "#0072B2", "marker": "o"},
    0.5: {"color": "#E69F00", "marker": "s"},
    0.9: {"color": "#D55E00", "marker": "X"},
}


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
        arrow = {"arrowstyle": "-|>", "color": "black", "mutation_scale": 20}
        far = np.linalg.norm(path - path[0], axis=1) > reach / 4
        k = max(int(far.argmax()), 1)  # clear of the mark at the start
        ax.annotate("", path[k], path[k - 1], arrowprops=arrow)
        ax.plot(*path[0], "o", ms=9, mfc="white", mew=2, color="black")
        ax.plot(*path[-1], "o", ms=9, color="black")
        ax.set(title=name, xlabel="G: theta", aspect="equal")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes[0, 0].set_ylabel("D: psi")
    views.headline(fig, title)
    return fig


def _rows(record: Path) -> list[dict]:
    """Return the rows of a study."""
    return json.loads(record.read_text(encoding="utf-8"))["runs"]


def _equal_steps(rows: list[dict], task: str, way: str, n: int) -> int:
    """Return how many steps of a way take as long as n plain ones."""
    kind = "digits, cost" if task.startswith("digits") else "ring, cost"
    [ratio] = [
        r["ratio"] for r in rows if (r["task"], r["way"]) == (kind, way)
    ]
    return round(n / ratio)


def equal_steps(task: str, way: str, n_steps: int) -> int:
    """Return how many steps take as long as n_steps of the plain way.

    Args:
        task: ring, grid or digits.
        way: whose steps.
        n_steps: of G, non-saturating.
    """
    return _equal_steps(_rows(RECORD), task, way, n_steps)


def runs(task: str) -> pd.DataFrame:
    """Read the runs of the study that chose nothing.

    Args:
        task: ring, grid or digits; with ", other rates" after it, runs with
            0.9 whose rates lie beyond those to choose from.

    Returns:
        A row a run: `way`, `beta_1`, `rate`, `seed`. Of points `modes` and
        `share`, the mean of the last four of 16 readings in 4,000 steps of
        G. Of digits, after 800 steps of G: `fcd`, `rarest` and `commonest`,
        shares of a class, and `d_loss`, the mean of 100 steps. `equal` is
        `modes` or `fcd` after as much time as those steps of the plain way.
    """
    record, rows = _rows(RECORD), []
    for row in record:
        if row["task"] != task or row["seed"] >= 100:
            continue
        kept = {k: row[k] for k in ("way", "beta_1", "rate", "seed")}
        if task.startswith("digits"):
            steps = _equal_steps(record, task, row["way"], 800)
            kept |= row["marks"]["800 steps"]
            kept["equal"] = row["marks"][f"{steps} steps"]["fcd"]
        else:
            last = min(
                16,
                round(
                    16 * _equal_steps(record, task, row["way"], 1_000) / 1_000
                ),
            )
            for name in ("modes", "share"):
                kept[name] = float(np.mean(row[name][-4:]))
            kept["equal"] = float(np.mean(row["modes"][:last][-4:]))
        rows.append(kept)
    return pd.DataFrame(rows)


def stacked() -> pd.DataFrame:
    """Read the runs on stacked digits.

    Returns:
        A row a run: `n_modes` in its training images, `way`, `beta_1`,
        `seed`, `steps`, `ms` a step; of 10,000 images `modes` found, modes
        that came `once`, and `share` of the images on any. The way "real"
        is no run but stacks of real digits.
    """
    return pd.DataFrame(_rows(STACKED))


def strips(
    title: str,
    table: pd.DataFrame,
    column: str,
    label: str,
    least_first: bool = True,
    enough: float | None = None,
) -> Figure:
    """Draw a dot a run, a row a way to play, the look by beta_1.

    Args:
        title: what the figure finds.
        table: as `runs` returns it.
        column: what lies to the right.
        label: its name, with unit.
        least_first: the way with the smallest median stands at the top.
        enough: how many runs have at least so much is written on the right.

    Returns:
        The figure, for `show`; the ways in order of their median.
    """
    medians = table.groupby("way")[column].median()
    order = medians.sort_values(ascending=least_first, kind="stable").index
    fig, ax = plt.subplots(figsize=(10, 0.42 * len(order) + 1.5))
    for k, (beta_1, look) in enumerate(LOOKS.items()):
        some = table[table["beta_1"] == beta_1]
        if some.empty:
            continue
        # Equal values lie side by side, so that five look like five.
        y = order.get_indexer(some["way"]) + 0.25 * (k - 1)
        y = y + 0.045 * (some["seed"] - 2)
        dots = {"ls": "", "ms": 7, "alpha": 0.8, "mec": "white"}
        ax.plot(some[column], y, **dots, **look, label=f"beta_1 {beta_1:g}")
        if enough is None:
            continue
        right = {"xycoords": ("axes fraction", "data"), "va": "center"}
        for row, way in enumerate(order):
            values = some.loc[some["way"] == way, column]
            n = f"{(values >= enough).sum()}" if len(values) else ""
            at = 1.03 + 0.03 * k, row
            ax.annotate(n, at, color=look["color"], **right)
    ax.set(xlabel=label, ylim=(len(order) - 0.5, -0.5))
    ax.set_yticks(range(len(order)), order)
    ax.grid(axis="y", alpha=0.3)
    if column in ("fcd", "equal") and table[column].max() > 30:
        ticks = [30, 60, 120, 240, 480]
        ax.set(xscale="log")
        ax.set_xticks(ticks, ticks, minor=False)
        ax.minorticks_off()
    if enough is not None:
        note = f"runs with\n{enough:g} or more"
        ax.annotate(note, (1.02, -0.01), xycoords="axes fraction", va="top")
    views.headline(fig, title)
    views.share_legend(fig, ax, "outside upper right", 3)
    return fig


def over_steps(
    title: str, steps: np.ndarray, found: Mapping[float, np.ndarray]
) -> Figure:
    """Draw bumps found against the step, the look by beta_1.

    Args:
        title: what the figure finds.
        steps: (n,).
        found: beta_1 -> of 8 bumps (n,).

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 3.6))
    for beta_1, y in found.items():
        color = LOOKS[beta_1]["color"]
        ax.plot(steps, y, lw=2, color=color, label=f"beta_1 {beta_1:g}")
    ax.set(xlabel="step", ylabel="bumps found, of 8", ylim=(0, 8.4))
    views.headline(fig, title)
    views.share_legend(fig, ax, "outside upper right", 2)
    return fig


def clouds(
    title: str, panels: Mapping[str, np.ndarray], modes: Modes
) -> Figure:
    """Draw generated points over the bumps that they were to learn.

    Args:
        title: what the figure finds.
        panels: name -> points (n, 2).
        modes: the bumps.

    Returns:
        The figure, for `show`; a circle of three standard deviations round
        each bump; points beyond 1.4 stay outside.
    """
    clouds = {k: check_array(k, v, "n 2") for k, v in panels.items()}
    size = {"figsize": (10, 10 / len(clouds) + 0.7)}
    fig, axes = plt.subplots(1, len(clouds), squeeze=False, **size)
    for ax, (name, cloud) in zip(axes[0], clouds.items(), strict=True):
        for centre in modes.centres:
            ring = plt.Circle(centre, 3 * modes.sd, fill=False, lw=1.2)
            ring.set_edgecolor(views.REAL)
            ax.add_patch(ring)
        ax.plot(*cloud.T, ".", ms=3, alpha=0.4, color=views.FAKE)
        ax.set(title=name, aspect="equal", xlim=(-1.4, 1.4), ylim=(-1.4, 1.4))
        ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    views.headline(fig, title)
    return fig
