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
    assert table.shape == (10, 10), (
        "expected ten orders downwards and ten names across, (10, 10); "
        f"found {table.shape}"
    )
    assert table.sum() < 10.5, (
        "these are counts; divide each row by the number of its orders"
    )
    assert table[7, 0] < 0.01, (
        "a zero was named a 7, and you have it in row 7; the order belongs "
        "downwards, the name to the right"
    )
    assert np.allclose(table.sum(axis=1), 1), (
        "each row holds the shares of one order, so each row adds up to 1; "
        f"row 0 adds up to {table[0].sum():.2f}"
    )
    assert np.isclose(table[0, 7], 0.25), (
        "one of four zeros was named a 7, so row 0, column 7 holds 0.25; "
        f"found {table[0, 7]:.2f}"
    )
    assert np.isclose(table[1, 5], 1 / 8), (
        "one of eight ones was named a 5, so row 1, column 5 holds 0.125; "
        f"found {table[1, 5]:.3f}"
    )
    assert np.allclose(np.diag(table)[2:], 1), (
        "2 to 9 were all named as ordered, so their rows hold 1 on the "
        "diagonal"
    )
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
