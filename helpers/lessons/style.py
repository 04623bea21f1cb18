"""Lesson 09: features trained on photographs, and painting by them."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from skimage import data as pictures
from skimage import transform

from helpers import checkpoints, runtime, training
from helpers.backend import keras, layers, ops, tf
from helpers.data import Images, check_images
from helpers.lessons import dcgan, photographs

GREY, COLOUR = Images(side=256, channels=1), Images(side=256, channels=3)
CROP = Images(side=32, channels=1)
WIDTHS = (24, 32, 48, 64, 64)
RECORD = runtime.ROOT / "data" / "results" / "09_style.json"
RARE = 0.1  # of its layer's mean: what a channel is scaled by at least


def build_features(
    widths: Sequence[int] = WIDTHS, channels: int = 1
) -> keras.Model:
    """Build 3x3 convolutions with ReLU, average pooling between them.

    A place of the outputs sees 3, 9, 21, 45 and 93 pixels across. The pooling
    averages 3x3 places and keeps every second: windows that overlap leave
    less of a grid in a painted picture than those of 2x2.

    Args:
        widths: feature maps of each convolution.
        channels: of the pictures.

    Returns:
        A model (n, h, w, channels) in [-1, 1] -> a list, from fine to
        coarse, of (n, h / 2^k, w / 2^k, widths[k]), not negative; h and w
        are multiples of 16.
    """
    given = h = keras.Input((None, None, channels))
    found = []
    for width in widths:
        h = layers.AveragePooling2D(3, 2, "same")(h) if found else h
        start = "he_normal"  # seeded by keras.utils.set_random_seed
        conv = {"padding": "same", "activation": "relu"}
        h = layers.Conv2D(width, 3, kernel_initializer=start, **conv)(h)
        found.append(h)
    return keras.Model(given, found, name="features")


def crops(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut squares of 32x32 pixels out of the training photographs.

    Args:
        n: how many.
        seed: of places and mirrors.

    Returns:
        float32 (n, 32, 32, 1) in [-1, 1], and from which photograph of
        `photographs.TRAINING` each comes, int64 (n,).
    """
    photos = [
        photographs.shrunk(photographs.grey(getattr(pictures, name)()))
        for name in photographs.TRAINING
    ]
    rng, y = np.random.default_rng(seed), np.arange(n) % len(photos)
    x = np.empty((n, *CROP.shape), "float32")
    for k in range(n):
        photo = photos[y[k]]
        top, left = rng.integers(0, np.subtract(photo.shape, CROP.side - 1))
        cut = photo[top : top + CROP.side, left : left + CROP.side]
        x[k, ..., 0] = cut[:, :: rng.choice([-1, 1])]
    return check_images(x, "crops", CROP), y


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes one training run of the features.

    Attributes:
        seed: every random draw of the run follows from it.
        widths: as in `build_features`.
        batch_size: crops a step.
        learning_rate: Adam's.
        n_crops: cut beforehand.
    """

    seed: int
    widths: tuple[int, ...] = WIDTHS
    batch_size: int = 64
    learning_rate: float = 2e-3
    n_crops: int = 12_000


@dataclasses.dataclass(kw_only=True)
class Namer(training.Run):
    """A run that learns to say from which photograph a crop comes.

    Attributes:
        features: the network that is wanted.
        classifier: the same, with a mean over places and logits on top.
        optimizer: Adam, of the classifier.
    """

    IMAGES = CROP
    COLUMNS = ("step", "seconds", "loss", "accuracy")
    PARTS = ("classifier", "optimizer")
    recipe: Recipe
    features: keras.Model
    classifier: keras.Model
    optimizer: keras.optimizers.Optimizer

    def take_step(
        self, x_real: tf.Tensor, y: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Name crops of random contrast and brightness."""
        key = ops.stack([ops.cast(self.recipe.seed, "int64"), self.step])
        n = ops.shape(x_real)[0]
        light = tf.random.stateless_uniform((2, n, 1, 1, 1), key)
        x = ops.clip(x_real * (0.5 + light[0]) + 0.6 * (light[1] - 0.5), -1, 1)
        with tf.GradientTape() as tape:
            logits = self.classifier(x, training=True)
            loss = ops.mean(
                keras.losses.sparse_categorical_crossentropy(
                    y, logits, from_logits=True
                )
            )
        dcgan.descend(self.optimizer, tape, loss, self.classifier)
        right = ops.argmax(logits, axis=-1) == ops.cast(y, "int32")
        return loss, ops.mean(ops.cast(right, "float32"))


