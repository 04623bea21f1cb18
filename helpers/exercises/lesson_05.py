"""Checkers of lesson 05."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import expit

from helpers.checks import exercise


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `scaled(gamma, factor)`: the same penalty for scaled data.

    Args:
        answer: returns the new gamma.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = scaled"
    assert np.isclose(answer(3.0, 1.0), 3.0), (
        "data that stay as they are keep their gamma"
    )
    assert answer(0.01, 10.0) > 0.01, (
        "on larger data slopes are smaller, so their squares need more weight"
    )
    assert not np.isclose(answer(0.01, 10.0), 0.1), (
        "slopes are divided by the factor, and the penalty squares them"
    )
    for gamma, factor in ((0.01, 10.0), (10.0, 127.5), (2.0, 0.5)):
        assert np.isclose(answer(gamma, factor), gamma * factor**2), (
            f"gamma {gamma}, factor {factor}: with the new gamma, the "
            "penalty at the scaled data is not what it was"
        )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `play_ns(n_rounds, rate, start)`, the non-saturating game.

    Args:
        answer: returns the path (n_rounds + 1, 2), theta and psi.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = play_ns"
    path = np.asarray(answer(50, 0.2, (1.0, -1.0)), float)
    assert path.shape == (51, 2), "one row a round, and the start before them"
    assert np.allclose(path[0], (1, -1)), "the first row is the start"

    def move(
        theta: float, psi: float, rate: float, sign: float = -1.0
    ) -> tuple[float, float]:
        """Play one round; with a sign of 1 it has the saturating loss."""
        new = psi - rate * expit(psi * theta) * theta
        return theta + rate * expit(sign * new * theta) * new, new

    first = path[1]
    assert np.isclose(first[1], move(1, -1, 0.2)[1]), (
        "D's step is the one of the lesson, and psi the second number"
    )
    assert not np.isclose(first[0], move(1, -1, 0.2, sign=1)[0]), (
        "that is the saturating loss: the sigmoid has minus psi theta inside"
    )
    assert not np.isclose(first[0], 1 - 0.2 * expit(1)), (
        "G moves after D: use the new psi"
    )
    for before, after in itertools.pairwise(path):
        assert np.allclose(after, move(*before, 0.2)), (
            "a round is not as asked"
        )
    other = np.asarray(answer(3, 0.1, (0.5, 0.0)), float)
    assert np.allclose(other[1], move(0.5, 0.0, 0.1)), (
        "it must follow the rate and the start that it is given"
    )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `failure_interval(k, n)`, the exact binomial interval of 95 %.

    Args:
        answer: returns the lower and the upper end.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), (
        "give the function itself: answer = failure_interval"
    )
    for k, n in ((0, 5), (5, 5), (1, 5), (20, 65), (3, 10)):
        low, high = (float(end) for end in answer(k, n))
        assert low <= k / n <= high, f"{k} of {n}: k / n lies inside"
        exact = stats.binomtest(k, n).proportion_ci(method="exact")
        if k == 0:
            assert low == 0, "no failure: the lower end is 0"
            one_sided = 1 - 0.05 ** (1 / n)
            assert not np.isclose(high, one_sided, atol=1e-3), (
                "5 % on one side; the interval leaves 2.5 % on each"
            )
        if k == n:
            assert high == 1, "failures alone: the upper end is 1"
        normal = k / n + 1.96 * np.sqrt(k / n * (1 - k / n) / n)
        assert not np.isclose(high, normal, atol=1e-3) or k == n, (
            "that is the normal approximation; for few runs it is too short"
        )
        assert np.isclose(high, exact.high, atol=1e-4), (
            f"{k} of {n}: at the upper end, k failures or fewer have 2.5 %"
        )
        assert np.isclose(low, exact.low, atol=1e-4), (
            f"{k} of {n}: at the lower end, k failures or more have 2.5 %"
        )
