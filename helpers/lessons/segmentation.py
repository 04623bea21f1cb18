"""Lesson 07, deeper: a network that says which pixels are the digit."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import skimage.filters

from helpers import training, views
from helpers.backend import keras, ops, tf
from helpers.data import check_array
from helpers.lessons import dcgan, translation

SIDE = 28
GROUNDS = ("brick", "grass", "gravel")
PARTS = {"train": slice(0, 340), "test": slice(340, 512)}  # columns
ZOOMS = (1, 2, 3)
ROUGH = (0.08, 0.25)  # standard deviation of a ground, in grey values
FAINT, STRONG = 0.25, 1.0  # least and greatest contrast, in grey values


class Scenes(NamedTuple):
    """Digits on textured grounds.

    Attributes:
        pictures: float32 (n, 28, 28, 1) in [-1, 1].
        contrast: of ink and ground, float32 (n,); negative for dark ink.
        ground: number of the texture in `GROUNDS`, int (n,).
    """

    pictures: np.ndarray
    contrast: np.ndarray
    ground: np.ndarray


@functools.cache
def texture(ground: str, part: str, zoom: int) -> np.ndarray:
    """Return one part of a texture of scikit-image, seen from afar.

    Args:
        ground: one of `GROUNDS`.
        part: "train", its columns 0 to 339, or "test", the others.
        zoom: this many pixels by as many become one, their mean.

    Returns:
        float64 (h, w), mean 0, standard deviation 1.
    """
    whole = getattr(skimage.data, ground)()[:, PARTS[part]].astype(float)
    h, w = (size // zoom for size in whole.shape)
    blocks = whole[: h * zoom, : w * zoom].reshape(h, zoom, w, zoom)
    small = blocks.mean(axis=(1, 3))
    return (small - small.mean()) / small.std()


def make_scenes(
    digits: np.ndarray, rng: np.random.Generator, part: str
) -> Scenes:
    """Lay each digit over a crop of a texture, brighter or darker than it.

    Args:
        digits: (n, 28, 28, 1) in [-1, 1].
        rng: draws texture, crop, zoom, level, roughness and contrast; in the
            same state, the same scenes.
        part: as in `texture`: test scenes share no pixel with the others.

    Returns:
        The scenes; their true masks are `digits > 0`.

    Raises:
        ValueError: digits of another shape or range, or another part.
    """
    digits = check_array("digits", digits, "n 28 28 1", -1, 1)
    if part not in PARTS:
        raise ValueError(f"part: expected train or test, found {part!r}.")
    n = len(digits)
    ground = rng.integers(len(GROUNDS), size=n)
    zoom = rng.choice(ZOOMS, n)
    corner = rng.random((n, 2))
    level, rough = rng.uniform(-0.4, 0.4, n), rng.uniform(*ROUGH, n)
    contrast = rng.uniform(FAINT, STRONG, n) * rng.choice([-1, 1], n)
    pictures = np.empty((n, SIDE, SIDE, 1), np.float32)
    for k in range(n):
        whole = texture(GROUNDS[ground[k]], part, int(zoom[k]))
        room = np.subtract(whole.shape, SIDE - 1)
        i, j = (corner[k] * room).astype(int)
        crop = whole[i : i + SIDE, j : j + SIDE, None]
        ink = (digits[k] + 1) / 2
        pictures[k] = level[k] + rough[k] * crop + contrast[k] * ink
    pictures = pictures.clip(-1, 1)
    return Scenes(pictures, contrast.astype(np.float32), ground)


def iou(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return intersection over union of each mask with the true one.

    Args:
        masks: bool (n, h, w, 1).
        truth: bool, of the same shape.

    Returns:
        float64 (n,), 0 to 1; 1 where both are empty.

    Raises:
        TypeError: not bool.
        ValueError: of different shapes.
    """
    masks, truth = np.asarray(masks), np.asarray(truth)
    if masks.dtype != bool or truth.dtype != bool:
        raise TypeError(
            f"expected bool, found {masks.dtype} and {truth.dtype}: compare "
            "logits with 0 and digits with 0 first."
        )
    if masks.shape != truth.shape:
        raise ValueError(
            f"expected equal shapes, found {masks.shape} and {truth.shape}."
        )
    both = np.sum(masks & truth, axis=(1, 2, 3))
    either = np.sum(masks | truth, axis=(1, 2, 3))
    return np.where(either, both / np.maximum(either, 1), 1.0)


