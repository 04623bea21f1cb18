"""Lesson 07: figures of repairs and of marks, and the record of its study."""

import json
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from skimage import data as pictures
from skimage import restoration

from helpers import metrics, runtime, views
from helpers.backend import keras
from helpers.lessons import diagrams, photographs, scans, translation

RECORD = runtime.ROOT / "data" / "results" / "07_translation.json"
TUNING = 100  # the seed that chose the penalty's weight
ALONE = ", D alone"
NOTE = {"textcoords": "offset points", "fontsize": 12}


def shown(given: np.ndarray) -> np.ndarray:
    """Return damaged pictures (n, h, w, 2) with their holes in grey."""
    given = np.asarray(given)
    return given[..., :1] * (1 - given[..., 1:])


def runs(kind: str) -> pd.DataFrame:
    """Read the runs of one kind that chose nothing.

    Args:
        kind: "repair", "marks", "guesses" or "cost".

    Returns:
        A row a run: `setting`, `weight` (of marks and guesses: the share of
        training pairs), `seed`, and what `studies.translation` measured.
    """
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["runs"]
    table = pd.DataFrame([row for row in rows if row["kind"] == kind])
    return table[table["seed"] != TUNING].dropna(axis=1, how="all")


def scores(
    filled: np.ndarray,
    given: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    real: metrics.Judgement,
) -> dict[str, float]:
    """Compare repaired digits with the true ones, and with real ones.

    Args:
        filled: repaired digits (n, 28, 28, 1) in [-1, 1].
        given: what they were made from (n, 28, 28, 2).
        x: the true digits.
        y: their classes (n,).
        real: what the judge says of them.

    Returns:
        In the holes: `psnr` (dB), `mse`, and `ink` as a share of the true
        ink; of whole digits: `ssim`, `fcd`, `sharpness`, the judge's
        `agreement`, `precision` and `recall`.
    """
    mask = given[..., 1:]
    fake = metrics.judge(filled)
    precision, recall = metrics.precision_recall(real.features, fake.features)
    row = {
        "psnr": hole_psnr(filled, x, mask),
        "mse": _hole_errors(filled, x, mask).mean(),
        "ssim": metrics.ssim(filled, x).mean(),
        "fcd": metrics.frechet_distance(fake.features, real.features),
        "sharpness": metrics.laplacian_variance(filled).mean(),
        "ink": ((filled + 1) * mask).sum() / ((x + 1) * mask).sum(),
        "agreement": (fake.probabilities.argmax(axis=1) == y).mean(),
        "precision": precision,
        "recall": recall,
    }
    return {k: round(float(v), 4) for k, v in row.items()}


def photo_row(
    title: str,
    photos: Mapping[str, np.ndarray],
    limits: tuple[float, float] = (-1, 1),
) -> Figure:
    """Draw grey photographs of one size side by side.

    Args:
        title: what the figure finds.
        photos: name -> (h, w) in [-1, 1].
        limits: the grey values drawn black and white; closer together, they
            stretch the contrast.

    Returns:
        The figure, for `show`.
    """
    h, w = next(iter(photos.values())).shape
    high = 10 / len(photos) * h / w + 0.9
    fig, axes = plt.subplots(1, len(photos), figsize=(10, high))
    for ax, (name, photo) in zip(axes, photos.items(), strict=True):
        ax.imshow(photo, "gray", clim=limits, interpolation="nearest")
        ax.set_title(name, loc="left", fontsize=13)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    views.headline(fig, title)
    return fig


def framed(fig: Figure, at: np.ndarray) -> Figure:
    """Frame the place of a mark in each picture of a grid.

    Args:
        fig: as `views.image_grid` returns it; rows of enlarged parts are
            left as they are.
        at: row and column of the mark's corner, int (n, 2), a pair for each
            column of the grid.

    Returns:
        The same figure.
    """
    side, gap = translation.SIDE, 2
    width = scans.SIZE + 2 * gap
    look = {"fc": "none", "ec": "#E69F00", "lw": 1.5}
    for ax in fig.axes:
        wide, high = np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())
        whole = at[: round(wide / side)] if high == side else ()
        for k, (row, column) in enumerate(whole):
            corner = side * k + column - gap - 0.5, row - gap - 0.5
            ax.add_patch(plt.Rectangle(corner, width, width, **look))
    return fig


def medians() -> pd.DataFrame:
    """Return medians over seeds of the repairs, by setting and weight."""
    by = runs("repair").groupby(["setting", "weight"])
    return by.median(numeric_only=True)


