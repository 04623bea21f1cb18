"""The variational autoencoder: its objective, its step and its bounds.

Everything is in nats an image. The data are binary: each pixel is drawn
white, 1, or black, -1, with its grey level as the probability of white.
"""

import dataclasses
import itertools
from collections.abc import Mapping

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.figure import Figure
from scipy import special

from helpers import training, views
from helpers.data import check_images, checked
from helpers.models import build_vae
from helpers.training import sample_z

ACTIVE = 0.01  # variance of a latent mean over images
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
CHUNK = 500  # images through the decoder at a time: some 30 MB


@dataclasses.dataclass(frozen=True)
class VaeRecipe:
    """What makes one training run of a VAE.

    Attributes:
        seed: every random draw of the run follows from it.
        n_steps: length of the run; the learning rate falls to 0 over it.
        latent_dim: length of z.
        width: feature maps of encoder and decoder at 7x7.
        batch_size: images a step.
        learning_rate: Adam's, at the start.
        kl_weight: of the KL divergence in the loss; 1 for the ELBO.
    """

    seed: int
    n_steps: int
    latent_dim: int = 10
    width: int = 64
    batch_size: int = 64
    learning_rate: float = 4e-3
    kl_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that no run can have.

        Raises:
            ValueError: names the number and what was expected.
        """
        for name in ("n_steps", "latent_dim", "width", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1 + (name == "width"):
                raise ValueError(
                    f"{name} is {value}; expected a whole number of at least "
                    f"{1 + (name == 'width')}."
                )
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(
                f"learning_rate is {self.learning_rate}; expected a positive "
                "number."
            )
        if not 0 <= self.kl_weight < np.inf:
            raise ValueError(
                f"kl_weight is {self.kl_weight}; expected 0 or more."
            )


@dataclasses.dataclass(kw_only=True)
class Vae(training.Run):
    """The state of one run.

    Attributes:
        recipe: what it was built from.
        model: encoder and decoder, as `build_vae` makes them.
        optimizer: of both.
    """

    COLUMNS = ("step", "seconds", "reconstruction", "kl")
    PARTS = ("model", "optimizer")
    recipe: VaeRecipe
    model: keras.Model
    optimizer: keras.optimizers.Optimizer

    def draw(self, z: np.ndarray) -> np.ndarray:
        """Draw the mean images (n, 28, 28, 1) for z (n, latent_dim)."""
        return mean_images(self.model, z)

    def compile(self) -> tf.types.experimental.PolymorphicFunction:
        """Return the compiled step, a function of images (n, 28, 28, 1)."""
        return training.compile_step(self, vae_step)


def build_run(recipe: VaeRecipe) -> Vae:  # not taught
    """Build networks and optimiser anew; the same recipe, the same weights.

    Args:
        recipe: what to build.

    Returns:
        An untrained run, for `training.fit`.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = build_vae(recipe.latent_dim, recipe.width)
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate, recipe.n_steps
        )
    )
    optimizer.build(model.trainable_variables)
    return Vae(recipe=recipe, model=model, optimizer=optimizer)


@checked(images="n 28 28 1")
def binarise(images: tf.Tensor, seed: int, step: int) -> tf.Tensor:
    """Draw each pixel white or black, its grey level the chance of white.

    Args:
        images: (n, 28, 28, 1) in [-1, 1].
        seed: of the draw.
        step: of the run; the same seed and step, the same draw.

    Returns:
        float32 of the same shape, each -1 or 1.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    # No step of z is negative, so z is drawn from other numbers.
    key = (seed, -1 - step)
    u = tf.random.stateless_uniform(ops.shape(images), seed=key)
    return ops.where((images + 1) / 2 > u, 1.0, -1.0)


@checked(mean="n d", log_variance="n d")
def kl_to_prior(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL divergence from N(mean, variance) to N(0, I), for each image.

    Kingma, Welling, arXiv:1312.6114, appendix B.

    Args:
        mean: (n, latent_dim).
        log_variance: (n, latent_dim), of a diagonal covariance.

    Returns:
        (n,), nats, not negative.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    terms = ops.square(mean) + ops.exp(log_variance) - log_variance - 1
    return ops.sum(terms, axis=1) / 2


@checked(x="n 28 28 1", logits="n 28 28 1")
def reconstruction_loss(x: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of all pixels of each image: -log p(x | z).

    Args:
        x: binary images (n, 28, 28, 1), each pixel -1 or 1.
        logits: of the same shape, of white.

    Returns:
        (n,), nats, not negative.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    return ops.sum(ops.softplus(-x * logits), axis=(1, 2, 3))


def vae_step(run: Vae, x_real: tf.Tensor) -> tf.Tensor:
    """Take one step of gradient ascent on the ELBO.

    Args:
        run: the run.
        x_real: grey images (n, 28, 28, 1) in [-1, 1].

    Returns:
        float32 (2,): reconstruction loss and KL, means over the batch, in
        nats, before the update.
    """
    recipe, step, n = run.recipe, run.step, ops.shape(x_real)[0]
    x = binarise(x_real, recipe.seed, step)
    noise = sample_z(n, recipe.latent_dim, recipe.seed, step)
    encoder, decoder = map(run.model.get_layer, ("encoder", "decoder"))
    with tf.GradientTape() as tape:
        mean, log_variance = ops.split(encoder(x, training=True), 2, axis=1)
        z = mean + ops.exp(log_variance / 2) * noise
        logits = decoder(z, training=True)
        reconstruction = ops.mean(reconstruction_loss(x, logits))
        kl = ops.mean(kl_to_prior(mean, log_variance))
        loss = reconstruction + recipe.kl_weight * kl
    variables = run.model.trainable_variables
    run.optimizer.apply(tape.gradient(loss, variables), variables)
    run.step.assign_add(1)
    return ops.stack([reconstruction, kl])


def encode(  # not taught
    model: keras.Model, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and log-variance of q(z | x), in inference mode.

    Args:
        model: as `build_vae` makes it.
        x: binary images, float32 (n, 28, 28, 1), each pixel -1 or 1.

    Returns:
        Two float32 arrays (n, latent_dim).

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            grey ones.
    """
    x = _check_binary(x)
    both = training.generate(model.get_layer("encoder"), x)
    mean, log_variance = np.split(both, 2, axis=1)
    return mean, log_variance


