"""Wrong answers that the checkers of lesson 08 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.exercises import lesson_08
from helpers.lessons import latent

RIGHT = solved("08")


def round_trip(a, b, n):
    t = 1 - np.abs(np.linspace(-1, 1, n + 1)[:-1, None])
    t = np.roll(t, 0)
    return np.concatenate([latent.slerp(a[None], b[None], x) for x in t])


def on_lines(a, b, n):
    t = np.linspace(0, 4, n, endpoint=False)[:, None]
    corners = np.stack([a, b, -a, -b, a])
    k = t.astype(int)[:, 0]
    return corners[k] * (1 - t % 1) + corners[k + 1] * (t % 1)


def plain(z, images):
    return latent.common_direction(z, latent.moments(images)[:, 2])


WRONG = {
    1: [
        round_trip,
        on_lines,
        lambda a, b, n: RIGHT[1](b, a, n),
        lambda a, b, n: RIGHT[1](a, -b, n),
        lambda a, b, n: RIGHT[1](a, b, n + 1)[:n],
        lambda a, b, n: RIGHT[1](a, b, n - 1)[np.r_[0 : n - 1, 0]],
        lambda a, b, n: RIGHT[1](a, b, n) / np.linalg.norm(a),
        lambda a, b, n: RIGHT[1](a, b, n).T,
        lambda a, b, n: (
            RIGHT[1](a, np.roll(b, 1), n) + 0.1 * np.roll(b, 2)[None]
        ),
        7,
    ],
    2: [
        plain,
        lambda z, images: -RIGHT[2](z, images),
        lambda z, images: np.ones(64),
        lambda z, images: np.zeros(64),
        lambda z, images: RIGHT[2](z, images)[:9],
        lambda z, images: np.full(64, np.nan),
        lambda z, images: plain(z[:70], images[:70]),
        "ink",
    ],
    3: [
        lambda w, other, first: RIGHT[3](other, w, first),
        lambda w, other, first: RIGHT[3](w, other, first - 1),
        lambda w, other, first: RIGHT[3](w, other, first + 1),
        lambda w, other, first: RIGHT[3](w, other, np.full(len(w), 2)),
        lambda w, other, first: RIGHT[3](w, other, first)[:, ::-1],
        lambda w, other, first: RIGHT[3](w, other, first)[:, :2],
        lambda w, other, first: (
            (RIGHT[3](w, other, first) + RIGHT[3](w, w, first)) / 2
        ),
        None,
    ],
}


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_are_rejected(number, capsys):
    checker = getattr(lesson_08, f"exercise_{number}")
    judge(checker, RIGHT[number], WRONG[number], capsys)
