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

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure
from scipy import ndimage, stats

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
# Okabe-Ito with two greys more, for ten digits; each has its numeral as well.
DIGITS = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#8C7A00",
    "#666666",
    "#7F3C8D",
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


def _head(fig: Figure, title: str) -> None:
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


def _draw_tiles(ax: plt.Axes, images: np.ndarray, columns: int) -> None:
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
        _draw_tiles(ax, images, columns)
        ax.set_ylabel(label, rotation=0, ha="right", va="center")
    _head(fig, title)
    return fig


def _finite(name: str, values: np.ndarray, shape: tuple) -> np.ndarray:
    """Return values as an array; None in the shape stands for any length.

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
        x = _finite(xlabel, x, (None,))
        for label, values in lines.items():
            y = _finite(label, values, x.shape)
            role = re.match(r"\w*", label).group()
            style = ROLES[role] if role in ROLES else next(others)
            ax.plot(x, y, lw=2, label=label, **style)
        if log:
            ax.set(xscale="log", yscale="log")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=ncols)
    _head(fig, title)
    return fig


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
    x = _finite("x", x, (None,))
    p = _finite("p", p, x.shape)
    fig, axes = plt.subplots(
        1,
        len(frames),
        figsize=(10, 2.9),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, (name, samples) in zip(axes[0], frames.items(), strict=True):
        samples = _finite(name, samples, (None,))
        ax.fill_between(x, p, color=REAL, alpha=0.4, lw=0)
        ax.plot(x, stats.gaussian_kde(samples, 0.15)(x), color=FAKE, ls="-")
        ax.set(title=name, xlabel="x", ylim=(0, 2 * p.max()))
    axes[0, 0].set_ylabel("density")
    _head(fig, title)
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
            _finite(f"{panel}, {name}", part, (None, 2))
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
        ax.plot(*x_real.T, "o", ms=3, color=REAL, alpha=0.5, label="real")
        ax.plot(*x_fake.T, "x", ms=4, color=FAKE, label="generated")
        ax.quiver(*places.T, *arrows.T, color=DISCRIMINATOR, scale=6 * longest)
        ax.set(title=name, xlabel="x1", aspect="equal")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes[0, 0].set_ylabel("x2")
    axes[0, 0].legend(loc="upper left")
    _head(fig, title)
    return fig


def latent_map(
    title: str, codes: np.ndarray, labels: np.ndarray, grid: np.ndarray
) -> Figure:
    """Draw a latent space of two numbers: where digits lie, what is drawn.

    Args:
        title: what the figure finds.
        codes: latent means of images (n, 2); those beyond 3 are not drawn.
        labels: their digits, integers (n,), 0 to 9.
        grid: images (side^2, 28, 28, 1) in [-1, 1], drawn row by row from
            the top, at the quantiles of the standard normal distribution.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    codes = _finite("codes", codes, (None, 2))
    labels = _finite("labels", labels, (len(codes),))
    side = round(len(grid) ** 0.5)
    if side**2 != len(grid):
        raise ValueError(
            f"grid: expected side x side images, found {len(grid)}."
        )
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 5))
    for digit, color in enumerate(DIGITS):
        own = codes[labels == digit]
        left.plot(*own.T, ls="", marker=f"${digit}$", ms=5, mew=0, c=color)
        if len(own):  # the digit itself, large, in the middle of its own
            left.annotate(
                digit,
                np.median(own, axis=0),
                ha="center",
                va="center",
                fontsize=14,
                weight="bold",
                bbox={"boxstyle": "circle,pad=0.1", "fc": "w", "ec": color},
            )
    left.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    left.set(xlabel="z1", ylabel="z2", title="encoded: real digits")
    _draw_tiles(right, grid, side)
    right.set(title="decoded: even steps of probability")
    right.set(xlabel="z1, quantiles", ylabel="z2, quantiles")
    _head(fig, title)
    return fig