@checked(mean="n d")
def active_units(mean: np.ndarray) -> int:  # not taught
    """Count the latent units whose mean differs from image to image.

    Burda et al., arXiv:1509.00519: the variance of the mean of q(z | x) over
    images, here above 0.01.

    Args:
        mean: of q(z | x), (n, latent_dim).

    Returns:
        0 to latent_dim.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    return int((np.asarray(mean).var(axis=0) > ACTIVE).sum())


@checked(z="n d")
def mean_images(  # not taught
    model: keras.Model, z: np.ndarray
) -> np.ndarray:
    """Return the mean of p(x | z) as grey images, in inference mode.

    The sigmoid of a logit is the chance of white, p; the mean of a pixel
    that is -1 or 1 is 2 p - 1 = tanh(logit / 2).

    Args:
        model: as `build_vae` makes it.
        z: latent vectors (n, latent_dim).

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].

    Raises:
        ValueError: another shape or range, or not finite.
    """
    logits = training.generate(model.get_layer("decoder"), z)
    return np.tanh(logits / 2)


@checked(x="n 28 28 1", mean="n d", log_variance="n d", noise="n d")
def log_weights(
    model: keras.Model,
    x: tf.Tensor,
    mean: tf.Tensor,
    log_variance: tf.Tensor,
    noise: tf.Tensor,
) -> tf.Tensor:
    """Return log p(x, z) - log q(z | x) at one z for each image.

    Its expectation over z is the ELBO (Kingma, Welling, arXiv:1312.6114,
    equation 2).

    Args:
        model: as `build_vae` makes it.
        x: binary images (n, 28, 28, 1), each pixel -1 or 1.
        mean: of q, (n, latent_dim).
        log_variance: of q, (n, latent_dim).
        noise: standard normal (n, latent_dim); z follows from it.

    Returns:
        (n,), nats.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    z = mean + ops.exp(log_variance / 2) * noise
    logits = model.get_layer("decoder")(z, training=False)
    # Both normal densities have the factor (2 pi)^(-d / 2), which cancels.
    log_prior = -ops.sum(ops.square(z), axis=1) / 2
    log_q = -ops.sum(ops.square(noise) + log_variance, axis=1) / 2
    return log_prior - reconstruction_loss(x, logits) - log_q


def weigh(  # not taught
    model: keras.Model, x: np.ndarray, k: int, seed: int
) -> np.ndarray:
    """Return `log_weights` of k draws of z for each image.

    The mean over the draws estimates the ELBO, their log-mean-exp the
    importance-weighted bound (Burda et al., arXiv:1509.00519, section 3).

    Args:
        model: as `build_vae` makes it.
        x: binary images, float32 (n, 28, 28, 1), each pixel -1 or 1.
        k: draws an image.
        seed: of the draws.

    Returns:
        float64 (k, n), nats.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            grey ones; k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}; expected at least one draw an image.")
    mean, log_variance = encode(model, x)
    weights = np.empty((k, len(x)))
    for j in range(k):
        noise = sample_z(*mean.shape, seed, j)
        for i in range(0, len(x), CHUNK):
            part = slice(i, i + CHUNK)
            rows = x[part], mean[part], log_variance[part], noise[part]
            weights[j, part] = log_weights(model, *rows)
    return weights


@checked(weights="k n")
def bound(weights: np.ndarray) -> np.ndarray:  # not taught
    """Return the importance-weighted bound of each image.

    log mean exp over the draws (Burda et al., arXiv:1509.00519, equation 8).

    Args:
        weights: (k, n), from `weigh`.

    Returns:
        float64 (n,), nats; at least the mean of the weights.

    Raises:
        ValueError: another shape or range, or not finite.
    """
    return special.logsumexp(weights, axis=0) - np.log(len(weights))


def _check_binary(x: np.ndarray) -> np.ndarray:
    """Return the images if every pixel is -1 or 1."""
    x = check_images(x, "x")
    if not (np.abs(x) == 1).all():
        raise ValueError(
            "x: expected binary images, each pixel -1 or 1, found grey ones; "
            "draw them with binarise(images, seed, step)."
        )
    return x


def latent_map(  # not taught
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
    codes = views.finite("codes", codes, (None, 2))
    labels = views.finite("labels", labels, (len(codes),))
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
    views.draw_tiles(right, grid, side)
    right.set(title="decoded: even steps of probability")
    right.set(xlabel="z1, quantiles", ylabel="z2, quantiles")
    views.headline(fig, title)
    return fig


def trade_off(  # not taught
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
        x = views.finite(f"{name}, {xlabel}", x, (None,))
        y = views.finite(f"{name}, {ylabel}", y, x.shape)
        ax.plot(x, y, marker, color=color, ms=8)
        place = (x.max(), y[x.argmax()])
        move = {"xytext": (8, 4), "textcoords": "offset points"}
        ax.annotate(name, place, color=color, **move)
    low = min(np.min(y) for _, y in points.values())
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set(xlim=(-0.02, 1.15), ylim=(max(low - 0.05, -0.02), 1.02))
    views.headline(fig, title)
    return fig
