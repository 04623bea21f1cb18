"""The variational autoencoder: its objective, its step and its bounds.

Everything is in nats per image. The data are binary: each pixel is drawn
white, 1, or black, -1, with its grey level as the probability of white.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from scipy import special

from helpers import training, views
from helpers.backend import keras, layers, ops, tf
from helpers.data import check_images, checked
from helpers.training import sample_z

ACTIVE = 0.01  # variance of a latent mean over images
IGNORANT = 784 * np.log(2)  # nats if each pixel is white with chance 1/2
CHUNK = 500  # images through the decoder at a time: some 30 MB


def _sizes_checked(build: Callable) -> Callable:
    """Put a check of latent_dim and width before a builder."""

    @functools.wraps(build)
    def check_first(latent_dim: int, width: int = 64) -> keras.Model:
        if latent_dim != int(latent_dim) or latent_dim < 1:
            raise ValueError(
                f"latent_dim is {latent_dim}; expected a whole number of at "
                "least 1."
            )
        if width < 2 or width % 2:
            raise ValueError(
                f"width is {width}; expected an even number of at least 2."
            )
        return build(latent_dim, width)

    return check_first


@_sizes_checked
def build_encoder(  # not taught
    latent_dim: int, width: int = 64
) -> keras.Model:
    """Build the encoder of the VAE: the generator's grids, in reverse.

    Two 4x4 convolutions of stride 2 with LeakyReLU of slope 0.2, a hidden
    dense layer, then mean and log-variance of q(z | x), side by side.

    Args:
        latent_dim: length of z.
        width: feature maps of the 7x7 end, an even number.

    Returns:
        A model (n, 28, 28, 1) in [-1, 1] -> (n, 2 latent_dim).

    Raises:
        ValueError: latent_dim below 1, or a width that is odd or below 2.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(width // 2, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(width, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dense(2 * width),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(2 * latent_dim),
        ],
        name="encoder",
    )


@_sizes_checked
def build_decoder(  # not taught
    latent_dim: int, width: int = 64
) -> keras.Model:
    """Build the decoder of the VAE: the generator, its last tanh left off.

    Args:
        latent_dim: length of z.
        width: feature maps of the 7x7 start, an even number.

    Returns:
        A model (n, latent_dim) -> (n, 28, 28, 1), the logit of each pixel.

    Raises:
        ValueError: latent_dim below 1, or a width that is odd or below 2.
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
            layers.Conv2DTranspose(1, 4, strides=2, padding="same"),
        ],
        name="decoder",
    )


@_sizes_checked
def build_vae(  # not taught
    latent_dim: int, width: int = 64
) -> keras.Model:
    """Put encoder and decoder into one model, with one set of weights.

    Args:
        latent_dim: length of z.
        width: as in `build_decoder`.

    Returns:
        A model (n, 28, 28, 1) -> (n, 28, 28, 1), the logits at the mean of
        q(z | x); `get_layer("encoder")` and `get_layer("decoder")` are its
        two networks.

    Raises:
        ValueError: latent_dim below 1, or a width that is odd or below 2.
    """
    encoder = build_encoder(latent_dim, width)
    decoder = build_decoder(latent_dim, width)
    images = keras.Input((28, 28, 1))
    mean = encoder(images)[:, :latent_dim]
    return keras.Model(images, decoder(mean), name="vae")


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

    def take_step(self, x_real: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Take `vae_step`."""
        return vae_step(self, x_real)

    def draw_history(self, axes: Sequence[plt.Axes]) -> None:
        """Draw the two parts of the loss, with the first their sum."""
        table = self.table()
        table["sum"] = table["reconstruction"] + table["kl"]
        parts = {
            "reconstruction": ("reconstruction loss", views.GENERATOR, "-"),
            "kl": ("KL to the prior", views.DISCRIMINATOR, "--"),
        }
        for ax, (column, look) in zip(axes, parts.items(), strict=True):
            looks = {column: look}
            if column == "reconstruction":
                looks["sum"] = "sum, minus the ELBO", "black", "-."
            views.draw_curves(ax, table, looks)
            # The first steps may cost several times as much as later ones.
            held = table[column][np.isfinite(table[column])]
            if held.size:
                top = 1.2 * np.percentile(held, 95)
                if column == "reconstruction":
                    top = max(top, 1.1 * IGNORANT)
                    ax.axhline(IGNORANT, color="black", ls=":", lw=1)
                    ax.text(
                        0.99,
                        0.98 * IGNORANT,
                        "says 1/2 for each pixel",
                        transform=ax.get_yaxis_transform(),
                        ha="right",
                        va="top",
                    )
                ax.set(ylabel="nats per image", ylim=(0, top))


def build_run(recipe: VaeRecipe) -> Vae:  # not taught
    """Build networks and optimiser; the same recipe, the same weights.

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


def vae_step(run: Vae, x_real: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Take one step of gradient ascent on the ELBO.

    Args:
        run: the run.
        x_real: grey images (n, 28, 28, 1) in [-1, 1].

    Returns:
        Reconstruction loss and KL, means over the batch, in nats, before
        the update.
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
    return reconstruction, kl


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
def log_weights(  # not taught
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