def build_namer(
    recipe: Recipe, build: Callable[..., keras.Model] = build_features
) -> Namer:
    """Build a fresh run; the same recipe, the same weights.

    Args:
        recipe: seed, widths, optimiser.
        build: builds the features from their widths.

    Returns:
        An untrained run.
    """
    keras.utils.set_random_seed(recipe.seed)
    features = build(recipe.widths)
    mean = layers.GlobalAveragePooling2D()(features.outputs[-1])
    logits = layers.Dense(len(photographs.TRAINING))(mean)
    classifier = keras.Model(features.input, logits)
    optimizer = keras.optimizers.Adam(recipe.learning_rate)
    optimizer.build(classifier.trainable_variables)
    return Namer(
        recipe=recipe,
        features=features,
        classifier=classifier,
        optimizer=optimizer,
    )


def train_features(recipe: Recipe, n_steps: int) -> tuple[keras.Model, Namer]:
    """Train features by naming the photograph that a crop comes from.

    Args:
        recipe: seed and optimiser.
        n_steps: how long.

    Returns:
        The features, `balanced`; and the run, with its history.
    """
    run = build_namer(recipe)
    x, y = crops(recipe.n_crops, recipe.seed)
    training.fit(run, x, n_steps, y_train=y)
    return balanced(run.features), run


def photo_crops(n: int = 240, seed: int = 0) -> np.ndarray:
    """Return the crops on which channels are measured, (n, 32, 32, 1)."""
    return crops(n, seed)[0]


def balanced(
    features: keras.Model, x: np.ndarray | None = None
) -> keras.Model:
    """Scale the weights so that each channel's mean over photographs is 1.

    A ReLU lets a factor through, so the network computes what it did but for
    one factor a channel (Gatys et al., arXiv:1505.07376, section 2). A
    channel that is hardly ever active would count too much, and is scaled
    less.

    Args:
        features: 3x3 convolutions with ReLU, one an output; changed in place.
        x: photographs (n, h, w, channels); crops of ours by default.

    Returns:
        The same network.
    """
    x = photo_crops() if x is None else x
    convs = [k for k in features.layers if isinstance(k, layers.Conv2D)]
    before = 1.0
    for conv, found in zip(convs, features(x, training=False), strict=True):
        mean = ops.convert_to_numpy(ops.mean(found, axis=(0, 1, 2)))
        mean = np.maximum(mean, RARE * mean.mean())
        kernel, bias = conv.get_weights()
        kernel = kernel * np.reshape(before, (1, 1, -1, 1)) / mean
        conv.set_weights([kernel, bias / mean])
        before = mean
    return features


def random_features(seed: int) -> keras.Model:
    """Build features that nobody trained, and balance them."""
    keras.utils.set_random_seed(seed)
    return balanced(build_features())


def judge_features() -> keras.Model:
    """Return what the convolutions of lesson 04's judge of digits find.

    Returns:
        A model (n, h, w, 1) -> a list of three, balanced; h and w are
        multiples of 4.
    """
    judge = checkpoints.load("digit_classifier")
    given = h = keras.Input((None, None, 1))
    found = []
    for layer in judge.layers[:6]:
        h = layer(h)
        if isinstance(layer, layers.ReLU):
            found.append(h)
    return balanced(keras.Model(given, found, name="judge_features"))


