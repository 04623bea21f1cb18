"""Figures in one style, and the live view of a training run.

Colours mean the same in every lesson: real grey, generated blue; generator
blue and solid, discriminator vermilion and dashed (Okabe-Ito palette).
"""

import base64
import html
import io
import itertools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image
from scipy import ndimage

from helpers import training
from helpers.data import check_array

REAL, FAKE = "#666666", "#0072B2"
GENERATOR, DISCRIMINATOR = "#0072B2", "#D55E00"
STYLE = {
    "font.size": 13,
    "axes.titlesize": 14,
    "figure.titlesize": 14,
    "axes.titlelocation": "left",
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(
        color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"],
        linestyle=["-", "--", "-.", ":", "-"],
    ),
    "image.cmap": "gray",
    "figure.constrained_layout.use": True,
}
ROLES = {
    "real": {"color": REAL, "linestyle": ":"},
    "generated": {"color": FAKE, "linestyle": "-"},
    "G": {"color": GENERATOR, "linestyle": "-"},
    "D": {"color": DISCRIMINATOR, "linestyle": "--"},
}
OTHERS = (
    {"color": "#009E73", "linestyle": "-."},
    {"color": "#CC79A7", "linestyle": (0, (5, 1))},
    {"color": "#000000", "linestyle": "-"},
)
DPI = 160  # twice what a screen shows, so that it is crisp on a projector
WIDTH = 800  # pixels of the page that 10 inches take
COLOURS = 256  # of a stored picture, a third of the size of true colour
SECONDS_BETWEEN_FRAMES = 2.5
plt.rcdefaults()  # a matplotlibrc of the user's may ask for LaTeX
plt.rcParams.update(STYLE)


def _bundle(fig: Figure, alt: str, scale: int = 2) -> dict[str, Any]:
    """Turn a figure into PNG plus text, and close it.

    Args:
        fig: a figure with data in it.
        alt: as in `show`.
        scale: pixels of the picture to one of the page; 1 is drawn faster.
    """
    if not any(ax.has_data() for ax in fig.axes):
        raise AssertionError("the figure is empty: draw before showing it.")
    if not 15 <= len(alt) <= 300:
        raise ValueError(
            f"the alt text has {len(alt)} characters; say in 15 to 300 what "
            "kind of figure it is, what the axes are, and its point."
        )
    drawn, buffer = io.BytesIO(), io.BytesIO()
    fig.savefig(drawn, format="png", dpi=scale * DPI / 2)
    plt.close(fig)
    picture = Image.open(drawn).convert("RGB")
    # Saved again, the bytes do not name a version of matplotlib either.
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode()
    size = {"width": round(WIDTH * fig.get_figwidth() / 10)}
    return {
        "data": {"image/png": png, "text/plain": f"[figure] {alt}"},
        "metadata": {"image/png": size | {"alt": alt}},
    }


def _caption(alt: str) -> None:
    """Display the text of a picture below it.

    JupyterLab gives no image an alt text, so a screen reader needs this.
    """
    text = html.escape(alt, quote=False)
    page = f"<p><small><em>Figure: {text}</em></small></p>"
    display({"text/html": page}, raw=True)


def show(fig: Figure, alt: str) -> None:
    """Display a figure, below it a text that stands for it, and close it.

    Args:
        fig: a figure with data in it.
        alt: kind of figure, axes and point, 15 to 300 characters, without
            learned numbers: tests compare this text.

    Raises:
        AssertionError: the figure is empty.
        ValueError: the text is too short or too long.
    """
    bundle = _bundle(fig, alt)
    display(bundle["data"], raw=True, metadata=bundle["metadata"])
    _caption(alt)


