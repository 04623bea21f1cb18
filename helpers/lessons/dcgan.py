"""The light DCGAN of lesson 03: networks, losses, one step, its history."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import runtime, training, views
from helpers.backend import keras, layers, ops, tf
from helpers.training import generate, sample_z


def build_generator(latent_dim: int, width: int = 64) -> keras.Model:
    """Build the light DCGAN generator for 28x28 grey images.

    A dense start of 7x7, then two 4x4 transposed convolutions of stride 2
    (Radford, Metz, Chintala, arXiv:1511.06434, section 3; a kernel that the
    stride divides overlaps evenly).

    Args:
        latent_dim: length of z.
        width: feature maps of the 7x7 start, an even number.

    Returns:
        A model (n, latent_dim) -> (n, 28, 28, 1), values in [-1, 1].
    """
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(7 * 7 * width, use_bias=False),
            layers.Reshape((7, 7, width)),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2DTranspose(
                width // 2, 4, strides=2, padding="same", use_bias=False
            ),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Conv2DTranspose(
                1, 4, strides=2, padding="same", activation="tanh"
            ),
        ],
        name="generator",
    )


def build_discriminator(width: int = 32) -> keras.Model:
    """Build the light DCGAN discriminator for 28x28 grey images.

    Two 4x4 convolutions of stride 2 with LeakyReLU of slope 0.2
    (arXiv:1511.06434, sections 3 and 4), a 3x3 convolution between them that
    keeps the 14x14 positions, a hidden dense layer, then one logit an image.

    Args:
        width: feature maps of the 7x7 end, an even number.

    Returns:
        A model (n, 28, 28, 1) -> (n, 1), logits.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(width // 2, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(width // 2, 3, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(width, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dense(4 * width),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(1),
        ],
        name="discriminator",
    )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes one training run: networks, optimiser, batch and seed.

    Attributes:
        seed: every random draw of the run follows from it.
        latent_dim: length of z.
        width: feature maps of the generator at 7x7.
        d_width: feature maps of the discriminator at 7x7.
        batch_size: real images a step.
        learning_rate: Adam's, both networks.
        beta_1: Adam's, both networks; DCGAN has 0.5.
        beta_2: Adam's, both networks.
        ema_decay: share of the old average kept at each step.
        r1_gamma: weight of `slope_penalty`.
    """

    seed: int
    latent_dim: int = 64
    width: int = 64
    d_width: int = 32
    batch_size: int = 64
    learning_rate: float = 2e-3
    beta_1: float = 0.0
    beta_2: float = 0.9
    ema_decay: float = 0.995
    r1_gamma: float = 10.0


@dataclasses.dataclass(kw_only=True)
class Gan(training.Run):
    """The state of one run: networks, optimisers, step and history.

    Attributes:
        recipe: what it was built from.
        generator: z (n, latent_dim) -> images (n, 28, 28, 1).
        discriminator: images -> logits (n, 1).
        average: generator whose weights are the moving average.
        g_optimizer: of the generator.
        d_optimizer: of the discriminator.
    """

    COLUMNS = ("step", "seconds", "d_loss", "g_loss", "d_real", "d_fake")
    PARTS = (
        "generator",
        "discriminator",
        "average",
        "g_optimizer",
        "d_optimizer",
    )
    recipe: Recipe
    generator: keras.Model
    discriminator: keras.Model
    average: keras.Model
    g_optimizer: keras.optimizers.Optimizer
    d_optimizer: keras.optimizers.Optimizer

    def draw(self, z: np.ndarray) -> np.ndarray:
        """Draw images (n, 28, 28, 1) of the average generator for z."""
        return generate(self.average, z)

    def take_step(self, x_real: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Take `train_step`."""
        return train_step(self, x_real)

    def draw_history(self, axes: Sequence[plt.Axes]) -> None:
        """Draw the losses, and what D thinks of real and generated images.

        Args:
            axes: two; the second stays empty where a step did not return
                D's opinion.
        """
        table = self.table()
        losses = {
            "d_loss": ("discriminator", views.DISCRIMINATOR, "--"),
            "g_loss": ("generator", views.GENERATOR, "-"),
        }
        views.draw_curves(axes[0], table, losses)
        axes[0].set_ylabel("loss (nats)")
        # The same axis for all runs, so that they can be compared; longer
        # only where a curve of this figure needs it.
        panels = axes[0].get_shared_y_axes().get_siblings(axes[0])
        lines = [line.get_ydata() for ax in panels for line in ax.lines]
        axes[0].set_ylim(0, max([3.0, *(1.1 * np.max(y) for y in lines)]))
        for level, name, color in (
            (np.log(4), "log 4", views.DISCRIMINATOR),
            (np.log(2), "log 2", views.GENERATOR),
        ):
            axes[0].axhline(level, color=color, lw=0.8, ls=":")
            axes[0].annotate(
                name,
                (1, level),
                xycoords=("axes fraction", "data"),
                color=color,
            )
        opinions = {
            "d_real": ("D(x), real", views.REAL, "--"),
            "d_fake": ("D(G(z)), generated", views.FAKE, "-"),
        }
        views.draw_curves(axes[1], table, opinions)
        axes[1].set_ylabel("probability of real")
        axes[1].axhline(0.5, color=views.REAL, lw=0.8, ls=":")
        axes[1].set_ylim(0, 1)


