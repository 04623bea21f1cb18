"""Lesson 07: networks that are given a picture and return a picture."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.transforms import Bbox

from helpers import training, views
from helpers.backend import keras, layers, ops, tf
from helpers.data import check_array
from helpers.lessons import conditional, dcgan

SIDE = 28
HOLES = ("half", "square", "any")


def block(x: tf.Tensor, width: int) -> tf.Tensor:
    """Apply a 3x3 convolution, batch normalisation, a LeakyReLU (0.2)."""
    x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.LeakyReLU(negative_slope=0.2)(x)


def build_unet(
    width: int = 16, channels: int = 2, activation: str = "tanh"
) -> keras.Model:
    """Build a U-Net: down twice, up twice, with two skip connections.

    As Ronneberger, Fischer, Brox, arXiv:1505.04597, figure 1, with two levels
    instead of four, strides instead of pooling, padding, and batch
    normalisation.

    Args:
        width: feature maps at full size; twice and four times as many below.
        channels: of the pictures that it is given.
        activation: of the last layer; "linear" for logits.

    Returns:
        A model (n, h, w, channels) -> (n, h, w, 1); h and w are multiples
        of 4.
    """
    given = keras.Input((None, None, channels))
    fine = block(given, width)
    middle = layers.Conv2D(width, 4, strides=2, padding="same")(fine)
    middle = block(middle, 2 * width)
    low = layers.Conv2D(2 * width, 4, strides=2, padding="same")(middle)
    low = block(block(low, 4 * width), 4 * width)
    up = layers.Conv2DTranspose(2 * width, 4, strides=2, padding="same")(low)
    up = block(ops.concatenate([up, middle], axis=-1), 2 * width)
    up = layers.Conv2DTranspose(width, 4, strides=2, padding="same")(up)
    up = block(ops.concatenate([up, fine], axis=-1), width)
    drawn = layers.Conv2D(1, 3, padding="same", activation=activation)(up)
    return keras.Model(given, drawn, name="unet")


def build_discriminator(
    width: int = 32, patches: bool = False, channels: int = 2
) -> keras.Model:
    """Build lesson 03's D for a pair: what was given, and a whole picture.

    Args:
        width: feature maps of the 7x7 end, an even number.
        patches: whether each of the 7x7 places has a logit of its own, as in
            PatchGAN (Isola et al., arXiv:1611.07004, section 3.2.2), instead
            of one logit for the picture.
        channels: of what was given.

    Returns:
        A model [(n, 28, 28, channels), (n, 28, 28, 1)] -> logits, (n, 1) or
        (n, 7, 7, 1).
    """
    given = keras.Input((SIDE, SIDE, channels))
    picture = keras.Input((SIDE, SIDE, 1))
    h = ops.concatenate([given, picture], axis=-1)
    hidden = conditional.hidden_layers(width)
    for layer in hidden[:6] if patches else hidden:
        h = layer(h)
    last = layers.Conv2D(1, 3, padding="same") if patches else layers.Dense(1)
    return keras.Model([given, picture], last(h), name="discriminator")


def half_mask() -> np.ndarray:
    """Return the mask that hides the right half, float32 (1, 28, 28, 1)."""
    mask = np.zeros((1, SIDE, SIDE, 1), "float32")
    mask[:, :, SIDE // 2 :] = 1
    return mask


def boxes(top_left: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return masks that hide a box each.

    Args:
        top_left: row and column of its corner, int (n, 2).
        size: height and width, int (n, 2).

    Returns:
        float32 (n, 28, 28, 1), 1 inside the box.
    """
    at = ops.arange(SIDE)[None, :, None]
    begin, end = top_left[:, None], (top_left + size)[:, None]
    inside = ops.cast((at >= begin) & (at < end), "float32")  # (n, 28, 2)
    return (inside[:, :, None, 0] * inside[:, None, :, 1])[..., None]