def _draw_tradeoff(ax: plt.Axes, own: pd.DataFrame) -> None:
    """Draw PSNR against FCD of one hole: a dot a run, a line of medians."""
    middle = own.groupby("weight")[["psnr", "fcd"]].median()
    ax.plot(own["psnr"], own["fcd"], "o", ms=6, alpha=0.4, c=views.FAKE)
    ax.plot(middle["psnr"], middle["fcd"], "-", lw=2, c=views.FAKE)
    for weight, point in middle.iterrows():
        at = {0.3: (13, -6), 1: (8, -20)}.get(weight)  # clear of line, dots
        at = at or (8, 5 if weight > 1 else -12)
        ax.annotate(f"{weight:g}", tuple(point), xytext=at, **NOTE)
    ax.set(xlabel="PSNR in the hole (dB), right is nearer", yscale="log")
    ticks = [1, 2, 5, 10, 20, 40]
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.margins(0.18, 0.1)


def knee(title: str) -> Figure:
    """Draw PSNR against FCD for six weights of D's verdict, the right half.

    Args:
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 4.6))
    _draw_tradeoff(ax, runs("repair").query("setting == 'half'"))
    ax.set_ylabel("FCD, down is more like real digits")
    views.headline(fig, title)
    return fig


def tradeoff(title: str) -> Figure:
    """Draw PSNR against FCD for each weight of D's verdict, two holes, and
    for D alone and for squared errors.

    Args:
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True)
    names = {"half": "the right half", "square": "a square of 14x14 pixels"}
    table = runs("repair")
    for ax, (hole, name) in zip(axes, names.items(), strict=True):
        _draw_tradeoff(ax, table[table["setting"] == hole])
        alone = table[table["setting"] == hole + ALONE]
        ax.plot(alone["psnr"], alone["fcd"], "D", ms=7, c=views.DISCRIMINATOR)
        at = {"xytext": (0, 12), "ha": "center", "color": views.DISCRIMINATOR}
        spot = tuple(alone[["psnr", "fcd"]].median())
        ax.annotate("D alone", spot, **at, **NOTE)
        ax.set_title(name, loc="left", fontsize=13)
    axes[0].set_ylabel("FCD, down is more like real digits")
    squared = table[table["setting"] == "squared error"]
    axes[0].plot(squared["psnr"], squared["fcd"], "ks", ms=7, alpha=0.5)
    spot = tuple(squared[["psnr", "fcd"]].median())
    at = {"xytext": (-10, -5), "ha": "right"}
    axes[0].annotate("squared error", spot, **at, **NOTE)
    views.headline(fig, title)
    return fig


def erased_curve(title: str) -> Figure:
    """Draw the share of marks erased against the share of pairs that keep
    theirs, a dot a run; the line is what the median says.

    Args:
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    table = runs("marks").query("setting == ''")
    fig, ax = plt.subplots(figsize=(10, 3.6))
    line = {"color": "black", "ls": ":", "lw": 2, "label": "the median"}
    ax.plot([0, 0.5, 0.5, 1], [1, 1, 0, 0], **line)
    line = {"color": views.REAL, "ls": "--", "label": "as in the data"}
    ax.plot([0, 1], [1, 0], **line)
    shares = table["erased"] / table["marked"]
    look = {"color": views.FAKE, "ms": 8, "alpha": 0.7, "label": "a run"}
    ax.plot(table["weight"], shares, "o", **look)
    ax.set(
        xlabel="share of marked training pairs that keep the mark",
        ylabel="share erased",
        xlim=(0, 1),
    )
    ax.legend(loc="upper right")
    views.headline(fig, title)
    return fig


def two_bells(
    title: str, grey: np.ndarray, few: np.ndarray, many: np.ndarray
) -> Figure:
    """Draw how bright the corner of a scan looks, without and with a mark.

    Args:
        title: what the figure finds.
        grey: brightness of the corner (n,).
        few: how often the 10 sevens without a mark look so (n,).
        many: how often the 90 with one do (n,).

    Returns:
        The figure, for `show`: what lies of `few` right of the crossing is
        shaded, and the top of `many` is cut off.
    """
    bells = {"the 10 without a mark": few, "the 90 with one": many}
    names = "mean of the four pixels in the scan", "how often"
    fig = views.curves(title, (grey, bells, *names))
    ax, bar = fig.axes[0], grey[few > many].max()
    right = grey >= bar
    ax.fill_between(grey, few, where=right, color="0.8")
    ax.axvline(bar, color="0.4", ls=":")
    share = few[right].sum() / few.sum()
    ax.text(bar + 0.06, 0.1, f"{10 * share:.0f} of the 10", fontsize=12)
    ax.text(bar - 0.06, 1.4, f"{bar:.2f}", ha="right", fontsize=12)
    ax.set(ylim=(0, 1.5), xlim=(grey[0], grey[-1]))
    return fig


def guess_dots(title: str) -> Figure:
    """Draw how often a faint mark is invented in 7s and erased in 3s, after
    1,200 steps, a dot a run; the line is what the best guess does.

    Args:
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    table = runs("guesses")
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.9), sharey=True)
    step = "step 1200: shown"
    invented = table[f"7 without, {step}"] / table["7"]
    erased = 1 - table[f"3 with, {step}"] / table["3"]
    panels = (
        ("7s without a mark: invented", table["weight"], invented, 0),
        ("3s with a mark: erased", 1 - table["weight"], erased, 1),
    )
    for ax, (name, share, found, which) in zip(axes, panels, strict=True):
        grid = np.linspace(share.min(), share.max(), 60)
        best = [
            scans.best_guess(c, scans.FAINT, scans.NOISE)[which] for c in grid
        ]
        line = {"color": "black", "ls": ":", "lw": 2}
        ax.plot(grid, best, label="the best guess", **line)
        look = {"color": views.FAKE, "ms": 8, "alpha": 0.6, "label": "a run"}
        ax.plot(share, found, "o", **look)
        ax.set_title(name, loc="left", fontsize=13)
        ax.set_xlabel(f"share of training {name[:2]} with a mark")
    axes[0].set_ylabel("share of pictures")
    axes[0].legend(loc="upper left")
    views.headline(fig, title)
    return fig


