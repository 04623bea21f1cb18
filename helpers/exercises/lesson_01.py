"""Checkers of lesson 01."""

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import expit

from helpers.checks import exercise

# What to compute, for each sentence of exercise 2.
SENTENCES = {
    "A": "put D = 1 into the slope of log(1 - D) with respect to the logit",
    "B": "put D = 1/2 into -log D - log(1 - D)",
    "C": "put the largest value of the JSD into -log 4 + 2 JSD",
    "D": "compare the sign of D's loss with that of V",
    "E": "put D = 1/2 into both slopes with respect to the logit",
    "F": "ask whether q = p if q has a single image",
}
WRONG = {"A", "D", "F"}

TOLD_APART = {"B", "C"}


def samples() -> dict[str, np.ndarray]:
    """Return two sets of real numbers and what four generators drew.

    Returns:
        "real", "more real" and "A" to "D" -> numbers (5_000,).
    """
    bumps = dict.fromkeys(("real", "more real", "A", "D"), (0.5, 0.5, 1.0))
    bumps |= {"B": (0.42, 0.5, 1.0), "C": (0.5, 0.3, 0.7)}
    found = {}
    for k, (name, (share, left, right)) in enumerate(sorted(bumps.items())):
        rng = np.random.default_rng([1, k])
        is_left = rng.random(5_000) < share
        noise = rng.normal(size=5_000)
        found[name] = np.where(is_left, left * noise - 2, right * noise + 2)
    return found


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `smooth(p, q)`: the best D under targets of 0.9.

    Args:
        answer: of densities (n,) and (n,), returns probabilities (n,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = smooth"
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.01, 2, (2, 50))
    d = np.asarray(answer(p, q), float)
    assert d.shape == p.shape, "one answer for each pair of densities"
    assert ((d > 0) & (d < 1)).all(), "answers lie between 0 and 1"
    alone = np.asarray(answer(p, np.zeros(50)), float)
    assert np.allclose(alone, 0.9), (
        "where there are no generated images, D repeats its target"
    )

    def payment(d: np.ndarray) -> np.ndarray:
        smoothed = 0.9 * np.log(d) + 0.1 * np.log(1 - d)
        return p * smoothed + q * np.log(1 - d)

    for other in (d - 1e-4, d + 1e-4):
        assert (payment(d) >= payment(np.clip(other, 1e-9, 1 - 1e-9))).all(), (
            "at some pair of densities another answer is paid more"
        )


@exercise
def exercise_2(answer: set[str]) -> None:
    """Test which sentences are wrong.

    Args:
        answer: letters of the wrong ones.

    Raises:
        AssertionError: what to compute for a sentence judged wrongly.
    """
    assert isinstance(answer, set) and answer <= set(SENTENCES), (
        'give a set of letters from A to F, such as {"B", "C"}'
    )
    for letter in sorted(answer ^ WRONG):
        raise AssertionError(f"sentence {letter}: {SENTENCES[letter]}")


def _settles(rate: float) -> bool:
    """Whether the game of three numbers ends within 0.1 of the data."""
    z = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    x, (a, b, theta) = 3 + z, (0.0, 0.0, 0.0)
    for k in range(600):
        d_real, d_fake = expit(a * x + b), expit(a * (z + theta) + b)
        a += rate * (np.mean((1 - d_real) * x) - np.mean(d_fake * (z + theta)))
        b += rate * (np.mean(1 - d_real) - np.mean(d_fake))
        theta += rate * a * np.mean(expit(a * (z + theta) + b))
        if k >= 550 and not abs(theta - 3) <= 0.1:
            return False
    return True


@exercise
def exercise_3(answer: float) -> None:
    """Test the largest rate with which the game settles.

    Args:
        answer: the rate, to within 0.02.

    Raises:
        AssertionError: the property that fails.
    """
    assert isinstance(answer, int | float), "give a number, such as 0.2"
    assert 0.02 < answer < 5, "the rate lies between 0.02 and 5"
    assert _settles(answer - 0.02), (
        f"with a rate 0.02 lower, {answer - 0.02:g}, it does not settle"
    )
    assert not _settles(answer + 0.02), (
        f"with a rate 0.02 higher, {answer + 0.02:g}, it still settles"
    )


@exercise
def exercise_4(answer: set[str]) -> None:
    """Test which generators can be told from the data.

    Args:
        answer: letters of those that differ by more than chance.

    Raises:
        AssertionError: what to look at for a generator judged wrongly.
    """
    assert isinstance(answer, set) and answer <= set("ABCD"), (
        'give a set of letters from A to D, such as {"A"}'
    )
    for letter in sorted(answer - TOLD_APART):
        raise AssertionError(
            f"{letter} is no further from `real` than `more real` may be"
        )
    for letter in sorted(TOLD_APART - answer):
        raise AssertionError(
            f"{letter} is further from `real` than chance allows; how large "
            "is each bump, and how wide?"
        )
