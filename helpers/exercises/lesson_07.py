"""Checkers of lesson 07."""

from collections.abc import Callable

import numpy as np

from helpers.checks import exercise


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `hide(side)`: the mask of one half of a picture.

    Args:
        answer: takes "left", "right", "top" or "bottom", returns
            (1, 28, 28, 1), 1 where the picture is hidden.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = hide"
    sides = "left", "right", "top", "bottom"
    found = {side: np.asarray(answer(side)) for side in sides}
    for side, mask in found.items():
        assert mask.shape == (1, 28, 28, 1), (
            f"{side}: one mask, shape (1, 28, 28, 1)"
        )
        assert mask.dtype == np.float32, f"{side}: float32, as pictures are"
        assert set(np.unique(mask)) == {0, 1}, f"{side}: 0 and 1 alone"
        assert mask.sum() == 392, f"{side}: half of the 784 pixels"
    assert found["right"][0, 0, 27, 0] and not found["right"][0, 27, 0, 0], (
        "the second axis counts rows and the third counts columns; 1 hides"
    )
    for side, other in (("left", "right"), ("top", "bottom")):
        assert (found[side] + found[other] == 1).all(), (
            f"{side} and {other} together hide each pixel once"
        )
    assert found["bottom"][0, 27, 0, 0], "the last row is at the bottom"
    whole = (np.ptp(found["right"], axis=1), np.ptp(found["top"], axis=2))
    assert not any(part.any() for part in whole), (
        "a half ends along a straight line through the middle"
    )
    assert found["left"][0, 0, 13, 0] and found["top"][0, 13, 0, 0], (
        "14 columns, or 14 rows, from the edge inwards"
    )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `tilted(error, q)`: a loss that is least at the q-quantile.

    Args:
        answer: takes errors, drawn minus true, and q; returns a loss each.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = tilted"
    error = np.linspace(-2, 2, 9).astype("float32")
    loss = np.asarray(answer(error, 0.7), float)
    assert loss.shape == error.shape, "one loss for each error"
    assert (loss >= 0).all() and loss[4] == 0, "0 without an error, else above"
    half = np.asarray(answer(error, 0.5), float)
    assert np.allclose(half, half[-1] * np.abs(error) / 2), (
        "q = 0.5 must be the absolute error, up to a factor"
    )
    values = np.random.default_rng(0).exponential(size=401).astype("float32")
    grid = np.quantile(values, np.linspace(0, 1, 401)).astype("float32")
    for q in (0.2, 0.7, 0.9):
        errors = grid[:, None] - values
        means = np.asarray(answer(errors, q), float).mean(axis=1)
        reached = (values <= grid[means.argmin()]).mean()
        assert abs(reached - (1 - q)) > 0.02, (
            "drawing too little must cost more as q grows: swap q and 1 - q"
        )
        assert abs(reached - q) < 0.01, (
            f"q = {q}: the best answer has {reached:.0%} of the values below"
        )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `with_noise(given, k)`: a third channel of normal noise.

    Args:
        answer: takes (n, 28, 28, 2) and a whole number, returns
            (n, 28, 28, 3).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = with_noise"
    given = np.random.default_rng(0).uniform(-1, 1, (40, 28, 28, 2))
    given = given.astype("float32")
    one, again, other = (np.asarray(answer(given, k)) for k in (1, 1, 2))
    assert one.shape == (40, 28, 28, 3), "one channel more"
    assert np.allclose(one[..., :2], given), "what was given stays, in front"
    noise = one[..., 2]
    assert np.array_equal(one, again), "the same k, the same noise"
    assert not np.allclose(noise, other[..., 2]), "another k, other noise"
    assert not np.allclose(noise[0], noise[1]), "each picture has its own"
    assert abs(noise.mean()) < 0.05 and 0.9 < noise.std() < 1.1, (
        "normal noise: mean 0, standard deviation 1"
    )
    assert (noise < -1).any() and (noise > 1).any(), (
        "normal noise reaches beyond -1 and 1"
    )
    assert noise[0].std() > 0.5, "and each pixel its own"
