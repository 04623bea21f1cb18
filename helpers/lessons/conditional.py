"""Lesson 06: a GAN that is told which class to draw, and how well it obeys."""

import dataclasses
import json
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from helpers import metrics, runtime, training, views
from helpers.backend import keras, layers, ops, tf
from helpers.data import check_array
from helpers.lessons import dcgan
from helpers.lessons.evaluation_figures import DIVERGING

N_CLASSES = 10
RECORD = runtime.ROOT / "data" / "results" / "06_conditional.json"


def with_label(z: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Append a label to z as ten numbers, one of them 1.

    Args:
        z: (n, latent_dim).
        y: classes (n,), 0 to 9.

    Returns:
        float32 (n, latent_dim + 10), what a conditional generator takes.
    """
    return ops.concatenate([z, ops.one_hot(y, N_CLASSES)], axis=1)


def hidden_layers(width: int) -> list[keras.Layer]:
    """Return all layers of lesson 03's D but the last, not yet built."""
    return [
        layers.Conv2D(width // 2, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2D(width // 2, 3, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2D(width, 4, strides=2, padding="same"),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Flatten(),
        layers.Dense(4 * width),
        layers.LeakyReLU(negative_slope=0.2),
    ]


def planes(y: tf.Tensor) -> tf.Tensor:
    """Turn labels (n,) into ten planes (n, 28, 28, 10), one of them 1."""
    one_hot = ops.one_hot(y, N_CLASSES)
    return ops.ones((1, 28, 28, 1)) * one_hot[:, None, None, :]


def build_discriminator(
    way: str, width: int = 32, code: Callable = planes
) -> keras.Model:
    """Build a discriminator of lesson 03 that also sees a label.

    Args:
        way: "planes" stacks ten planes on the image (Mirza, Osindero,
            arXiv:1411.1784, with pixels for features); "joined" appends ten
            numbers to the flat maps before the hidden layer; "projection"
            adds the inner product of the hidden layer and a vector of the
            class (Miyato, Koyama, arXiv:1802.05637, section 3); "last"
            appends the ten numbers after the hidden layer.
        width: feature maps of the 7x7 end, an even number.
        code: turns labels into planes.

    Returns:
        A model [(n, 28, 28, 1), (n,)] -> (n, 1), logits.

    Raises:
        ValueError: another way.
    """
    if way not in ("planes", "joined", "projection", "last"):
        raise ValueError(
            f"way: expected planes, joined, projection or last, found {way!r}."
        )
    image = keras.Input((28, 28, 1))
    y = keras.Input((), dtype="int32")
    one_hot = ops.one_hot(y, N_CLASSES)
    h = image
    if way == "planes":
        h = ops.concatenate([image, code(y)], axis=-1)
    for hidden in hidden_layers(width):
        if way == "joined" and isinstance(hidden, layers.Dense):
            h = ops.concatenate([h, one_hot], axis=1)
        h = hidden(h)
    if way == "last":
        h = ops.concatenate([h, one_hot], axis=1)
    logit = layers.Dense(1)(h)
    if way == "projection":
        v = layers.Embedding(N_CLASSES, 4 * width)(y)
        logit = logit + ops.sum(v * h, axis=1, keepdims=True)
    return keras.Model([image, y], logit, name="discriminator")


@dataclasses.dataclass(kw_only=True)
class ConditionalGan(dcgan.Gan):
    """A GAN whose networks are both told the label; see `dcgan.Gan`."""

    ABOVE = tuple(range(N_CLASSES))

    def draw(self, z: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Draw images (n, 28, 28, 1) of the average for z and classes y;
        without them, of 0 to 9 in turn."""
        return draw(self.average, z, y)

    def take_step(
        self, x_real: tf.Tensor, y: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Take `train_step`."""
        return train_step(self, x_real, y)


def draw(
    generator: keras.Model, z: np.ndarray, y: np.ndarray | None = None
) -> np.ndarray:
    """Draw the classes asked for.

    Args:
        generator: takes z with a label, as `with_label` makes it.
        z: (n, latent_dim), or one for all classes of y.
        y: classes (n,), 0 to 9; by default 0 to 9 in turn.

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].

    Raises:
        ValueError: not one class for each z, or no class from 0 to 9.
    """
    y = np.arange(len(z)) % N_CLASSES if y is None else np.asarray(y)
    z = np.repeat(z, len(y), axis=0) if len(z) == 1 and y.ndim else z
    if y.shape != (len(z),):
        raise ValueError(
            f"y: expected one class for each of {len(z)} z, found shape "
            f"{y.shape}."
        )
    if not np.isin(y, np.arange(N_CLASSES)).all():
        raise ValueError(
            f"y: expected classes 0 to 9, found {set(y.tolist())}."
        )
    pairs = ops.convert_to_numpy(with_label(z, y.astype("int32")))
    return training.generate(generator, pairs)


def build_gan(recipe: dcgan.Recipe, way: str = "projection") -> ConditionalGan:
    """Build fresh networks; the same recipe and way, the same weights.

    Args:
        recipe: what to build.
        way: as in `build_discriminator`.

    Returns:
        An untrained run.
    """
    return assemble(recipe, lambda: build_discriminator(way, recipe.d_width))


def assemble(
    recipe: dcgan.Recipe, make_discriminator: Callable[[], keras.Model]
) -> ConditionalGan:
    """Put a run together with a discriminator of one's own.

    Args:
        recipe: seed, widths, optimisers.
        make_discriminator: builds a model of images and labels.

    Returns:
        An untrained run; its generator takes ten numbers more.
    """
    return dcgan.assemble(
        recipe,
        lambda: dcgan.build_generator(
            recipe.latent_dim + N_CLASSES, recipe.width
        ),
        make_discriminator,
        ConditionalGan,
    )


def slope_penalty(
    gan: ConditionalGan, x: tf.Tensor, y: tf.Tensor
) -> tf.Tensor:
    """Return `dcgan.slope_penalty` of a D that is told the label."""
    x = ops.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = gan.discriminator([x, y], training=True)
    slopes = tape.gradient(logits, x)
    squares = ops.sum(ops.square(slopes), axis=(1, 2, 3))
    return gan.recipe.r1_gamma / 2 * ops.mean(squares)


def train_step(
    gan: ConditionalGan, x_real: tf.Tensor, y: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Take one step: discriminator, generator, average.

    The step of `dcgan.train_step`. The labels of the batch are asked for as
    well, so both halves have the same ones.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].
        y: their classes, int (n,).

    Returns:
        As `dcgan.train_step`.
    """
    n, y = ops.shape(x_real)[0], ops.convert_to_tensor(y)
    z, y_both = dcgan.draw_z(gan, x_real), ops.concatenate([y, y])
    with tf.GradientTape() as g_tape:
        x_fake = gan.generator(with_label(z, y), training=True)
    x_both = ops.concatenate([x_real, x_fake])
    with tf.GradientTape() as d_tape:
        logits = gan.discriminator([x_both, y_both], training=True)
        real, fake = logits[:n], logits[n:]
        d_loss = dcgan.discriminator_loss(real, fake)
        loss = d_loss
        if gan.recipe.r1_gamma:
            loss = d_loss + slope_penalty(gan, x_real[::4], y[::4])
    dcgan.descend(gan.d_optimizer, d_tape, loss, gan.discriminator)
    with g_tape:
        verdicts = gan.discriminator([x_fake, y], training=True)
        g_loss = dcgan.generator_loss(verdicts)
    dcgan.descend(gan.g_optimizer, g_tape, g_loss, gan.generator)
    dcgan.update_average(gan)
    opinions = (ops.mean(ops.sigmoid(logits)) for logits in (real, fake))
    return d_loss, g_loss, *opinions


def beliefs(gan: ConditionalGan, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell D every label for every image; return its mean logits.

    Args:
        gan: the run.
        x: images (n, 28, 28, 1) in [-1, 1].
        y: true classes (n,); each of 0 to 9 occurs.

    Returns:
        (10, 10), a row for each true class, a column for each claim.
    """
    table = np.zeros((N_CLASSES, N_CLASSES))
    for claim in range(N_CLASSES):
        claims = np.full(len(x), claim)
        logits = gan.discriminator([x, claims], training=False)
        logits = pd.Series(ops.convert_to_numpy(logits)[:, 0])
        table[:, claim] = logits.groupby(np.asarray(y)).mean()
    return table


def named(images: np.ndarray) -> np.ndarray:
    """Return the digit that the judge reads in each image, int (n,)."""
    return metrics.judge(images).probabilities.argmax(axis=1)


def runs(mark: str = "2000") -> pd.DataFrame:
    """Read the runs of the study that chose nothing, and real digits.

    Args:
        mark: "800" or "2000", steps without a label that took as long.

    Returns:
        One row for each run: `way`, `gamma`, `seed`, `steps`, `fcd` of 5,000
        samples v holdout; `agreement`, `hardest` (FCD of the class with the
        largest) and `diversity` (samples of a class that the judge reads as
        ordered, mean distance over that of real ones), means over classes,
        NaN without a label; `fcd_balanced`, only without one. The way "real
        digits" is no run.
    """
    found = []
    for row in _rows():
        if row["seed"] >= 100 or "marks" not in row:
            continue
        reading = row["marks"].get(mark) or row["marks"].get("0")
        kept = {k: row[k] for k in ("way", "gamma", "seed")} | reading
        if "class_fcd" in kept:
            kept["hardest"] = max(kept["class_fcd"])
            for name in ("agreement", "diversity"):
                kept[name] = float(np.mean(kept[name]))
        found.append(kept)
    return pd.DataFrame(found).drop(columns="class_fcd")


def costs() -> pd.Series:
    """Return what a step of each way costs, over one without a label."""
    rows = [row for row in _rows() if "ratio" in row]
    ways = [row["way"].removesuffix(", cost") for row in rows]
    return pd.Series([row["ratio"] for row in rows], ways, name="time a step")


def _rows() -> list[dict]:
    """Return the rows of the study."""
    return json.loads(RECORD.read_text(encoding="utf-8"))["runs"]


def dots(
    title: str,
    table: pd.DataFrame,
    panels: dict[str, str],
    order: Sequence[str] = (),
) -> Figure:
    """Draw runs as dots: a row for each way, a panel for each measure.

    A bar marks the median. FCDs lie on a logarithmic axis with a line at
    each doubling.

    Args:
        title: what the figure finds.
        table: as `runs` returns it; "real digits" become a line.
        panels: column -> its name, with unit.
        order: of the ways, from above; by rising FCD unless given.

    Returns:
        The figure, for `show`.
    """
    ways = table[table["way"] != "real digits"]
    real = table[table["way"] == "real digits"]
    by_fcd = ways.groupby("way")["fcd"].median().sort_values()
    order = order or [*by_fcd.index]
    size = {"figsize": (10, 0.5 * len(order) + 1.9), "sharey": True}
    fig, axes = plt.subplots(1, len(panels), squeeze=False, **size)
    for ax, (column, name) in zip(axes[0], panels.items(), strict=True):
        for row, way in enumerate(order):
            values = ways.loc[ways["way"] == way, column].dropna()
            look = {"color": views.FAKE, "alpha": 0.7, "mec": "white"}
            ax.plot(values, [row] * len(values), "o", ms=9, **look)
            ax.plot(values.median(), row, "|", ms=20, mew=3, color="black")
            if len(values):
                text = f"{values.median():.{1 if column == 'fcd' else 3}f}"
                at = {"xytext": (0, 12), "textcoords": "offset points"}
                at |= {"ha": "center", "fontsize": 12}
                ax.annotate(text, (values.median(), row), **at)
        if len(real):
            look = {"color": views.REAL, "ls": "--", "label": "real digits"}
            ax.axvline(real[column].iloc[0], **look)
        ax.set(xlabel=name, ylim=(len(order) - 0.5, -0.7))
        ax.locator_params(axis="x", nbins=4)
        if column == "fcd":
            ticks = [1, 2, 4, 8, 16]
            ax.set(xscale="log", xlabel=f"{name} (doubles at each line)")
            ax.set_xticks(ticks, ticks)
            low, high = table[column].min(), table[column].max()
            ax.set_xlim(min(1, 0.8 * low), 1.35 * high)
            ax.minorticks_off()
            ax.grid(axis="x", alpha=0.3)
        ax.set_yticks(range(len(order)), order)
        ax.grid(axis="y", alpha=0.3)
    axes[0, 0].plot([], [], "o", color=views.FAKE, label="a run")
    axes[0, 0].plot([], [], "|", mew=3, color="black", label="median")
    views.headline(fig, title)
    views.share_legend(fig, axes[0, 0], "outside upper right", 3)
    return fig


def shares(title: str, hits: dict[str, np.ndarray]) -> Figure:
    """Draw shares with their exact binomial intervals of 95 %.

    Args:
        title: what the figure finds.
        hits: name -> whether each trial succeeded, bool (n,); real ones
            come first, in grey.

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 0.5 * len(hits) + 1.4))
    for row, one in enumerate(hits.values()):
        found = stats.binomtest(int(np.sum(one)), len(one))
        share, ends = found.statistic, found.proportion_ci()
        color = views.REAL if row == 0 else views.FAKE
        ax.plot(ends, (row, row), "-", lw=3, color=color)
        ax.plot(share, row, "o", ms=9, color=color)
        at = {"xytext": (0, 8), "textcoords": "offset points", "ha": "center"}
        ax.annotate(f"{share:.3f}", (share, row), **at)
    ax.set_yticks(range(len(hits)), list(hits))
    ax.set(xlabel="share that the judge names rightly, and 95 % interval")
    ax.set(ylim=(len(hits) - 0.5, -0.7))
    views.headline(fig, title)
    return fig


def write_numbers(
    ax: plt.Axes, values: np.ndarray, limit: float, digits: int
) -> None:
    """Write values (rows, columns) into the cells of an image of them, in
    white below a limit."""
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value < limit else "black"
        at = {"ha": "center", "va": "center", "fontsize": 12, "color": ink}
        number = np.round(value, digits) + 0  # no -0.0
        ax.text(column, row, f"{number:.{digits}f}", **at)


def heat(title: str, values: np.ndarray) -> Figure:
    """Draw a table of ten digits by ten claims, its numbers in the cells.

    Colours end at the largest true claim, so that one far value does not
    pale the others.

    Args:
        title: what the figure finds.
        values: (10, 10), a row for each digit, a column for each claim.

    Returns:
        The figure, for `show`.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    values = check_array("values", values, "10 10")
    fig, ax = plt.subplots(figsize=(7.6, 5.4))
    most = np.abs(np.diag(values)).max()
    look = {"cmap": DIVERGING, "aspect": "auto", "vmin": -most, "vmax": most}
    image = ax.imshow(values, **look)  # 0, in the middle, is white
    write_numbers(ax, values, -0.6 * most, 2)
    ax.set(xlabel="claim that D is told", ylabel="digit that D sees")
    ax.set(xticks=range(10), yticks=range(10))
    for k in range(N_CLASSES):  # the true claims
        corner = k - 0.5, k - 0.5
        look = {"fc": "none", "ec": "black", "lw": 2.5}
        ax.add_patch(plt.Rectangle(corner, 1, 1, **look))
    beyond = 2 * (values.min() < -most) + (values.max() > most)
    ends = ("neither", "max", "min", "both")[beyond]
    label = "mean logit of D (above 0: believes)"
    fig.colorbar(image, extend=ends, label=label)
    views.headline(fig, title)
    return fig


def scatter(title: str, values: dict[str, np.ndarray]) -> Figure:
    """Draw a dot for each trial, one measure against another; 0 has lines.

    Args:
        title: what the figure finds; their correlation is added to it.
        values: name, with unit -> values (n,), of two measures.

    Returns:
        The figure, for `show`.
    """
    (xlabel, x), (ylabel, y) = values.items()
    fig, ax = plt.subplots(figsize=(6.4, 4.4))
    ax.plot(x, y, "o", ms=5, alpha=0.5, color=views.FAKE, mec="none")
    for line in (ax.axhline, ax.axvline):
        line(0, lw=1, color=views.REAL, zorder=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    views.headline(fig, f"{title} Correlation {np.corrcoef(x, y)[0, 1]:.2f}")
    return fig
