"""The networks of the course."""

import functools
from collections.abc import Callable

import keras
from keras import layers


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


@_sizes_checked
def build_encoder(latent_dim: int, width: int = 64) -> keras.Model:
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
def build_decoder(latent_dim: int, width: int = 64) -> keras.Model:
    """Build the decoder of the VAE: the generator, its last tanh left off.

    Args:
        latent_dim: length of z.
        width: as in `build_generator`.

    Returns:
        A model (n, latent_dim) -> (n, 28, 28, 1), the logit of each pixel.

    Raises:
        ValueError: latent_dim below 1, or a width that is odd or below 2.
    """
    hidden = build_generator(latent_dim, width).layers[:-1]
    pixels = layers.Conv2DTranspose(1, 4, strides=2, padding="same")
    return keras.Sequential(
        [keras.Input((latent_dim,)), *hidden, pixels], name="decoder"
    )


@_sizes_checked
def build_vae(  # not taught
    latent_dim: int, width: int = 64
) -> keras.Model:
    """Put encoder and decoder into one model, with one set of weights.

    Args:
        latent_dim: length of z.
        width: as in `build_generator`.

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


def build_classifier(dropout: float = 0.4) -> keras.Model:  # not taught
    """Build the classifier of digits whose features judge the pictures.

    Three convolutions, then a layer of 64 features and ten logits. It ends
    in logits; `metrics.judge` reads the features and the probabilities.

    Args:
        dropout: share of inputs dropped in training before each dense layer.

    Returns:
        A model (n, 28, 28, 1) in [-1, 1] -> (n, 10), logits; its layer
        "features" gives (n, 64), not negative.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 4, strides=2, padding="same"),
            layers.ReLU(),
            layers.Conv2D(32, 3, padding="same"),
            layers.ReLU(),
            layers.Conv2D(48, 4, strides=2, padding="same"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(64, activation="relu", name="features"),
            layers.Dropout(dropout),
            layers.Dense(10, name="logits"),
        ],
        name="classifier",
    )