def headline(fig: Figure, title: str) -> None:
    """Set the title of a figure, at the left as those of its axes."""
    fig.suptitle(title, x=0.01, ha="left")


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay images out in rows, filled up with black.

    Args:
        images: (n, side, side, 1) or (n, side, side, 3) in [-1, 1].
        columns: images a row.

    Returns:
        One picture (rows x side, columns x side), of colour images with a
        third axis.
    """
    n, *shape = np.shape(images)
    rows = -(-n // columns)
    canvas = np.full((rows * columns, *shape), -1.0, np.float32)
    canvas[:n] = images
    canvas = canvas.reshape(rows, columns, *shape).swapaxes(1, 2)
    picture = canvas.reshape(rows * shape[0], columns * shape[1], shape[2])
    return picture[..., 0] if shape[2] == 1 else picture


def draw_tiles(
    ax: plt.Axes, images: np.ndarray, columns: int, above: Sequence = ()
) -> None:
    """Draw images on a fixed scale, -1 black and 1 white, lines between, and
    a label above each column if they are given."""
    picture = tile(images, columns)
    if picture.ndim == 3:  # matplotlib scales grey values alone
        picture = (picture.clip(-1, 1) + 1) / 2
    ax.imshow(picture, vmin=-1, vmax=1, interpolation="nearest")
    side = np.shape(images)[1]
    thin = {"color": "0.4", "lw": 0.8}
    for k in range(1, columns):
        ax.axvline(k * side - 0.5, **thin)
    for k in range(1, -(-len(images) // columns)):
        ax.axhline(k * side - 0.5, **thin)
    places = side * (np.arange(len(above)) + 0.5) - 0.5
    ax.set(yticks=[], xticks=places, xticklabels=above)
    ax.tick_params(length=0, labelbottom=False, labeltop=True)
    ax.spines[:].set_visible(False)


def image_grid(
    rows: Mapping[str, np.ndarray],
    title: str,
    columns: int = 10,
    above: Sequence = (),
) -> Figure:
    """Draw labelled rows of images on one fixed grey scale.

    Args:
        rows: label -> images (n, 28, 28, 1) in [-1, 1]; more than `columns`
            images wrap.
        title: what the figure finds.
        columns: images a row.
        above: labels of the columns, above the first row.

    Returns:
        The figure, for `show`.
    """
    heights = [-(-len(images) // columns) for images in rows.values()]
    fig, axes = plt.subplots(
        len(rows),
        figsize=(10, 0.9 * sum(heights) + 0.15 * len(rows) + 0.5),
        height_ratios=heights,
        squeeze=False,
    )
    for ax, (label, images) in zip(axes[:, 0], rows.items(), strict=True):
        draw_tiles(ax, images, columns, above)
        above = ()
        ax.set_ylabel(label, rotation=0, ha="right", va="center")
    headline(fig, title)
    return fig


def role_style(label: str) -> dict[str, Any]:
    """Return colour and line of the role that a label begins with, if any."""
    return ROLES.get(re.match(r"\w*", label).group(), {})


def curves(
    title: str,
    *panels: tuple[np.ndarray, Mapping[str, np.ndarray], str, str],
    log: bool = False,
) -> Figure:
    """Draw curves over one variable, a panel each, side by side.

    A label that begins with real, generated, G or D has the colour and line
    of that role in every lesson; other labels get theirs in order. Panels
    with the same labels share a legend.

    Args:
        title: what the figure finds.
        panels: the variable (n,), label -> values (n,), its name with unit,
            and the name of the values with unit.
        log: whether both axes are logarithmic.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: values of another length than the variable, or not
            finite.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(10, 4), squeeze=False)
    ncols = 4 if len(panels) == 1 else 2
    for ax, (x, lines, xlabel, ylabel) in zip(axes[0], panels, strict=True):
        others = itertools.cycle(OTHERS)
        x = check_array(xlabel, x, "n")
        for label, values in lines.items():
            y = check_array(label, values, str(len(x)))
            style = role_style(label) or next(others)
            ax.plot(x, y, lw=2, label=label, **style)
        if log:
            ax.set(xscale="log", yscale="log")
        ax.set(xlabel=xlabel, ylabel=ylabel)
    found = [ax.get_legend_handles_labels() for ax in axes[0]]
    if len(panels) > 1 and all(labels == found[0][1] for _, labels in found):
        fig.legend(*found[0], loc="outside upper right", ncols=4)
    else:
        for ax in axes[0]:
            place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.98)}
            ax.legend(**place, ncols=ncols)
    headline(fig, title)
    return fig


def share_legend(fig: Figure, ax: plt.Axes, loc: str, ncols: int) -> None:
    """Give a figure the legend of one of its panels, outside of them."""
    fig.legend(*ax.get_legend_handles_labels(), loc=loc, ncols=ncols)


def draw_curves(
    ax: plt.Axes,
    table: Mapping[str, np.ndarray],
    looks: Mapping[str, tuple[str, str, str]],
) -> None:
    """Draw columns of a history: running mean, and a band of most steps.

    Each curve is a running mean over a twenty-fifth of the run; its band
    holds the middle 80 % of the steps in that window, smoothed as the curve.

    Args:
        ax: where to; it vanishes if no column holds a number.
        table: as `training.Run.table` returns it.
        looks: column -> label, colour and line style.
    """
    window = max(1, len(table["step"]) // 25)
    for column, (label, color, line) in looks.items():
        held = np.isfinite(table[column])
        if not held.any():
            continue
        steps, values = table["step"][held], table[column][held]
        mean, low, high = (
            ndimage.uniform_filter1d(track, window, mode="reflect")
            for track in (
                values,
                ndimage.percentile_filter(values, 10, window, mode="reflect"),
                ndimage.percentile_filter(values, 90, window, mode="reflect"),
            )
        )
        ax.fill_between(steps, low, high, color=color, alpha=0.15, lw=0)
        ax.plot(steps, mean, color=color, ls=line, lw=2, label=label)
    if not ax.lines:
        ax.set_visible(False)
        return
    ax.set_xlabel("step")
    # Above the axes, where no curve can run through it.
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)


