"""Checkers of lesson 01."""

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import expit

from helpers.checks import exercise
from helpers.lessons import theory

# What to compute, for each sentence of exercise 2.
SENTENCES = {
    "A": "put D = 1 into the slope of log(1 - D) with respect to the logit",
    "B": "put D = 1/2 into -log D - log(1 - D)",
    "C": "put the largest value of the JSD into -log 4 + 2 JSD",
    "D": "solve p / (p + q) = 0.9 for p / q",
    "E": "put D = 1/2 into both slopes with respect to the logit",
    "F": "ask whether q = p if q has a single image",
}
WRONG = {"A", "D", "F"}


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


def _settles(rate: float, alone: bool = False) -> bool:
    """Whether the game of three numbers, or D alone, ends flat on the data."""
    start = (0.1, 0.0, 3.0) if alone else (0.0, 0.0, 0.0)
    path = theory.game(0, rate, start=start, hold_g=alone)
    a, _, theta = path[-50:].T
    return bool((np.abs(theta - 3) <= 0.1).all() and (np.abs(a) <= 0.1).all())


@exercise
def exercise_3(answer: tuple[float, str]) -> None:
    """Test the largest rate with which the game settles, and who breaks.

    Args:
        answer: the rate, to within 0.02, and "D" or "game".

    Raises:
        AssertionError: the property that fails.
    """
    assert isinstance(answer, tuple) and len(answer) == 2, (
        'give a rate and who breaks, such as (0.2, "game")'
    )
    rate, who = answer
    assert isinstance(rate, int | float), "the first is a number, such as 0.2"
    assert 0.02 < rate < 5, "the rate lies between 0.02 and 5"
    for lower in np.arange(min(0.2, rate), rate - 0.019, 0.02):
        assert _settles(lower), f"with the lower rate {lower:g} it breaks"
    above = rate + 0.02
    assert not _settles(above), (
        f"with a rate 0.02 higher, {above:g}, it still settles"
    )
    assert who in ("D", "game"), 'who breaks is "D" or "game"'
    culprit = "game" if _settles(above, alone=True) else "D"
    assert who == culprit, (
        f"who breaks: hold G at 3, play D alone at {above:.2f}, and look at a"
    )


@exercise
def exercise_4(answer: Callable) -> None:
    """Test `slopes(a, b, theta, x_real, z)` with the other loss of G.

    Args:
        answer: returns the slopes of V in a and b, and that of G's loss,
            -log D, in theta.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = slopes"
    z = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    for a, b, theta in ((0.4, -0.3, 1.0), (-1.0, 0.5, 2.0), (0.0, 1.0, 0.0)):
        found = np.asarray(answer(a, b, theta, 3 + z, z), float)
        assert found.shape == (3,), "return three slopes: v_a, v_b, v_theta"
        logits = a * (3 + z) + b, a * (z + theta) + b
        doubt, belief = expit(-logits[0]), expit(logits[1])
        wanted = (
            np.mean(doubt * (3 + z)) - np.mean(belief * (z + theta)),
            np.mean(doubt) - np.mean(belief),
            -a * np.mean(1 - belief),
        )
        assert np.allclose(found[:2], wanted[:2]), (
            "D plays as before: its two slopes stay"
        )
        assert not np.allclose(found[2], -wanted[2]) or a == 0, (
            "G goes downhill: theta loses rate times the slope of its loss, "
            "so the sign of the slope matters"
        )
        assert np.allclose(found[2], wanted[2]), (
            "the slope of -log D in the logit is -(1 - D), and theta moves "
            "the logit by a"
        )
