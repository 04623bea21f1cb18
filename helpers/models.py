"""The networks of the course."""

import keras
from keras import layers


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