def masks(hole: str, n: int, seed: int, step: int) -> tf.Tensor:
    """Draw masks; the same seed and step, the same masks.

    Args:
        hole: "half", the right half; "square", 14x14 pixels anywhere in the
            middle 20x20; "any", a box with sides of 8 to 28 pixels anywhere.
        n: how many.
        seed: the run's seed.
        step: the step they are for.

    Returns:
        float32 (n, 28, 28, 1), 1 where the picture is hidden.

    Raises:
        ValueError: another hole.
    """
    if hole not in HOLES:
        raise ValueError(
            f"hole: expected one of {', '.join(HOLES)}, found {hole!r}."
        )
    if hole == "half":
        return ops.broadcast_to(half_mask(), (n, SIDE, SIDE, 1))
    share = tf.random.stateless_uniform((n, 4), (seed, step))
    low, high, margin = (14, 14, 4) if hole == "square" else (8, SIDE, 0)

    def whole(below: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        return ops.cast(share * ops.cast(below, "float32"), "int32")

    size = low + whole(high - low + 1, share[:, :2])
    corner = margin + whole(SIDE - 2 * margin - size + 1, share[:, 2:])
    return boxes(corner, size)


def damage(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Paint the hole black and put the mask beside the picture.

    Args:
        x: pictures (n, h, w, 1) in [-1, 1].
        mask: (n, h, w, 1) or (1, h, w, 1), 1 in the hole.

    Returns:
        float32 (n, h, w, 2).
    """
    mask = mask * ops.ones_like(x)
    return ops.concatenate([x * (1 - mask) - mask, mask], axis=-1)


def damaged(x: np.ndarray, hole: str, seed: int = 7) -> np.ndarray:
    """Damage pictures (n, 28, 28, 1) for a comparison, always alike."""
    return ops.convert_to_numpy(damage(x, masks(hole, len(x), seed, 0)))


def paste(given: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    """Put what was drawn into the hole, and leave the rest as it was.

    Args:
        given: as `damage` returns it.
        drawn: pictures (n, h, w, 1).

    Returns:
        float32 (n, h, w, 1).
    """
    picture, mask = given[..., :1], given[..., 1:]
    return picture * (1 - mask) + drawn * mask


def fill(network: keras.Model, given: np.ndarray) -> np.ndarray:
    """Fill the holes of pictures of any size, in chunks of bounded memory.

    Args:
        network: a U-Net of two channels.
        given: as `damage` returns it, (n, h, w, 2).

    Returns:
        float32 (n, h, w, 1) in [-1, 1].

    Raises:
        ValueError: another shape, or values outside [-1, 1].
    """
    given = check_array("given", ops.convert_to_numpy(given), "n h w 2", -1, 1)
    h, w = given.shape[1:3]
    more = ((0, 0), (0, -h % 4), (0, -w % 4), (0, 0))
    padded = np.pad(given, more, mode="edge")
    drawn = training.generate(network, padded)[:, :h, :w]
    return ops.convert_to_numpy(paste(given, drawn))


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes one training run.

    Attributes:
        seed: every random draw of the run follows from it.
        hole: as in `masks`.
        weight: of D's verdict beside the mean error in the hole; 0 for no D.
        channels: of what is given; 2 with a mask, 1 without.
        width: feature maps of the U-Net at full size.
        d_width: feature maps of the discriminator at 7x7.
        patches: as in `build_discriminator`.
        batch_size: pictures a step.
        learning_rate: Adam's, both networks.
        beta_1: Adam's, both networks.
        beta_2: Adam's, both networks.
        ema_decay: share of the old average kept at each step.
        r1_gamma: weight of `slope_penalty`.
    """

    seed: int
    hole: str = "half"
    weight: float = 0.0
    channels: int = 2
    width: int = 16
    d_width: int = 32
    patches: bool = False
    batch_size: int = 32
    learning_rate: float = 2e-3
    beta_1: float = 0.0
    beta_2: float = 0.9
    ema_decay: float = 0.99
    r1_gamma: float = 10.0


@dataclasses.dataclass(kw_only=True)
class Painter(dcgan.Gan):
    """A run of pix2pix's kind: G is given a picture; see `dcgan.Gan`."""

    COLUMNS = ("step", "seconds", "error", "d_loss", "d_real", "d_fake")
    recipe: Recipe

    def draw(self, given: np.ndarray) -> np.ndarray:
        """Draw with the average; a given mask says where alone."""
        draw = fill if self.recipe.channels == 2 else training.generate
        return draw(self.average, given)

    def take_step(
        self, x_real: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, ...]:
        """Take `train_step`."""
        return train_step(self, x_real, mask)

    def draw_history(self, axes: Sequence[plt.Axes]) -> None:
        """Draw the mean error in the hole, and D's loss where there is one.

        Args:
            axes: two; without a D the second vanishes, and if they lie side
                by side, the first takes the place of both.
        """
        table = self.table()
        look = {"error": ("generator", views.GENERATOR, "-")}
        views.draw_curves(axes[0], table, look)
        axes[0].set(ylabel="mean error in the hole", ylim=(0, None))
        if not np.isfinite(table["d_loss"]).any():
            axes[1].set_visible(False)
            places = [ax.get_position() for ax in axes]
            if places[0].y0 == places[1].y0:
                axes[0].set_position(Bbox.union(places))
            return
        look = {"d_loss": ("discriminator", views.DISCRIMINATOR, "--")}
        views.draw_curves(axes[1], table, look)
        level = np.log(4)
        dotted = {"color": views.DISCRIMINATOR, "lw": 0.8, "ls": ":"}
        axes[1].axhline(level, **dotted)
        place = {"xycoords": ("axes fraction", "data"), "ha": "right"}
        place |= {"color": views.DISCRIMINATOR}
        axes[1].annotate("log 4", (1, level + 0.08), **place)
        axes[1].set(ylabel="loss of D (nats)", ylim=(0, 2))


def build(recipe: Recipe) -> Painter:
    """Build fresh networks; the same recipe, the same weights."""
    return assemble(recipe, lambda: build_unet(recipe.width, recipe.channels))


def assemble(
    recipe: Recipe,
    make_unet: Callable[[], keras.Model],
    make_d: Callable[[], keras.Model] | None = None,
) -> Painter:
    """Put a run together with a U-Net of one's own.

    Args:
        recipe: seed, discriminator, optimisers.
        make_unet: builds G; called twice, for the average as well.
        make_d: builds D; by default `build_discriminator`, as in the recipe.

    Returns:
        An untrained run.
    """
    own = functools.partial(
        build_discriminator, recipe.d_width, recipe.patches
    )
    return dcgan.assemble(recipe, make_unet, make_d or own, Painter)


def slope_penalty(
    run: Painter,
    given: tf.Tensor,
    x: tf.Tensor,
    over_places: Callable = ops.mean,
) -> tf.Tensor:
    """Return `dcgan.slope_penalty` of a D with one logit, or one a place.

    Args:
        run: the run.
        given: what belongs to the pictures (n, 28, 28, 2).
        x: real pictures (n, 28, 28, 1) in [-1, 1].
        over_places: makes one number of the logits of a picture; the
            gradient of their sum is 49 times as long as that of their mean.

    Returns:
        Scalar, nats.
    """
    x = ops.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = run.discriminator([given, x], training=True)
        places = tuple(range(1, len(logits.shape)))
        logits = over_places(logits, axis=places)
    slopes = tape.gradient(logits, x)
    squares = ops.sum(ops.square(slopes), axis=(1, 2, 3))
    return run.recipe.r1_gamma / 2 * ops.mean(squares)


def train_step(
    run: Painter,
    x: tf.Tensor,
    mask: tf.Tensor | None = None,
    over_places: Callable = ops.mean,
    error: Callable = ops.abs,
) -> tuple[tf.Tensor, ...]:
    """Take one step: discriminator if its verdict counts, generator, average.

    Args:
        run: the run.
        x: whole pictures (n, 28, 28, 1) in [-1, 1].
        mask: 1 in the holes (n, 28, 28, 1); drawn as the recipe says, if it
            is not given.
        over_places: as in `slope_penalty`.
        error: of a pixel, from drawn minus true: absolute (L1), or squared.

    Returns:
        Mean error in the hole; where the weight is not 0, also d_loss, mean
        D of the real and of the filled pictures, all before the update.
    """
    n, recipe = ops.shape(x)[0], run.recipe
    if mask is None:
        mask = masks(recipe.hole, n, recipe.seed, run.step)
    given = damage(x, mask)
    with tf.GradientTape() as g_tape:
        filled = paste(given, run.generator(given, training=True))
        wrong = ops.sum(error(filled - x)) / ops.sum(mask)
        loss = wrong
    stats = (wrong,)
    if recipe.weight:
        both = ops.concatenate([given] * 2), ops.concatenate([x, filled])
        with tf.GradientTape() as tape:
            logits = run.discriminator(both, training=True)
            real, fake = logits[:n], logits[n:]
            d_loss = dcgan.discriminator_loss(real, fake)
            quarter = given[::4], x[::4], over_places
            d_total = d_loss + slope_penalty(run, *quarter)
        dcgan.descend(run.d_optimizer, tape, d_total, run.discriminator)
        with g_tape:
            verdicts = run.discriminator([given, filled], training=True)
            g_loss = dcgan.generator_loss(verdicts)
            alone = np.isinf(recipe.weight)
            loss = g_loss if alone else wrong + recipe.weight * g_loss
        opinions = (ops.mean(ops.sigmoid(a)) for a in (real, fake))
        stats = (wrong, d_loss, *opinions)
    dcgan.descend(run.g_optimizer, g_tape, loss, run.generator)
    dcgan.update_average(run)
    return stats


def pair_step(
    run: Painter, x: tf.Tensor, given: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Take one step towards given targets, by the mean absolute error.

    Args:
        run: the run.
        x: targets (n, 28, 28, 1) in [-1, 1].
        given: what belongs to them (n, 28, 28, channels).

    Returns:
        Mean absolute error, before the update.
    """
    with tf.GradientTape() as tape:
        error = ops.mean(ops.abs(run.generator(given, training=True) - x))
    dcgan.descend(run.g_optimizer, tape, error, run.generator)
    dcgan.update_average(run)
    return (error,)
