"""Wrong answers that the checkers of lesson 04 must reject."""

import numpy as np
import pytest
from answers import judge, solved
from scipy import ndimage
from scipy.spatial.distance import cdist

from helpers import data
from helpers.exercises import lesson_04

RIGHT = solved("04")
block_means = RIGHT[1]


def coverage(real, fake, k, strict=False, itself=1):
    radii = np.sort(cdist(real, real), axis=1)[:, k - 1 + itself]
    nearest = cdist(real, fake).min(axis=1)
    return np.mean(nearest < radii if strict else nearest <= radii)


def hand_out_real_digits(images):
    return data.load("holdout", len(images))[0]


def soften(images):
    return ndimage.gaussian_filter(images, (0, 1, 1, 0))


WRONG = {
    1: [
        lambda x: x[:, ::4, ::4].reshape(len(x), 49),
        lambda x: x.reshape(len(x), 7, 4, 7, 4).max((2, 4)).reshape(-1, 49),
        lambda x: x.reshape(len(x), 4, 7, 4, 7).mean((2, 4)),
        lambda x: x.reshape(len(x), 49, 16).mean(axis=2),
        lambda x: x.reshape(len(x), 784),
        lambda x: 16 * block_means(x),
        lambda x: np.roll(block_means(np.roll(x, 2, axis=2)), 1, 1),
        49,
    ],
    2: [
        lambda real, fake, k: coverage(real, fake, k, strict=True),
        lambda real, fake, k: coverage(real, fake, k, itself=0),
        lambda real, fake, k: coverage(fake, real, k),
        lambda real, fake, k: coverage(real, fake, k + 1),
        lambda real, fake, k: 1 - coverage(real, fake, k),
        lambda real, fake, k: 1.0,
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