def otsu(pictures: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Cut each picture at Otsu's threshold; the truth says which side is ink.

    Args:
        pictures: (n, 28, 28, 1).
        truth: bool (n, 28, 28, 1); of the two sides, the one with the greater
            `iou` is returned.

    Returns:
        bool (n, 28, 28, 1).
    """
    limits = [skimage.filters.threshold_otsu(x) for x in pictures]
    bright = pictures > np.reshape(limits, (-1, 1, 1, 1))
    better = iou(bright, truth) >= iou(~bright, truth)
    return bright == better[:, None, None, None]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes one training run.

    Attributes:
        seed: every random draw of the run follows from it.
        width: feature maps of the U-Net at full size.
        batch_size: scenes a step.
        learning_rate: Adam's.
        beta_1: Adam's.
        beta_2: Adam's.
        ema_decay: share of the old average kept at each step.
    """

    seed: int
    width: int = 16
    batch_size: int = 32
    learning_rate: float = 2e-3
    beta_1: float = 0.9
    beta_2: float = 0.99
    ema_decay: float = 0.98


@dataclasses.dataclass(kw_only=True)
class Segmenter(training.Run):
    """A run that learns masks; the names are those of `dcgan.Gan`.

    Attributes:
        generator: the U-Net, scenes (n, h, w, 1) -> logits (n, h, w, 1).
        average: the U-Net whose weights are the moving average.
        g_optimizer: of the U-Net.
    """

    COLUMNS = ("step", "seconds", "loss")
    PARTS = ("generator", "average", "g_optimizer")
    recipe: Recipe
    generator: keras.Model
    average: keras.Model
    g_optimizer: keras.optimizers.Optimizer

    def draw(self, scenes: np.ndarray) -> np.ndarray:
        """Return the logits of the average for scenes (n, h, w, 1)."""
        return training.generate(self.average, scenes)

    def take_step(
        self, x: tf.Tensor, scenes: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Take `mask_step`."""
        return mask_step(self, x, scenes)

    def draw_history(self, axes: Sequence[plt.Axes]) -> None:
        """Draw the loss on the first of two axes; the other vanishes."""
        look = {"loss": ("U-Net", views.GENERATOR, "-")}
        views.draw_curves(axes[0], self.table(), look)
        axes[0].set(ylabel="loss (nats a pixel)", ylim=(0, None))
        axes[1].set_visible(False)


def build(
    recipe: Recipe, make: Callable[[], keras.Model] | None = None
) -> Segmenter:
    """Build fresh networks; the same recipe, the same weights.

    Args:
        recipe: what to build.
        make: builds a network, scenes -> logits; by default the U-Net of
            lesson 07 with one logit a pixel.

    Returns:
        An untrained run.
    """
    unet = translation.build_unet
    make = make or functools.partial(unet, recipe.width, 1, "linear")
    keras.utils.set_random_seed(recipe.seed)
    network, average = make(), make()
    average.set_weights(network.get_weights())
    return Segmenter(
        recipe=recipe,
        generator=network,
        average=average,
        g_optimizer=dcgan.build_optimizer(recipe, network),
    )


def mask_step(
    run: Segmenter, x: tf.Tensor, scenes: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Take one step: is each pixel ink or not? Cross-entropy from logits.

    Args:
        run: the run.
        x: digits (n, h, w, 1) in [-1, 1]; the true mask is x > 0.
        scenes: pictures of them (n, h, w, 1).

    Returns:
        Mean loss of a pixel before the update, nats.
    """
    truth = ops.cast(x > 0, "float32")
    with tf.GradientTape() as tape:
        logits = run.generator(scenes, training=True)
        loss = ops.mean(ops.softplus(logits) - truth * logits)
    weights = run.generator.trainable_variables
    run.g_optimizer.apply(tape.gradient(loss, weights), weights)
    dcgan.update_average(run)
    return (loss,)