def _hole_errors(
    filled: np.ndarray, x: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Return the mean squared error in the hole of each picture, (n,)."""
    mask = mask * np.ones_like(x)
    squares = ((filled - x) ** 2 * mask).sum(axis=(1, 2, 3))
    return squares / mask.sum(axis=(1, 2, 3))


def hole_psnr(filled: np.ndarray, x: np.ndarray, mask: np.ndarray) -> float:
    """Return the mean PSNR in the holes, dB; 120 for a perfect fill.

    Args:
        filled: repaired pictures (n, h, w, 1).
        x: the true ones.
        mask: (n, h, w, 1) or (1, h, w, 1), 1 in the hole.
    """
    squares = _hole_errors(filled, x, mask)
    return float(10 * np.log10(4 / np.maximum(squares, 4e-12)).mean())


def by_equation(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill a hole of digits by the biharmonic equation.

    Args:
        x: digits (n, 28, 28, 1) in [-1, 1].
        mask: (1, 28, 28, 1), 1 in the hole.

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].
    """
    hole = mask[0, ..., 0] > 0
    known = np.where(hole, 0, x[..., 0])
    filled = [restoration.inpaint_biharmonic(one, hole) for one in known]
    return np.float32(filled)[..., None].clip(-1, 1)


def restore(
    network: keras.Model, photo: np.ndarray, hole: np.ndarray
) -> np.ndarray:
    """Repair a grey photograph of any size.

    Args:
        network: a U-Net of two channels.
        photo: (h, w) in [-1, 1].
        hole: (h, w), 1 where the photograph is gone.

    Returns:
        float32 (h, w).
    """
    given = translation.damage(photo[None, ..., None], hole[None, ..., None])
    return translation.fill(network, given)[0, ..., 0]


def beside_the_equation(network: keras.Model, name: str) -> dict[str, float]:
    """Repair a scratched photograph twice.

    Args:
        network: as in `restore`.
        name: of a photograph of skimage.data.

    Returns:
        PSNR in the scratches, in dB, of the network and of the biharmonic
        equation (`skimage.restoration.inpaint_biharmonic`).
    """
    photo = photographs.shrunk(photographs.grey(getattr(pictures, name)()))
    hole = photographs.scratches(photo.shape, seed=5)
    ways = {
        "network": restore(network, photo, hole),
        "equation": restoration.inpaint_biharmonic(
            photo * (1 - hole), hole > 0
        ),
    }
    squares = {k: np.square(v - photo)[hole > 0] for k, v in ways.items()}
    return {
        k: round(float(10 * np.log10(4 / v.mean())), 2)
        for k, v in squares.items()
    }


def unet_diagram() -> Figure:
    """Draw the levels of the small U-Net, and the two skip connections."""
    given, fine, half, low, up, top, drawn = (
        "given\n28x28x2",
        "28x28x16",
        "14x14x32",
        "7x7x64",
        "14x14x32 ",
        "28x28x16 ",
        "drawn\n28x28x1",
    )
    return diagrams.flow(
        {given: (0, 2), fine: (1, 2), half: (1.6, 1), low: (2.5, 0)}
        | {up: (3.4, 1), top: (4, 2), drawn: (5, 2)},
        [
            (given, fine, ""),
            (fine, half, ""),
            (half, low, ""),
            (low, up, ""),
            (up, top, ""),
            (top, drawn, ""),
            (fine, top, "skip: a copy"),
            (half, up, "skip: a copy"),
        ],
    )
