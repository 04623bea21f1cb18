"""Lesson 08: a small generator of StyleGAN's kind: z -> w -> a picture."""

import dataclasses
from collections.abc import Callable

import numpy as np

from helpers import training
from helpers.backend import keras, layers, ops, tf
from helpers.lessons import dcgan

N_SIZES = 3  # 7x7, 14x14 and 28x28, each with a style of its own


def build_mapping(
    latent_dim: int = 64, slow: float = 0.1, n_layers: int = 2
) -> keras.Model:
    """Build the network that turns z into w.

    Karras, Laine, Aila, arXiv:1812.04948, section 2 and figure 1, with two
    layers instead of eight; appendix C for a slow mapping, there 0.01.

    Args:
        latent_dim: length of z and of w.
        slow: its rate of learning over that of the rest. Weights that are so
            much larger, and outputs scaled back, come to the same under Adam.
        n_layers: 0 for a w that is z, brought to one length.

    Returns:
        A model (n, latent_dim) -> (n, latent_dim).
    """
    z = keras.Input((latent_dim,))
    w = z / ops.sqrt(ops.mean(ops.square(z), axis=1, keepdims=True))
    large = 1 / slow / latent_dim**0.5
    for _ in range(n_layers):
        start = keras.initializers.RandomNormal(stddev=large)
        w = slow * layers.Dense(latent_dim, kernel_initializer=start)(w)
        w = layers.LeakyReLU(negative_slope=0.2)(w)
    return keras.Model(z, w, name="mapping")


def styled(
    x: tf.Tensor, w: tf.Tensor, noise: tf.Tensor, filters: int, up: bool = True
) -> tf.Tensor:
    """Scale each map by a style, convolve, add noise, apply a LeakyReLU (0.2).

    arXiv:1912.04958, section 2.2, without its demodulation.

    Args:
        x: maps (n, h, w, channels).
        w: codes (n, latent_dim); the scales are linear in them.
        noise: (n, h, w, 1) of the size that goes out.
        filters: maps that go out.
        up: whether height and width double.

    Returns:
        (n, h, w, filters), or (n, 2h, 2w, filters).
    """
    scale = 1 + layers.Dense(x.shape[-1])(w)
    x = x * scale[:, None, None]
    if up:
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same")(x)
    else:
        x = layers.Conv2D(filters, 3, padding="same")(x)
    strength = {"use_bias": False, "kernel_initializer": "zeros"}
    x = x + layers.Conv2D(filters, 1, **strength)(noise)
    return layers.LeakyReLU(negative_slope=0.2)(x)


