"""Wrong answers that the checkers of lesson 02 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers import metrics
from helpers.exercises import lesson_02
from helpers.lessons import sharpness

RIGHT = solved("02")
soft_recall, best_code, normal, kernel_log_p = RIGHT.values()
gaussian_nats, best_sigma = normal


def kernel_underflows(x, centres, flip):
    m = x.shape[1]
    flips = (m - x @ centres.T) / 2
    p = flip**flips * (1 - flip) ** (m - flips)
    with np.errstate(divide="ignore"):
        return np.log(p.mean(axis=1))


def softened(x, x_real, share):
    sharp = metrics.laplacian_variance(x_real).mean()
    return sharpness.softened(x, share * sharp)


WRONG = {
    1: [
        lambda x, r, share: sharpness.scoring(r)(x)["recall"],
        lambda x, r, share: sharpness.scoring(r)(softened(x, r, share))[
            "precision"
        ],
        lambda x, r, share: sharpness.scoring(r)(softened(x, x, share))[
            "recall"
        ],
        lambda x, r, share: sharpness.scoring(softened(r, r, share))(x)[
            "recall"
        ],
        lambda x, r, share: [soft_recall(x, r, share)],
        0.6,
    ],
    2: [
        lambda x, w, s, beta: best_code(x, w, s, 1),
        lambda x, w, s, beta: best_code(x, w, s, 1 / beta),
        lambda x, w, s, beta: (x / w, best_code(x, w, s, beta)[1]),
        lambda x, w, s, beta: (best_code(x, w, s, beta)[0], 1 / beta),
        lambda x, w, s, beta: (0.0, 1.0),
        lambda x, w, s, beta: best_code(x, w, s, beta)[0],
        1.0,
    ],
    3: [
        (lambda x, i, s: gaussian_nats(x, i, s) / 784, best_sigma),
        (lambda x, i, s: -gaussian_nats(x, i, s), best_sigma),
        (
            lambda x, i, s: gaussian_nats(x, i, s) - 392 * np.log(2 * np.pi),
            best_sigma,
        ),
        (lambda x, i, s: gaussian_nats(x, i, s**2), best_sigma),
        (gaussian_nats, lambda x, i: np.mean((x - i) ** 2)),
        (gaussian_nats, lambda x, i: np.mean(np.abs(x - i))),
        (gaussian_nats, lambda x, i: 1.0),
        gaussian_nats,
    ],
    4: [
        kernel_underflows,
        lambda x, c, f: kernel_log_p(x, c, f) + np.log(len(c)),
        lambda x, c, f: -kernel_log_p(x, c, f),
        lambda x, c, f: kernel_log_p(x, c, 1 - f),
        lambda x, c, f: kernel_log_p(x, c, f) / x.shape[1],
        lambda x, c, f: kernel_log_p(x, c[:1], f),
        0.1,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_02, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