def training_curves(runs: Mapping[str, training.Run], title: str) -> Figure:
    """Draw what the histories of runs tell, a column each, on like axes.

    Args:
        runs: name -> run with a history; see its `draw_history`.
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    size = {"figsize": (10, 6.2), "sharey": "row", "squeeze": False}
    fig, axes = plt.subplots(2, len(runs), **size)
    for column, (name, run) in zip(axes.T, runs.items(), strict=True):
        run.draw_history(column)
        column[0].set_title(name, loc="right")
    headline(fig, title)
    return fig


class LiveView:
    """Callback of `training.fit`: samples and curves, redrawn in place.

    Attributes:
        frames: step -> images that the run draws for `z_fixed`, at
            the steps asked for.
    """

    def __init__(
        self,
        z_fixed: np.ndarray,
        n_steps: int,
        keep: Iterable[int] = (),
        frames: dict[int, np.ndarray] | None = None,
    ) -> None:
        """Prepare a view.

        Args:
            z_fixed: latent vectors (n, latent_dim), the same in each frame.
            n_steps: total steps of the run.
            keep: steps whose images are kept in `frames`.
            frames: where to keep them, so that a run that was stopped and
                goes on keeps them all; a new dictionary by default.
        """
        self.z_fixed, self.n_steps = z_fixed, n_steps
        self.keep = frozenset(keep)
        self.frames = {} if frames is None else frames
        self._handle: Any = None
        self._last = -np.inf

    def keep_frame(self, run: training.Run) -> None:
        """Keep this step's images if they were asked for."""
        step = int(run.step)
        if step in self.keep:
            self.frames[step] = run.draw(self.z_fixed)

    def __call__(self, run: training.Run) -> None:
        """Keep this step's images if asked for; redraw if it is time."""
        self.keep_frame(run)
        if time.monotonic() - self._last >= SECONDS_BETWEEN_FRAMES:
            self.draw(run)

    def draw(self, run: training.Run) -> None:
        """Redraw the view in place."""
        step, seconds = int(run.history[-1][0]), run.history[-1][1]
        left = seconds / step * (self.n_steps - step)
        # Fixed places: constrained layout would take twice the time to draw.
        fig = plt.figure(figsize=(10, 5.6), layout="none")
        tiles = fig.add_axes((0.01, 0.575, 0.98, 0.33))
        draw_tiles(tiles, run.draw(self.z_fixed), 10, run.ABOVE)
        headline(
            fig,
            f"step {step:,} of {self.n_steps:,}, {seconds:.0f} s, "
            f"{left:.0f} s left",
        )
        places = ((0.08, 0.1, 0.36, 0.4), (0.6, 0.1, 0.38, 0.4))
        run.draw_history([fig.add_axes(place) for place in places])
        alt = (
            "Live view: pictures that the run draws above; its losses against "
            "the step below"
        )
        bundle = _bundle(fig, alt, scale=2 if step == self.n_steps else 1)
        if self._handle is None:
            self._handle = display(
                bundle["data"],
                raw=True,
                metadata=bundle["metadata"],
                display_id=True,
            )
            _caption(alt)
        else:
            self._handle.update(
                bundle["data"], raw=True, metadata=bundle["metadata"]
            )
        self._last = time.monotonic()


def train_live(
    run: training.Run,
    x_train: np.ndarray,
    n_steps: int,
    z_fixed: np.ndarray,
    keep: Iterable[int] = (),
    frames: dict[int, np.ndarray] | None = None,
    step: Callable | None = None,
    y_train: np.ndarray | None = None,
) -> None:
    """Train in front of an audience; the stop button loses nothing.

    Called again with the same run, it goes on where the run stands.

    Args:
        run: a `Gan` or another `Run`; changed in place.
        x_train: images, float32 (n, 28, 28, 1) in [-1, 1].
        n_steps: total steps of the run.
        z_fixed: latent vectors (n, latent_dim) of the pictures.
        keep: steps whose pictures are kept.
        frames: where they are kept: step -> images (n, 28, 28, 1).
        step: as in `training.fit`.
        y_train: as in `training.fit`.
    """
    view = LiveView(z_fixed, n_steps, keep, frames)
    view.keep_frame(run)  # of step 0, or of a step whose callback was ended
    finished = training.fit(run, x_train, n_steps, view, step, y_train)
    if run.history:
        view.draw(run)
    if finished:
        print(f"finished: {n_steps:,} steps")
    else:
        print(
            f"stopped after step {int(run.step):,} of {n_steps:,}; nothing "
            "is lost: the same call goes on from here"
        )