def trade_off(
    title: str,
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Draw models as points in the square of two shares, named beside them.

    Args:
        title: what the figure finds.
        points: name of a model -> its values on both axes, (k,) each, 0 to
            1: one point a training run.
        xlabel: name of the first share.
        ylabel: name of the second.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: other shapes, or a value that is not finite.
    """
    fig, ax = plt.subplots(figsize=(10, 5))
    looks = zip(itertools.cycle("os^Dv*P"), itertools.cycle(DIGITS))
    for (name, (x, y)), (marker, color) in zip(
        points.items(), looks, strict=False
    ):
        x = _finite(f"{name}, {xlabel}", x, (None,))
        y = _finite(f"{name}, {ylabel}", y, x.shape)
        ax.plot(x, y, marker, color=color, ms=8)
        place = (x.max(), y[x.argmax()])
        move = {"xytext": (8, 4), "textcoords": "offset points"}
        ax.annotate(name, place, color=color, **move)
    low = min(np.min(y) for _, y in points.values())
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set(xlim=(-0.02, 1.15), ylim=(max(low - 0.05, -0.02), 1.02))
    _head(fig, title)
    return fig


def heat_map(
    title: str,
    table: pd.DataFrame,
    limit: float,
    label: str,
    form: str = "{:+.0f}",
) -> Figure:
    """Draw a table of numbers as a field of colours, each with its number.

    Args:
        title: what the figure finds.
        table: finite numbers; its row and column names become the axes.
        limit: where the colours end on either side of 0.
        label: what a number means, for the scale.
        form: how the numbers are written.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: a value that is not finite, or a limit that is not
            positive.
    """
    values = _finite("table", table.to_numpy(), table.shape)
    if not limit > 0:
        raise ValueError(f"limit is {limit}; it must be positive.")
    fig, ax = plt.subplots(figsize=(10, 0.55 * len(table) + 1.6))
    field = ax.imshow(
        values, cmap="cividis", vmin=-limit, vmax=limit, aspect="auto"
    )
    for (i, j), value in np.ndenumerate(values):
        ink = "k" if value > 0 else "w"
        text = form.format(value)
        text = "0" if not text.strip("+-0.") else text
        ax.text(j, i, text, color=ink, ha="center", va="center", fontsize=12)
    ax.set_xticks(range(table.shape[1]), table.columns)
    ax.set_yticks(range(len(table)), table.index)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    fig.colorbar(field, ax=ax, label=label, extend="both", pad=0.01)
    _head(fig, title)
    return fig


class ForcedChoice:
    """A two-alternative forced-choice test: which of two images is real?

    Attributes:
        pairs: (n, 2, 28, 28, 1), left and right image of each pair.
        real_side: 0 or 1 for each pair, where the real image is.
        answers: the sides chosen so far.
    """

    def __init__(self, real: np.ndarray, fake: np.ndarray, seed: int) -> None:
        """Put each real image beside a generated one, on a random side.

        Args:
            real: images (n, 28, 28, 1) in [-1, 1].
            fake: as many.
            seed: of the sides.

        Raises:
            ValueError: not as many of both, or none.
        """
        if len(real) != len(fake) or not len(real):
            raise ValueError(
                "real and fake: expected as many of both, found "
                f"{len(real)} and {len(fake)}."
            )
        self.real_side = np.random.default_rng(seed).integers(
            2, size=len(real)
        )
        swap = self.real_side[:, None, None, None, None] == 1
        pair = np.stack([real, fake], axis=1)
        self.pairs = np.where(swap, pair[:, ::-1], pair)
        self.answers: list[int] = []

    @property
    def n_correct(self) -> int:
        """How many of the answers so far name the real image."""
        return int(np.sum(self.real_side[: len(self.answers)] == self.answers))

    def answer(self, side: int) -> None:
        """Choose a side of the next pair; after the last one, do nothing.

        Args:
            side: 0 for left, 1 for right.

        Raises:
            ValueError: another side.
        """
        if side not in (0, 1):
            raise ValueError(f"side is {side!r}; 0 is left, 1 is right.")
        if len(self.answers) < len(self.pairs):
            self.answers.append(int(side))

    def widget(self) -> widgets.VBox:
        """Return two pictures with two buttons, for a human being."""
        picture = widgets.Image(width=400)
        told = widgets.Label()
        buttons = [
            widgets.Button(description=f"{name} is real")
            for name in ("left", "right")
        ]

        def refresh() -> None:
            done, n = len(self.answers), len(self.pairs)
            told.value = f"{done} of {n} answered"
            if done == n:
                told.value += f", {self.n_correct} right"
            image = tile(self.pairs[min(done, n - 1)], 2)
            buffer = io.BytesIO()
            large = np.kron(image, np.ones((7, 7)))
            plt.imsave(buffer, large, vmin=-1, vmax=1, format="png")
            picture.value = buffer.getvalue()

        def choose(button: widgets.Button) -> None:
            self.answer(buttons.index(button))
            refresh()

        for button in buttons:
            button.on_click(choose)
        refresh()
        return widgets.VBox([picture, widgets.HBox(buttons), told])


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
    _head(fig, title)
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
        _draw_tiles(fig.add_axes((0.01, 0.6, 0.98, 0.33)), images, 10)
        _head(
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
