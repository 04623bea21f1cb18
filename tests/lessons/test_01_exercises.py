"""Wrong answers that the checkers of lesson 01 must reject."""

import numpy as np
import pytest
from answers import judge, solved
from scipy.special import expit

from helpers.exercises import lesson_01

RIGHT = solved("01")


def with_g_slope(in_logit, swap=False):
    """Return `slopes` with another slope of G's loss in the logit."""

    def slopes(a, b, theta, x_real, z):
        d_real, d_fake = expit(a * x_real + b), expit(a * (z + theta) + b)
        v_a = np.mean((1 - d_real) * x_real) - np.mean(d_fake * (z + theta))
        v_b = np.mean(1 - d_real) - np.mean(d_fake)
        v_theta = a * np.mean(in_logit(d_fake))
        return (v_b, v_a, v_theta) if swap else (v_a, v_b, v_theta)

    return slopes


WRONG = {
    1: [
        lambda p, q: p / (p + q),
        lambda p, q: 0.9 * p / (0.9 * p + q),
        lambda p, q: 0.9 * p / (p + q) + 0.1 * q / (p + q),
        lambda p, q: 0.9 * q / (p + q),
        lambda p, q: 0.9,
        0.9,
    ],
    2: [{"A", "D"}, {"A", "D", "F", "C"}, set(), {"G"}, "ADF", {"B", "E"}],
    3: [(rate, "D") for rate in (0.2, 0.5, 0.34, 0.41, "0.37", -1, None)]
    + [(0.37, "game"), (0.37, "G"), (0.37, None), 0.37, "D"],
    4: [with_g_slope(d) for d in (lambda d: -d, lambda d: 1 - d, lambda d: d)]
    + [with_g_slope(lambda d: d - 1, swap=True), lambda *rest: 0.0, 0.5],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_01, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