def build_synthesis(
    latent_dim: int = 64, width: int = 64, layer: Callable = styled
) -> keras.Model:
    """Build the network that draws: a learned constant, three styled layers.

    Args:
        latent_dim: length of w.
        width: maps at 7x7; half as many at 14x14, a quarter at 28x28.
        layer: does what `styled` does.

    Returns:
        A model [(n, 3, latent_dim), (n, 28, 28, 1)] -> (n, 28, 28, 1): the
        code for each size, and noise, to images in [-1, 1].
    """
    w = keras.Input((N_SIZES, latent_dim))
    noise = keras.Input((28, 28, 1))
    normal = keras.initializers.RandomNormal(stddev=1.0)
    one = ops.ones_like(w[:, 0, :1])
    x = layers.Dense(49 * width, use_bias=False, kernel_initializer=normal)(
        one
    )
    x = layers.Reshape((7, 7, width))(x)
    x = layer(x, w[:, 0], noise[:, ::4, ::4], width, up=False)
    x = layer(x, w[:, 1], noise[:, ::2, ::2], width // 2)
    x = layer(x, w[:, 2], noise, width // 4)
    image = layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
    return keras.Model([w, noise], image, name="synthesis")


def join(mapping: keras.Model, synthesis: keras.Model) -> keras.Model:
    """Join both to a generator that draws without noise.

    Args:
        mapping: z -> w.
        synthesis: [codes, noise] -> images.

    Returns:
        A model (n, latent_dim) -> (n, 28, 28, 1); its layers "mapping" and
        "synthesis" are the two.
    """
    z = keras.Input(mapping.input_shape[1:])
    codes = ops.repeat(mapping(z)[:, None], N_SIZES, axis=1)
    nothing = ops.repeat(ops.zeros_like(z[:, :1]), 28 * 28, axis=1)
    nothing = ops.reshape(nothing, (-1, 28, 28, 1))
    image = synthesis([codes, nothing])
    return keras.Model(z, image, name="generator")


def build_generator(latent_dim: int = 64, width: int = 64) -> keras.Model:
    """Build a style generator.

    Args:
        latent_dim: length of z and w.
        width: as in `build_synthesis`.

    Returns:
        As `join`.
    """
    mapping = build_mapping(latent_dim)
    return join(mapping, build_synthesis(latent_dim, width))


@dataclasses.dataclass(frozen=True)
class Recipe(dcgan.Recipe):
    """What makes a run; see `dcgan.Recipe`.

    Attributes:
        mixing: share of the images that take their style from two z.
    """

    mixing: float = 0.0


@dataclasses.dataclass(kw_only=True)
class StyleGan(dcgan.Gan):
    """A GAN with a style generator; see `dcgan.Gan`."""

    def take_step(self, x_real: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Take `train_step`."""
        return train_step(self, x_real)


def build_gan(recipe: Recipe) -> StyleGan:
    """Build fresh networks; the same recipe, the same weights."""
    latent_dim, width = recipe.latent_dim, recipe.width
    return assemble(recipe, lambda: build_generator(latent_dim, width))


def assemble(
    recipe: Recipe, make_generator: Callable[[], keras.Model]
) -> StyleGan:
    """Put a run together with a generator of one's own.

    Args:
        recipe: seed, discriminator, optimisers.
        make_generator: builds G as `join` does; called twice.

    Returns:
        An untrained run.
    """
    return dcgan.assemble(
        recipe,
        make_generator,
        lambda: dcgan.build_discriminator(recipe.d_width),
        StyleGan,
    )


def draw_codes(gan: StyleGan, x_real: tf.Tensor) -> tf.Tensor:
    """Draw codes for each real image; some change theirs on the way up.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1).

    Returns:
        (n, 3, latent_dim).
    """
    mapping, recipe = gan.generator.get_layer("mapping"), gan.recipe
    w = mapping(dcgan.draw_z(gan, x_real))
    codes = ops.repeat(w[:, None], N_SIZES, axis=1)
    if not recipe.mixing:
        return codes
    n, seed = ops.shape(x_real)[0], recipe.seed
    z = training.sample_z(n, recipe.latent_dim, seed + 1, gan.step)
    draws = tf.random.stateless_uniform((n, 2), (seed + 2, gan.step))
    first = 1 + ops.cast(draws[:, :1] * (N_SIZES - 1), "int32")
    other = (draws[:, 1:] < recipe.mixing) & (ops.arange(N_SIZES) >= first)
    return ops.where(other[..., None], mapping(z)[:, None], codes)


def train_step(gan: StyleGan, x_real: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Take one step: discriminator, generator, average.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].

    Returns:
        As `dcgan.train_step`.
    """
    shape, synthesis = ops.shape(x_real), gan.generator.get_layer("synthesis")
    noise = tf.random.stateless_normal(shape, (gan.recipe.seed + 3, gan.step))
    with tf.GradientTape() as g_tape:
        codes = draw_codes(gan, x_real)
        x_fake = synthesis([codes, noise], training=True)
    d_loss, real, fake = dcgan.discriminator_step(gan, x_real, x_fake)
    g_loss = dcgan.generator_step(gan, x_fake, g_tape)
    dcgan.update_average(gan)
    opinions = (ops.mean(ops.sigmoid(logits)) for logits in (real, fake))
    return d_loss, g_loss, *opinions


def to_w(generator: keras.Model, z: np.ndarray) -> np.ndarray:
    """Return w of z, both (n, latent_dim)."""
    return ops.convert_to_numpy(generator.get_layer("mapping")(z))


def from_w(
    generator: keras.Model, w: np.ndarray, noise: np.ndarray | None = None
) -> np.ndarray:
    """Draw images for w, in chunks of bounded memory.

    Args:
        generator: as `join` returns it.
        w: codes (n, latent_dim), or one for each size (n, 3, latent_dim).
        noise: (n, 28, 28, 1); none by default.

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].
    """
    codes = np.asarray(w, "float32")
    if codes.ndim == 2:
        codes = np.repeat(codes[:, None], N_SIZES, axis=1)
    if noise is None:
        noise = np.zeros((len(codes), 28, 28, 1), "float32")
    synthesis = generator.get_layer("synthesis")
    images = [
        synthesis([codes[i : i + 500], noise[i : i + 500]], training=False)
        for i in range(0, len(codes), 500)
    ]
    return np.concatenate([ops.convert_to_numpy(x) for x in images])
