"""Wrong answers that the checkers of lesson 05 must reject."""

import functools

import numpy as np
import pytest
from answers import judge, solved
from scipy import stats
from scipy.special import expit

from helpers.exercises import lesson_05
from helpers.lessons import stability

RIGHT = solved("05")


def play(n_rounds, rate, start, sign=-1, in_turn=True, first=True):
    """Play the game with one thing changed."""
    theta, psi = start
    path = [start] if first else []
    for _ in range(n_rounds):
        new = psi - rate * expit(psi * theta) * theta
        seen = new if in_turn else psi
        theta += rate * expit(sign * seen * theta) * seen
        psi = new
        path.append((theta, psi))
    return np.array(path)


def trial(train, starts, readings=slice(-4, None), least=7, method="exact"):
    """Judge runs with one thing changed."""
    ring, k = stability.ring(), 0
    for start in starts:
        film = train(start)[readings]
        k += np.mean([stability.count(x, ring)["modes"] for x in film]) < least
    return (k, *stats.binomtest(k, len(starts)).proportion_ci(method=method))


WRONG = {
    1: [
        lambda gamma, factor: gamma,
        lambda gamma, factor: gamma * factor,
        lambda gamma, factor: gamma / factor**2,
        lambda gamma, factor: gamma * factor**3,
        lambda gamma, factor: 0.01 * factor**2,
        1.0,
    ],
    2: [
        lambda n, rate, start: play(n, rate, start, sign=1),
        lambda n, rate, start: play(n, rate, start, in_turn=False),
        lambda n, rate, start: play(n, rate, start, first=False),
        lambda n, rate, start: play(n, 0.2, start),
        lambda n, rate, start: play(n, rate, (1.0, -1.0)),
        lambda n, rate, start: play(n, rate, start)[:, ::-1],
        "play_ns",
    ],
    3: [
        functools.partial(trial, readings=slice(-1, None)),
        functools.partial(trial, readings=slice(None)),
        functools.partial(trial, least=7.01),
        functools.partial(trial, least=6.5),
        functools.partial(trial, method="wilson"),
        lambda train, starts: trial(train, starts)[0],
        lambda train, starts: (0, 0.0, 0.5),
        0.5,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_05, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