def picture(photo: np.ndarray, kind: Images = GREY) -> np.ndarray:
    """Turn any photograph into a square picture for the networks.

    Args:
        photo: (h, w) grey, or (h, w, 3 or 4) colours; uint8, or floating
            point in [0, 1]. The middle is cut out, and shrunk or enlarged.
        kind: side and channels of what is wanted.

    Returns:
        float32 (1, side, side, channels) in [-1, 1].

    Raises:
        ValueError: another shape or range, or fewer than 32 pixels.
    """
    photo = np.asarray(photo)
    grey = photographs.grey(photo)  # looks at shape and range
    short = min(grey.shape)
    if short < CROP.side:
        raise ValueError(
            f"photo: expected {CROP.side} pixels or more each way, found "
            f"{grey.shape[0]} x {grey.shape[1]}."
        )
    if kind.channels == 1:
        photo = grey[..., None]
    else:
        photo = photo if photo.ndim == 3 else photo[..., None]
        scale = 255 if photo.dtype == np.uint8 else 1
        photo = (2 * (photo[..., :3] / scale) - 1).astype("float32")
        photo = np.broadcast_to(photo, (*grey.shape, 3))
    top, left = ((n - short) // 2 for n in grey.shape)
    photo = photo[top : top + short, left : left + short]
    size = (kind.side, kind.side)
    if short != kind.side:
        smooth = short > kind.side
        photo = transform.resize(photo, size, anti_aliasing=smooth)
    return check_images(np.float32(photo[None]), "photo", kind)


def shipped(name: str, kind: Images = GREY) -> np.ndarray:
    """Return a photograph of skimage.data as `picture` returns it."""
    return picture(getattr(pictures, name)(), kind)


def luminance(colour: np.ndarray) -> np.ndarray:
    """Return the grey values (1, side, side, 1) of a picture in colour."""
    check_images(colour, "colour", Images(colour.shape[1], 3))
    return photographs.grey((colour[0] + 1) / 2)[None, ..., None]


def recoloured(grey: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Give new grey values the colours of a picture.

    The same is added to red, green and blue, which changes the luminance
    alone.

    Args:
        grey: (1, side, side, 1) in [-1, 1].
        colour: (1, side, side, 3) in [-1, 1].

    Returns:
        float32 as `colour`, clipped to [-1, 1].
    """
    check_images(grey, "grey", Images(colour.shape[1], 1))
    return (colour + grey - luminance(colour)).clip(-1, 1)


def gram(found: tf.Tensor) -> tf.Tensor:
    """Return the mean over places of products of two channels.

    Args:
        found: features (1, h, w, channels).

    Returns:
        (channels, channels), symmetric.
    """
    h, w = found.shape[1:3]
    return ops.einsum("nijc,nijd->cd", found, found) / (h * w)


def apart(found: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Return the squared error of one array, as a share of the other's."""
    return ops.sum(ops.square(found - wanted)) / ops.sum(ops.square(wanted))


def style_error(
    found: Sequence[tf.Tensor],
    wanted: Sequence[tf.Tensor],
    summary: Callable = gram,
) -> tf.Tensor:
    """Return the mean over layers of how far two summaries are apart.

    Args:
        found: features of a picture, a layer each.
        wanted: features of the style.
        summary: what of a layer is compared.
    """
    pairs = zip(found, wanted, strict=True)
    return sum(apart(summary(a), summary(b)) for a, b in pairs) / len(found)


def both(
    features: keras.Model,
    like: np.ndarray,
    content: np.ndarray,
    weight: float,
    summary: Callable = gram,
) -> Callable:
    """Return the loss of a picture: its style error, and how far it is from
    the content, place by place.

    Args:
        features: as `build_features`; three layers or more.
        like: the style (1, side, side, channels) in [-1, 1].
        content: a picture of the size that is painted.
        weight: of the content, at the third layer.
        summary: what of a layer makes the style.
    """
    wanted = features(like, training=False)
    kept = features(content, training=False)

    def loss(x: tf.Tensor) -> tf.Tensor:
        found = features(x, training=False)
        error = style_error(found, wanted, summary)
        return error + weight * apart(found[2], kept[2])

    return loss


def paint(
    start: np.ndarray, loss: Callable, n_steps: int, rate: float = 0.03
) -> tuple[np.ndarray, list[float]]:
    """Move the pixels of a picture down a loss.

    Args:
        start: (1, side, side, channels) in [-1, 1].
        loss: takes such a picture, returns a scalar.
        n_steps: how long.
        rate: Adam's learning rate, in grey values.

    Returns:
        The picture, in [-1, 1], and the loss before each step.
    """
    image = keras.Variable(start)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build([image])

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(image.value)
        optimizer.apply([tape.gradient(value, image.value)], [image])
        image.assign(ops.clip(image, -1, 1))
        return value

    losses = [float(step()) for _ in range(n_steps)]
    return ops.convert_to_numpy(image), losses


def stylised(
    features: keras.Model,
    colour: np.ndarray,
    like: np.ndarray,
    n_steps: int = 60,
    weight: float = 0.1,
) -> np.ndarray:
    """Paint a picture like another, and give it its own colours back.

    Args:
        features: as `build_features`.
        colour: the content (1, side, side, 3) in [-1, 1].
        like: the style (1, side, side, 1) in [-1, 1].
        n_steps: of Adam.
        weight: of the content, at the third layer.

    Returns:
        float32 as `colour`.
    """
    start = luminance(colour)
    loss = both(features, like, start, weight)
    return recoloured(paint(start, loss, n_steps)[0], colour)


def accuracy(run: Namer, seed: int, n: int = 600) -> float:
    """Return the share of new crops whose photograph is named rightly."""
    x, y = crops(n, seed)
    named = training.generate(run.classifier, x).argmax(axis=1)
    return float((named == y).mean())
