"""Checkers of lesson 06."""

from collections.abc import Callable

import numpy as np

from helpers.checks import exercise


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `confusions(asked, named)`: of each order, the share of each name.

    Args:
        answer: returns (10, 10), orders downwards, names to the right.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = confusions"
    asked = np.repeat(np.arange(10), [4, 8] + [2] * 8)
    named = asked.copy()
    named[[0, 4]] = 7, 5
    table = np.asarray(answer(asked, named), float)
    assert table.shape == (10, 10), "ten orders downwards, ten names across"
    assert np.allclose(table.sum(axis=1), 1), (
        "each row holds shares of one order, so it adds up to 1"
    )
    assert not np.isclose(table[7, 0], 0.25), (
        "the order belongs downwards and the name to the right"
    )
    assert np.isclose(table[0, 7], 0.25), "one of four zeros was named a 7"
    assert np.isclose(table[1, 5], 1 / 8), "one of eight ones was named a 5"
    assert np.allclose(np.diag(table)[2:], 1), "the rest was named as ordered"
    order = np.random.default_rng(0).permutation(len(asked))
    again = np.asarray(answer(asked[order], named[order]), float)
    assert np.allclose(again, table), (
        "the order of the pictures must not count"
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
    assert start.shape == (5, 18), "z with ten numbers more, a row each"
    assert np.allclose(start[:, :8], z, atol=1e-6), "z comes first, unchanged"
    assert np.allclose(middle[:, :8], z, atol=1e-6), (
        "only the label is mixed; z stays"
    )
    codes = np.eye(10)
    assert np.allclose(start[:, 8:], codes[3]), "t = 0 is the order a"
    assert np.allclose(end[:, 8:], codes[8]), "t = 1 is the order b"
    assert np.allclose(middle[:, 8:], (codes[3] + codes[8]) / 2), (
        "halfway, both places hold one half"
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
    assert found.shape == (200,), "one label an image"
    assert np.issubdtype(found.dtype, np.integer), (
        "labels are integers: .astype('int32')"
    )
    assert set(found.tolist()) == {0, 1}, "the labels are 0 and 1"
    halves = found.reshape(10, 20).sum(axis=1)
    assert (halves == 10).all(), (
        "of each digit one half is bold; compare an image with its own digit"
    )
    assert (found == wanted).all(), "1 is the half with more ink"
    order = rng.permutation(200)
    assert np.array_equal(answer(images[order], y[order]), found[order]), (
        "the order of the images must not count"
    )
