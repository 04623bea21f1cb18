"""Checkers of lesson 06."""

from collections.abc import Callable

import numpy as np

from helpers.backend import keras, ops
from helpers.checks import exercise


def _owners(
    model: keras.Model,
    kernel: keras.Variable,
    empty: np.ndarray,
    y: np.ndarray,
) -> list[list[int]]:
    """Return for each appended number the claims whose logit it moves.

    Of an empty picture the hidden layer sees the code and nothing else.
    """
    before = ops.convert_to_numpy(kernel)
    old = ops.convert_to_numpy(model([empty, y], training=False))
    owners = []
    for row in [*range(10), *range(len(before) - 10, len(before))]:
        after = before.copy()
        after[row] += 1
        kernel.assign(after)
        new = ops.convert_to_numpy(model([empty, y], training=False))
        owners.append(np.flatnonzero(np.abs(new - old)[:, 0] > 1e-6).tolist())
    kernel.assign(before)
    return [owner for owner in owners if owner]


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `build_joined(width)`: a D whose hidden layer is told the label.

    Args:
        answer: builds a model of images and labels.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = build_joined"
    width = 8
    model = answer(width)
    assert isinstance(model, keras.Model) and len(model.inputs) == 2, (
        "return keras.Model([image, y], logit), a model of two inputs"
    )
    images = np.random.default_rng(0).normal(size=(10, 28, 28, 1))
    images, y = images.astype("float32"), np.arange(10, dtype="int32")
    found = model([images, y], training=False).shape
    assert tuple(found) == (10, 1), (
        f"ten pairs need one logit each, (10, 1); found {tuple(found)}"
    )
    shapes = [tuple(w.shape) for w in model.trainable_weights]
    assert shapes[0][2] == 1, (
        "the first convolution sees more than the picture; append the code "
        "after Flatten, to numbers and not to maps"
    )
    plain = 7 * 7 * width
    hidden = [w for w in model.trainable_weights if w.shape[-1] == 4 * width]
    hidden = [w for w in hidden if w.shape[0] in (plain, plain + 10)]
    assert hidden, (
        "the hidden dense layer should take the flat maps and ten numbers, "
        f"{plain + 10} in all; the weights have shapes {shapes}"
    )
    assert hidden[0].shape[0] == plain + 10, (
        "the hidden layer takes the flat maps alone, so whatever you do with "
        "y comes after it; append the code before"
    )
    assert shapes[-2] == (4 * width, 1) or shapes[-1] == (4 * width, 1), (
        "the last layer should take the hidden layer alone; append the code "
        "once, before the dense hidden layer"
    )
    owners = _owners(model, hidden[0], np.zeros_like(images), y)
    assert sorted(owners) == [[k] for k in range(10)], (
        "each of the ten appended numbers should be 1 for one digit alone: "
        "ops.one_hot(y, 10)"
    )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `between(z, a, b, t)`: G's input on the way from order a to b.

    Args:
        answer: returns (n, latent_dim + 10).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = between"
    z = np.random.default_rng(0).normal(size=(5, 8)).astype("float32")
    start, middle, end = (
        np.asarray(answer(z, 3, 8, t), float) for t in (0, 0.5, 1)
    )
    assert start.shape == (5, 18), (
        "for five z of eight numbers, expected five rows of 8 + 10 numbers, "
        f"(5, 18); found {start.shape}"
    )
    assert np.allclose(start[:, :8], z, atol=1e-6), "z comes first, unchanged"
    assert np.allclose(middle[:, :8], z, atol=1e-6), (
        "only the label is mixed; z stays"
    )
    codes = np.eye(10)
    assert not np.allclose(start[:, 8:], codes[8]), (
        "t = 0 gives the order b; a and b have changed places"
    )
    assert np.allclose(start[:, 8:], codes[3]), (
        "t = 0 is the order a: a 1 at its place, nine 0"
    )
    assert np.allclose(end[:, 8:], codes[8]), (
        "t = 1 is the order b: a 1 at its place, nine 0"
    )
    assert np.allclose(middle[:, 8:], (codes[3] + codes[8]) / 2), (
        "at t = 0.5, the places of a and b hold one half each, the others 0"
    )
    quarter = np.asarray(answer(z, 1, 7, 0.25), float)[:, 8:]
    assert np.allclose(quarter, 0.75 * codes[1] + 0.25 * codes[7]), (
        "t is the share of b, and a and b may be any digits"
    )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `bold(images, y)`: 1 for the half of each digit with most ink.

    Args:
        answer: returns (n,), 0 or 1.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = bold"
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 20)
    ink = rng.permuted(np.tile(np.arange(20.0), (10, 1)), axis=1)
    ink[:, :] **= 1.5  # so that the mean is no median
    level = ink / 100 + 0.03 * np.arange(10)[:, None]  # a 9 has more than a 0
    images = np.full((200, 28, 28, 1), -1.0, "float32")
    spots = rng.uniform(0.5, 1.5, (200, 28, 28, 1))
    images += (spots * level.reshape(-1, 1, 1, 1)).astype("float32")
    wanted = images.mean(axis=(1, 2, 3)).reshape(10, 20)
    wanted = (wanted > np.median(wanted, axis=1, keepdims=True)).ravel()
    found = np.asarray(answer(images, y))
    assert found.shape == (200,), (
        f"200 images need one label each, (200,); found {found.shape}"
    )
    assert np.issubdtype(found.dtype, np.integer), (
        f"labels are integers, found {found.dtype}: .astype('int32')"
    )
    labels = sorted(set(found.tolist()))
    assert labels == [0, 1], f"the labels are 0 and 1, found {labels}"
    halves = found.reshape(10, 20).sum(axis=1)
    assert (halves == 10).all(), (
        "expected half of each digit bold, 10 of 20; found "
        f"{halves.tolist()}. Is it the median, and of the image's own digit?"
    )
    assert not (found == 1 - wanted).all(), "1 is the half with more ink"
    assert (found == wanted).all(), (
        "half of each digit is bold, but not the half with more ink; ink is "
        "the sum or mean over an image's pixels"
    )
    order = rng.permutation(200)
    assert np.array_equal(answer(images[order], y[order]), found[order]), (
        "the order of the images must not count"
    )
