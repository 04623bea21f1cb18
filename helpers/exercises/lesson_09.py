"""Checkers of lesson 09."""

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.backend import ops, tf
from helpers.checks import exercise


def _features(side: int = 6, seed: int = 0) -> np.ndarray:
    """Draw features (1, side, side, 5), not negative."""
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, size=(1, side, side, 5)).astype("float32")


def _gram(found: Any) -> Any:
    """Return the Gram matrix of features (1, h, w, channels)."""
    return ops.einsum("nijc,nijd->cd", found, found) / (
        found.shape[1] * found.shape[2]
    )


def _rows(found: Any) -> np.ndarray:
    """Return the vectors of all places, in a fixed order."""
    rows = np.asarray(found).reshape(-1, np.shape(found)[-1])
    return rows[np.lexsort(rows.T)]


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `moves(summary, found, seed)`: what shuffled places change.

    Args:
        answer: takes a function of features, features (1, h, w, channels)
            and a whole number; returns a number.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = moves"
    found, seen = _features(), []

    def whole(features: Any) -> Any:
        seen.append(np.array(features))
        return ops.convert_to_tensor(features)

    def suspect(features: Any) -> Any:
        _, h, w, channels = features.shape
        rows = ops.reshape(features, (channels, h * w))
        return rows @ ops.transpose(rows) / (h * w)

    before = found.copy()
    value = answer(whole, found, 1)
    assert np.shape(value) == (), "one number"
    assert np.array_equal(found, before), "leave the features as they were"
    assert any(np.array_equal(x, found) for x in seen), (
        "the summary of the features as they are is what was wanted"
    )
    other = [x for x in seen if not np.array_equal(x, found)]
    assert other, "the places have not moved"
    assert all(x.shape == found.shape for x in other), (
        "shuffled features keep their shape"
    )
    assert np.allclose(_rows(other[0]), _rows(found)), (
        "each place's vector moves as a whole, and none is lost or doubled"
    )
    squares = np.square(other[0] - found).sum() / np.square(found).sum()
    assert np.isclose(float(value), squares, rtol=1e-3), (
        "measure as `apart` does: the squared difference, as a share of the "
        "square of what was wanted"
    )
    assert float(answer(_gram, found, 1)) < 1e-6, "gram must not move"
    assert float(answer(suspect, found, 1)) > 1e-3, "the suspect must move"
    again, another = (float(answer(whole, found, k)) for k in (1, 2))
    assert again == float(value), "the same seed, the same number"
    assert another != again, "another seed, another order"


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `spreads(found)`: mean and standard deviation of each channel.

    Args:
        answer: takes features (1, h, w, channels), returns (2, channels).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = spreads"
    found = _features()
    found[..., 1] += 50
    summary = np.asarray(answer(ops.convert_to_tensor(found)))
    assert summary.shape == (2, 5), "shape (2, channels)"
    mean, std = found.mean(axis=(0, 1, 2)), found.std(axis=(0, 1, 2))
    assert np.allclose(summary[0], mean, rtol=1e-3), (
        "the first row holds the mean of each channel over all places"
    )
    assert not np.allclose(summary[1], std**2, rtol=1e-2), (
        "that is the variance; take its root"
    )
    assert np.allclose(summary[1], std, rtol=1e-2), (
        "the second row holds the standard deviations, around the mean"
    )
    flat = tf.Variable(np.ones((1, 4, 4, 2), "float32"))
    with tf.GradientTape() as tape:
        total = ops.sum(answer(flat.value()))
    slope = tape.gradient(total, flat)
    assert slope is not None, "use `ops`, so that a gradient passes through"
    assert np.isfinite(slope).all(), (
        "a constant channel has no finite gradient: add 1e-5 under the root"
    )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `gram_where(found, mask)`: the Gram matrix of some places.

    Args:
        answer: takes features (1, h, w, channels) and a mask (1, H, W, 1),
            H and W multiples of h and w; returns (channels, channels).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = gram_where"
    found, ones = _features(8), np.ones((1, 8, 8, 1), "float32")
    result = np.asarray(answer(found, ones))
    assert result.shape == (5, 5), "shape (channels, channels)"
    assert np.allclose(result, _gram(found), rtol=1e-4), (
        "with a mask of ones it is the Gram matrix"
    )
    left = ones.copy()
    left[:, :, 4:] = 0
    result = np.asarray(answer(found, left))
    assert not np.allclose(result, _gram(found * left), rtol=1e-3), (
        "divide by the sum of the weights, not by all places"
    )
    assert np.allclose(result, _gram(found[:, :, :4]), rtol=1e-4), (
        "the left half of the mask is the third axis, up to its middle"
    )
    wide = np.zeros((1, 32, 32, 1), "float32")
    wide[:, :16] = 1
    result = np.asarray(answer(found, wide))
    assert np.allclose(result, _gram(found[:, :4]), rtol=1e-4), (
        "a mask of four times the side: average it over blocks of 4x4"
    )
    wide[:] = 0
    wide[:, :6] = 1  # a whole row of places, and half of the next
    weights = np.repeat([1, 0.5, 0], [1, 1, 6])[None, :, None, None]
    mean = np.asarray(_gram(found * np.float32(np.sqrt(weights)))) * 8 / 1.5
    assert np.allclose(answer(found, wide), mean, rtol=1e-3), (
        "a block that is half covered counts half"
    )