def build_optimizer(  # not taught
    recipe: Recipe, model: keras.Model
) -> keras.optimizers.Optimizer:
    """Build the Adam of one network, for its trainable variables alone.

    Args:
        recipe: learning rate and betas.
        model: the network that it will move.

    Returns:
        A built optimiser, its running means 0.
    """
    optimizer = keras.optimizers.Adam(
        recipe.learning_rate, recipe.beta_1, recipe.beta_2
    )
    optimizer.build(model.trainable_variables)
    return optimizer


def assemble(  # not taught
    recipe: Recipe,
    make_generator: Callable[[], keras.Model],
    make_discriminator: Callable[[], keras.Model],
    kind: type[Gan] = Gan,
) -> Gan:
    """Put a run together; without a decay, the average is the generator.

    Args:
        recipe: seed and optimisers.
        make_generator: builds G; called twice where there is an average.
        make_discriminator: builds D.
        kind: of run.

    Returns:
        An untrained run.
    """
    keras.utils.set_random_seed(recipe.seed)
    generator, discriminator = make_generator(), make_discriminator()
    average = generator
    if recipe.ema_decay:
        average = make_generator()
        average.set_weights(generator.get_weights())
    return kind(
        recipe=recipe,
        generator=generator,
        discriminator=discriminator,
        average=average,
        g_optimizer=build_optimizer(recipe, generator),
        d_optimizer=build_optimizer(recipe, discriminator),
    )


def build_gan(recipe: Recipe) -> Gan:  # not taught
    """Build fresh networks and optimisers; the same recipe, the same weights.

    Args:
        recipe: what to build.

    Returns:
        An untrained run.
    """
    return assemble(
        recipe,
        lambda: build_generator(recipe.latent_dim, recipe.width),
        lambda: build_discriminator(recipe.d_width),
    )


def discriminator_loss(
    logits_real: tf.Tensor, logits_fake: tf.Tensor
) -> tf.Tensor:
    """Binary cross-entropy with real = 1 and fake = 0, summed over both.

    The negative of the value function (Goodfellow et al., arXiv:1406.2661,
    equation 1): -log D(x) = softplus(-logit), -log(1 - D) = softplus(logit).

    Args:
        logits_real: (n, 1), of real images.
        logits_fake: (n, 1), of generated images.

    Returns:
        Scalar, nats; log 4 where D says 1/2 everywhere.
    """
    loss_real = ops.mean(ops.softplus(-logits_real))
    loss_fake = ops.mean(ops.softplus(logits_fake))
    return loss_real + loss_fake


