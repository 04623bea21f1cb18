"""The classifiers of digits whose features judge the pictures."""

from helpers.backend import keras, layers


def build_classifier(dropout: float = 0.4) -> keras.Model:
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


def build_second_judge(dropout: float = 0.2) -> keras.Model:
    """Build another classifier of digits, as unlike the first as may be.

    Three stages of 3x3 convolution, batch normalisation and GELU; the
    maximum, not a stride, halves the grid, and a mean over places, not a
    dense layer over all of them, ends it.

    Args:
        dropout: share of inputs dropped in training before each dense layer.

    Returns:
        As `build_classifier`; features may be negative.
    """
    halve, mean = layers.MaxPooling2D, layers.GlobalAveragePooling2D
    stages = []
    for maps, pool in ((32, halve), (64, halve), (96, mean)):
        stages += [
            layers.Conv2D(maps, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("gelu"),
            pool(),
        ]
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *stages,
            layers.Dropout(dropout),
            layers.Dense(64, activation="gelu", name="features"),
            layers.Dropout(dropout),
            layers.Dense(10, name="logits"),
        ],
        name="second_judge",
    )
