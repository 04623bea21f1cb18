"""Wrong answers that the checkers of lesson 04 must reject."""

import numpy as np
import pytest
from answers import judge, solved
from scipy import ndimage, stats

from helpers import data
from helpers.exercises import lesson_04

RIGHT = solved("04")
block_means, GUESSES = RIGHT[1]


def compare(a, b, ddof=1, root=True, swap=False, per_run=True, normal=False):
    """Compare two recipes as the solution does, or with a fault."""
    halves = []
    for v in (a, b):
        t = 1.96 if normal else stats.t.ppf(0.975, len(v) - 1)
        n = len(v) if per_run else 1
        halves.append(t * np.std(v, ddof=ddof) / n**0.5)
    half = np.hypot(*halves) if root else sum(halves)
    low, high = np.mean(a) - np.mean(b) + [-half, half]
    words = ("second", "first") if swap else ("first", "second")
    return low, high, "open" if low < 0 < high else words[int(low > 0)]


def by_scipy(a, b, test=stats.ttest_ind, **how):
    low, high = test(a, b, **how).confidence_interval()
    word = "first" if high < 0 else "second" if low > 0 else "open"
    return low, high, word


def hand_out_real_digits(images):
    return data.load("holdout", len(images))[0]


def soften(images):
    return ndimage.gaussian_filter(images, (0, 1, 1, 0))


WRONG = {
    1: [
        (look, GUESSES)
        for look in (
            lambda x: x[:, ::4, ::4].reshape(len(x), 49),
            lambda x: x.reshape(-1, 7, 4, 7, 4).max((2, 4)).reshape(-1, 49),
            lambda x: x.reshape(len(x), 4, 7, 4, 7).mean((2, 4)),
            lambda x: x.reshape(len(x), 49, 16).mean(axis=2),
            lambda x: x.reshape(len(x), 784),
            lambda x: 16 * block_means(x),
            lambda x: np.roll(block_means(np.roll(x, 2, axis=2)), 1, 1),
            49,
        )
    ]
    + [
        (block_means, {"shift", "brick"}),
        (block_means, [*GUESSES, "blur"]),
        (block_means, {*GUESSES, "coffee"}),
        (block_means, "noise"),
        block_means,
    ],
    2: [
        lambda a, b: compare(a, b, ddof=0),
        lambda a, b: compare(a, b, root=False),
        lambda a, b: compare(a, b, swap=True),
        lambda a, b: compare(a, b, per_run=False),
        lambda a, b: compare(a, b, normal=True),
        lambda a, b: compare(b, a),
        lambda a, b: compare(a, b)[:2],
        lambda a, b: (*compare(a, b)[:2], "first"),
        lambda a, b: by_scipy(a, b, stats.ttest_rel),
        by_scipy,  # pools the scatter
        0.5,
    ],
    3: [
        lambda images: images,
        lambda images: 3 * images,
        lambda images: -images,
        lambda images: images[:10],
        lambda images: np.sign(images - images.mean(axis=0)),
        hand_out_real_digits,
        soften,
        1.0,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_04, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)


def test_the_interval_of_welch_will_do(capsys):
    lesson_04.exercise_2(lambda a, b: by_scipy(a, b, equal_var=False))
    assert capsys.readouterr().out == "PASS\n"
