"""Wrong answers that the checkers of lesson 07 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.exercises import lesson_07

RIGHT = solved("07")


def flipped(side):
    other = {"left": "right", "right": "left", "top": "bottom"}
    return RIGHT[1](other.get(side, "top"))


def late(side):
    mask = np.zeros((1, 28, 28, 1), "float32")
    where = {
        "left": np.s_[:, :, :13],
        "right": np.s_[:, :, 13:],
        "top": np.s_[:, :13],
        "bottom": np.s_[:, 13:],
    }
    mask[where[side]] = 1
    return mask


def noisy(given, k, draw=np.random.Generator.standard_normal, shape=None):
    rng = np.random.default_rng(k)
    noise = draw(rng, size=shape or (len(given), 28, 28, 1))
    noise = np.broadcast_to(noise, (len(given), 28, 28, 1))
    return np.concatenate([given, noise.astype("float32")], axis=-1)


WRONG = {
    1: [
        flipped,
        late,
        lambda side: RIGHT[1](side)[0],
        lambda side: RIGHT[1](side).astype(bool),
        lambda side: 2 * RIGHT[1](side) - 1,
        lambda side: RIGHT[1](side).transpose(0, 2, 1, 3),
        lambda side: RIGHT[1]("right"),
        "right",
    ],
    2: [
        lambda error, q: RIGHT[2](error, 1 - q),
        lambda error, q: np.abs(error),
        lambda error, q: q * error**2,
        lambda error, q: q * np.abs(error),
        lambda error, q: np.asarray(RIGHT[2](error, q)).mean(),
        lambda error, q: np.where(error > 0, error, -q * error),
        0.7,
    ],
    3: [
        lambda given, k: noisy(given, 0),
        lambda given, k: noisy(given, None),
        lambda given, k: noisy(given, k, shape=(1, 28, 28, 1)),
        lambda given, k: noisy(given, k, shape=(len(given), 1, 1, 1)),
        lambda given, k: noisy(given, k, np.random.Generator.uniform),
        lambda given, k: noisy(given, k)[..., ::-1],
        lambda given, k: noisy(0 * given, k),
        3,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_07, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
