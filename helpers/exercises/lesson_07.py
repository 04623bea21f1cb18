"""Checkers of lesson 07."""

from collections.abc import Callable

import numpy as np

from helpers.backend import ops, tf
from helpers.checks import exercise

_TASTE = np.random.default_rng(3).normal(0, 0.05, (28, 28, 1)).astype("f4")


def _toy_judge(
    pair: list[tf.Tensor], training: bool | None = None
) -> tf.Tensor:
    """Return logits (n, 1) of a D that likes pictures along `_TASTE`."""
    given, x = (ops.convert_to_tensor(part) for part in pair)
    liked = ops.sum(_TASTE * x, axis=(1, 2, 3))
    return (liked + 4 * ops.mean(given[..., 0], axis=(1, 2)))[:, None]


def _toy_fills() -> list[np.ndarray]:
    """Return what is given, the truth, and three fills of its right half.

    Their errors in the hole are 0.1, 0.2 and 0.3; `_toy_judge` likes the
    second best, and the third least.
    """
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.5, 0.5, (12, 28, 28, 1)).astype("float32")
    mask = np.zeros_like(x)
    mask[:, :, 14:] = 1
    given = np.concatenate([x * (1 - mask) - mask, mask], axis=-1)
    step = mask * np.sign(_TASTE) / 10
    return [given, x, *(x + step * k for k in (-1, 2, -3))]


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `turning_weight(discriminator, given, x, gap, whole)`.

    Args:
        answer: takes D, what was given (n, 28, 28, 2), the truth and two
            completions (n, 28, 28, 1); returns the weight of D's verdict
            from which on the second costs G no more than the first; np.inf
            if D likes it no better, even if it errs less.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = ..."
    given, x, gap, whole, worse = _toy_fills()
    names = {"whole": whole, "gap": gap, "worse": worse}
    doubts = {
        k: float(ops.mean(ops.softplus(-_toy_judge([given, one]))))
        for k, one in names.items()
    }

    def found(first: np.ndarray, second: np.ndarray) -> float:
        weight = np.asarray(answer(_toy_judge, given, x, first, second))
        assert weight.size == 1, "one number for all pictures together"
        return float(weight)

    right = 0.1 / (doubts["gap"] - doubts["whole"])
    weight = found(gap, whole)
    assert weight > 0, (
        "`whole` errs more and D likes it better, so the weight is above 0"
    )
    assert not np.isclose(weight, right / 2, rtol=0.01), (
        "the error counts in the hole alone: divide by the sum of the mask"
    )
    costs = [e + weight * doubts[k] for k, e in (("gap", 0.1), ("whole", 0.2))]
    assert np.isclose(*costs, rtol=1e-3), (
        "at your weight the two must cost G the same, by the loss of "
        f"judged_step; they cost {costs[0]:.3f} and {costs[1]:.3f}"
    )
    assert np.isposinf(found(whole, worse)), (
        "where D likes the second no better, no weight is enough: np.inf"
    )
    assert np.isposinf(found(whole, gap)), (
        "where D likes the second no better, no weight is enough, even if it "
        "errs less: np.inf"
    )
    assert found(worse, whole) == 0, (
        "where the second errs less and D likes it better, it costs less "
        "without any weight: 0"
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