def generator_loss(logits_fake: tf.Tensor) -> tf.Tensor:
    """Non-saturating loss -log D(G(z)) (arXiv:1406.2661, section 3).

    Args:
        logits_fake: (n, 1), of generated images.

    Returns:
        Scalar, nats; log 2 where D says 1/2.
    """
    return ops.mean(ops.softplus(-logits_fake))


def slope_penalty(gan: Gan, x_real: tf.Tensor) -> tf.Tensor:
    """Return how steep D is at real images, weighted (R1).

    gamma / 2 times the mean squared norm of the gradient of the logit with
    respect to the image (Mescheder, Geiger, Nowozin, arXiv:1801.04406,
    section 4.1 and theorem 4.1).

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].

    Returns:
        Scalar, nats.
    """
    x_real = ops.convert_to_tensor(x_real)
    with tf.GradientTape() as slope_tape:
        slope_tape.watch(x_real)
        logits = gan.discriminator(x_real, training=True)
    slopes = slope_tape.gradient(logits, x_real)
    squares = ops.sum(ops.square(slopes), axis=(1, 2, 3))
    return gan.recipe.r1_gamma / 2 * ops.mean(squares)


def descend(
    optimizer: keras.optimizers.Optimizer,
    tape: tf.GradientTape,
    loss: tf.Tensor,
    model: keras.Model,
) -> None:
    """Move one network's weights against the gradient of a loss.

    Args:
        optimizer: built for these weights.
        tape: recorded the loss; it is used up.
        loss: scalar.
        model: the network.
    """
    weights = model.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)


def discriminator_step(  # not taught
    gan: Gan, x_real: tf.Tensor, x_fake: tf.Tensor
) -> tuple:
    """Update the discriminator once; the generator's weights stay.

    The penalty looks at every fourth real image, for time: its mean over them
    has the same expected value as over all, and is noisier.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].
        x_fake: generated images (n, 28, 28, 1).

    Returns:
        Loss without the penalty, logits of the real and of the generated
        images.
    """
    n = ops.shape(x_real)[0]
    x_both = ops.concatenate([x_real, x_fake])
    with tf.GradientTape() as d_tape:
        logits = gan.discriminator(x_both, training=True)
        logits_real, logits_fake = logits[:n], logits[n:]
        d_loss = discriminator_loss(logits_real, logits_fake)
        loss = d_loss + slope_penalty(gan, x_real[::4])
    descend(gan.d_optimizer, d_tape, loss, gan.discriminator)
    return d_loss, logits_real, logits_fake


def generator_step(  # not taught
    gan: Gan, x_fake: tf.Tensor, g_tape: tf.GradientTape
) -> tf.Tensor:
    """Update the generator once; the discriminator's weights stay.

    Args:
        gan: the run.
        x_fake: generated images (n, 28, 28, 1).
        g_tape: the tape that recorded how the generator drew them; it is
            used up.

    Returns:
        Loss.
    """
    with g_tape:
        logits_fake = gan.discriminator(x_fake, training=True)
        g_loss = generator_loss(logits_fake)
    descend(gan.g_optimizer, g_tape, g_loss, gan.generator)
    return g_loss


def update_average(gan: Gan) -> None:
    """Move the average towards the generator, fast at first.

    Decay min(ema_decay, (1 + t) / (10 + t)) at step t, so that the random
    start is forgotten within the first steps.

    Args:
        gan: the run.
    """
    t = ops.cast(gan.step, "float32")
    decay = ops.minimum(gan.recipe.ema_decay, (1 + t) / (10 + t))
    for slow, fast in zip(
        gan.average.variables, gan.generator.variables, strict=True
    ):
        slow.assign(decay * slow + (1 - decay) * fast)


