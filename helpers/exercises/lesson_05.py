"""Checkers of lesson 05."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import expit

from helpers.checks import exercise
from helpers.lessons import stability


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
    """Test `trial(train, starts)`: failures and their exact interval.

    Args:
        answer: returns how many runs failed, and both ends of the interval.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = trial"
    bumps = stability.ring()

    def film(found: list[int]) -> np.ndarray:
        """Return readings with so many bumps, on 80 points each."""
        return np.array(
            [
                np.resize(bumps.centres[: max(k, 1)], (80, 2)) * (k > 0)
                for k in found
            ]
        )

    films = {  # start: bumps found in each reading
        3: film([0, 0, 8, 8, 8, 8]),
        4: film([8, 8, 8, 8, 8, 2]),
        6: film([8, 8, 7, 7, 7, 7]),
        7: film([8, 8, 3, 3, 3, 8]),
        9: film([1, 2, 1, 2, 1, 2]),
    }
    for starts, k, why in (
        ([3], 0, "it found all bumps in its last four readings"),
        ([4], 1, "26 bumps in its last four readings are 6.5 on average"),
        ([6], 0, "seven on average are not fewer than seven"),
        ([7], 1, "its last reading was lucky; the four count together"),
        (list(films), 3, "each start counts once"),
    ):
        got = answer(films.__getitem__, starts)
        assert np.shape(got) == (3,), "return failures, lower end, upper end"
        assert got[0] == k, f"a run that is no failure, or is: {why}"
        exact = stats.binomtest(k, len(starts)).proportion_ci(method="exact")
        assert np.allclose(got[1:], exact, atol=1e-4), (
            f"{k} of {len(starts)}: that is not the exact interval of 95 %"
        )
