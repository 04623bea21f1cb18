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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from scipy import ndimage

from helpers import training

REAL, FAKE = "#666666", "#0072B2"
GENERATOR, DISCRIMINATOR = "#0072B2", "#D55E00"
STYLE = {
    "font.size": 13,
    "axes.titlesize": 14,
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
DPI = 80  # 10 inches are 800 pixels: a notebook's width, and small files
SECONDS_BETWEEN_FRAMES = 2.5
plt.rcdefaults()  # a matplotlibrc of the user's may ask for LaTeX
plt.rcParams.update(STYLE)


def _bundle(fig: Figure, alt: str) -> dict[str, Any]:
    """Turn a figure into PNG plus text, and close it."""
    if not any(ax.has_data() for ax in fig.axes):
        raise AssertionError("the figure is empty: draw before showing it.")
    if not 15 <= len(alt) <= 300:
        raise ValueError(
            f"the alt text has {len(alt)} characters; say in 15 to 300 what "
            "kind of figure it is, what the axes are, and its point."
        )
    buffer = io.BytesIO()
    # Without a software entry the bytes do not name a matplotlib version.
    fig.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(fig)
    png = base64.b64encode(buffer.getvalue()).decode()
    return {
        "data": {"image/png": png, "text/plain": f"[figure] {alt}"},
        "metadata": {"image/png": {"alt": alt}},
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
    fig.suptitle(title, x=0.01, ha="left", fontsize=14)


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """Lay images out in rows, filled up with black.

    Args:
        images: (n, 28, 28, 1) in [-1, 1].
        columns: images a row.

    Returns:
        (28 rows, 28 columns), one picture.
    """
    rows = -(-len(images) // columns)
    canvas = np.full((rows * columns, 28, 28), -1.0, np.float32)
    canvas[: len(images)] = np.asarray(images)[..., 0]
    canvas = canvas.reshape(rows, columns, 28, 28).swapaxes(1, 2)
    return canvas.reshape(rows * 28, columns * 28)


def draw_tiles(ax: plt.Axes, images: np.ndarray, columns: int) -> None:
    """Draw images on a fixed grey scale, -1 black and 1 white."""
    ax.imshow(tile(images, columns), vmin=-1, vmax=1, interpolation="nearest")
    ax.set_yticks([])
    ax.set_xticks([])
    ax.spines[:].set_visible(False)


def image_grid(
    rows: Mapping[str, np.ndarray], title: str, columns: int = 10
) -> Figure:
    """Draw labelled rows of images on one fixed grey scale.

    Args:
        rows: label -> images (n, 28, 28, 1) in [-1, 1]; more than `columns`
            images wrap.
        title: what the figure finds.
        columns: images a row.

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
        draw_tiles(ax, images, columns)
        ax.set_ylabel(label, rotation=0, ha="right", va="center")
    headline(fig, title)
    return fig


def finite(name: str, values: np.ndarray, shape: tuple) -> np.ndarray:
    """Return values as an array, to be drawn.

    Args:
        name: of the values, for the message.
        values: what is to be drawn.
        shape: what is expected; None stands for any length.

    Returns:
        float64 of this shape.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    array = np.asarray(values, float)
    pairs = list(zip(shape, array.shape, strict=False))
    if array.ndim != len(shape) or any(a not in (None, b) for a, b in pairs):
        wanted = str(tuple("n" if a is None else a for a in shape))
        raise ValueError(
            f"{name}: expected shape {wanted.replace(chr(39), '')}, found "
            f"{array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name}: a value is not finite; leave it out before drawing."
        )
    return array


def curves(
    title: str,
    *panels: tuple[np.ndarray, Mapping[str, np.ndarray], str, str],
    log: bool = False,
) -> Figure:
    """Draw curves over one variable, a panel each, side by side.

    A label that begins with real, generated, G or D has the colour and line
    of that role in every lesson; other labels get theirs in order.

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
        x = finite(xlabel, x, (None,))
        for label, values in lines.items():
            y = finite(label, values, x.shape)
            role = re.match(r"\w*", label).group()
            style = ROLES[role] if role in ROLES else next(others)
            ax.plot(x, y, lw=2, label=label, **style)
        if log:
            ax.set(xscale="log", yscale="log")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=ncols)
    headline(fig, title)
    return fig


def _draw_curves(
    ax: plt.Axes,
    table: Mapping[str, np.ndarray],
    curves: Mapping[str, tuple],
) -> None:
    """Draw columns of a history: running mean, band of most steps."""
    steps = table["step"]
    window = max(1, len(steps) // 25)
    for column, (label, color, line) in curves.items():
        values = table[column]
        low, high = [
            ndimage.percentile_filter(values, q, window, mode="nearest")
            for q in (10, 90)
        ]
        ax.fill_between(steps, low, high, color=color, alpha=0.25, lw=0)
        mean = ndimage.uniform_filter1d(values, window, mode="nearest")
        ax.plot(steps, mean, color=color, ls=line, lw=2, label=label)
    ax.set_xlabel("step")
    # Above the axes, where no curve can run through it.
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)


def _draw_history(
    axes: Sequence[plt.Axes],
    history: Sequence[tuple[float, ...]],
    columns: Sequence[str],
) -> None:
    """Draw what a run tells of itself on two axes."""
    rows = np.asarray(history).reshape(-1, len(columns))
    table = dict(zip(columns, rows.T, strict=True))
    (_draw_game if "d_loss" in table else _draw_bound)(axes, table)


def _draw_bound(
    axes: Sequence[plt.Axes], table: Mapping[str, np.ndarray]
) -> None:
    """Draw the two parts of a VAE's loss."""
    parts = {
        "reconstruction": ("reconstruction loss", GENERATOR, "-"),
        "kl": ("KL to the prior", DISCRIMINATOR, "--"),
    }
    for ax, (column, look) in zip(axes, parts.items(), strict=True):
        _draw_curves(ax, table, {column: look})
        # The first steps cost several times as much as all later ones.
        top = np.percentile(table[column], 95)
        ax.set(ylabel="nats an image", ylim=(0, 1.2 * top))


def _draw_game(
    axes: Sequence[plt.Axes], table: Mapping[str, np.ndarray]
) -> None:
    """Draw losses on the first pair of axes, D's opinion on the second."""
    losses = {
        "d_loss": ("discriminator", DISCRIMINATOR, "--"),
        "g_loss": ("generator", GENERATOR, "-"),
    }
    _draw_curves(axes[0], table, losses)
    axes[0].set_ylabel("loss (nats)")
    for level, name, color in (
        (np.log(4), "2 log 2", DISCRIMINATOR),
        (np.log(2), "log 2", GENERATOR),
    ):
        axes[0].axhline(level, color=color, lw=0.8, ls=":")
        axes[0].annotate(
            name, (1, level), xycoords=("axes fraction", "data"), color=color
        )
    opinions = {
        "d_real": ("D(x), real", REAL, "--"),
        "d_fake": ("D(G(z)), generated", FAKE, "-"),
    }
    _draw_curves(axes[1], table, opinions)
    axes[1].set_ylabel("probability of real")
    axes[1].axhline(0.5, color=REAL, lw=0.8, ls=":")
    axes[1].set_ylim(0, 1)


def training_curves(
    history: Sequence[tuple[float, ...]], title: str
) -> Figure:
    """Draw losses, and D(x) with D(G(z)), against the step.

    Each curve is a running mean over a twenty-fifth of the run; its band
    holds the middle 80 % of the steps in that window. The dotted lines are
    the losses 2 log 2 and log 2 and the probability 1/2 of a discriminator
    that cannot tell real from generated.

    Args:
        history: rows as in `training.COLUMNS`.
        title: what the figure finds.

    Returns:
        The figure, for `show`.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.7))
    _draw_history(axes, history, training.COLUMNS)
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
        images = run.draw(self.z_fixed)
        draw_tiles(fig.add_axes((0.01, 0.6, 0.98, 0.33)), images, 10)
        headline(
            fig,
            f"step {step:,} of {self.n_steps:,}, {seconds:.0f} s, "
            f"{left:.0f} s left",
        )
        places = ((0.08, 0.1, 0.36, 0.4), (0.6, 0.1, 0.38, 0.4))
        _draw_history(
            [fig.add_axes(p) for p in places], run.history, run.COLUMNS
        )
        alt = (
            "Live view: generated digits for fixed z above; two plots of the "
            "run's losses against the step below"
        )
        bundle = _bundle(fig, alt)
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
    """
    view = LiveView(z_fixed, n_steps, keep, frames)
    view.keep_frame(run)  # of step 0, or of a step whose callback was ended
    finished = training.fit(run, x_train, n_steps, view)
    if run.history:
        view.draw(run)
    if finished:
        print(f"finished: {n_steps:,} steps")
    else:
        print(
            f"stopped after step {int(run.step):,} of {n_steps:,}; nothing "
            "is lost: the same call goes on from here"
        )