def draw_z(gan: Gan, x_real: tf.Tensor) -> tf.Tensor:  # not taught
    """Draw one z for each real image, a function of seed and step.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1); a last batch may be smaller.

    Returns:
        float32 (n, latent_dim).
    """
    n = ops.shape(x_real)[0]
    recipe = gan.recipe
    return sample_z(n, recipe.latent_dim, recipe.seed, gan.step)


def train_step(  # not taught
    gan: Gan, x_real: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Take one step: discriminator, generator, average.

    It moves the weights as the step of lesson 03 does, and is a sixth faster:
    the images are drawn once, and D sees real and generated ones in one pass.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].

    Returns:
        d_loss, g_loss, mean D(x), mean D(G(z)), the last two before the
        update.
    """
    z = draw_z(gan, x_real)
    with tf.GradientTape() as g_tape:
        x_fake = gan.generator(z, training=True)
    d_loss, logits_real, logits_fake = discriminator_step(gan, x_real, x_fake)
    g_loss = generator_step(gan, x_fake, g_tape)
    update_average(gan)
    d_real = ops.mean(ops.sigmoid(logits_real))
    d_fake = ops.mean(ops.sigmoid(logits_fake))
    return d_loss, g_loss, d_real, d_fake


def moved(gan: Gan, move: Callable[[], Any]) -> tuple[int, int]:  # not taught
    """Make a move; return how many arrays of D and of G it changed."""
    networks = gan.discriminator, gan.generator
    old = [network.get_weights() for network in networks]
    move()
    new = [network.get_weights() for network in networks]
    return tuple(
        sum(not np.array_equal(a, b) for a, b in zip(*pair, strict=True))
        for pair in zip(old, new, strict=True)
    )


def ladder() -> pd.DataFrame:  # not taught
    """Return the recorded FCD of lesson 03's runs: a row a seed, a column a
    cure, each on top of those before it."""
    file = runtime.ROOT / "data" / "results" / "03_live_runs.json"
    runs = pd.DataFrame(json.loads(file.read_text(encoding="utf-8"))["runs"])
    of = runs.set_index(["change", "seed"])
    plain = of.loc["beta_1 0.5 for 0, no penalty"]
    rungs = {"plain": plain["fcd_last_weights"], "+ average": plain["fcd"]}
    rungs["+ beta_1 = 0"] = of.loc["no penalty", "fcd"]
    rungs["+ penalty"] = of.loc["as in the lesson", "fcd"]
    return pd.DataFrame(rungs).dropna()


def ladder_figure(title: str, rungs: pd.DataFrame) -> Figure:  # not taught
    """Draw a line a seed, from rung to rung; that of the lesson thick.

    Args:
        title: what the figure finds.
        rungs: as `ladder` returns it; its row 0 has the lesson's seed, 3.

    Returns:
        The figure, for `show`.
    """
    fig, ax = plt.subplots(figsize=(10, 0.75 * rungs.shape[1] + 1.2))
    places = range(rungs.shape[1])
    stroke = {"color": views.FAKE, "marker": "|", "ms": 24}
    dashes = itertools.cycle(["-", "--", ":", "-.", (0, (8, 2))])
    for (seed, values), ls in zip(rungs.iterrows(), dashes, strict=False):
        width = 3 if seed == rungs.index[0] else 1.3
        ax.plot(values, places, ls=ls, lw=width, mew=width + 0.5, **stroke)
    at = {"xytext": (8, -16), "textcoords": "offset points"}
    spot = rungs.iloc[0, 0], 0
    ax.annotate("seed 3", spot, **at, color=views.FAKE, fontsize=12)
    medians = rungs.median()
    names = [f"{name}\nmedian {fcd:.0f}" for name, fcd in medians.items()]
    ax.set_yticks(places, names)
    ax.set(xlabel="FCD (left is better)", ylim=(rungs.shape[1] - 0.5, -0.5))
    ax.grid(axis="x", alpha=0.3)
    views.headline(fig, title)
    return fig
