"""Wrong answers that the checkers of lesson 06 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.exercises import lesson_06

RIGHT = solved("06")


def counts(asked, named):
    table = np.zeros((10, 10))
    np.add.at(table, (asked, named), 1)
    return table


CODES = np.eye(10)


def mixed(z, a, b, t, codes=CODES):
    code = (1 - t) * codes[a] + t * codes[b]
    return np.concatenate([z, np.tile(code, (len(z), 1))], axis=1)


def halves(images, y, middle=np.median, own=True):
    ink = images.mean(axis=(1, 2, 3))
    found = np.zeros(len(y), "int32")
    for k in range(10):
        found[y == k] = ink[y == k] > middle(ink[y == k] if own else ink)
    return found


WRONG = {
    1: [
        counts,
        lambda asked, named: counts(asked, named) / len(asked),
        lambda asked, named: (
            counts(asked, named) / counts(asked, named).sum(0)
        ),
        lambda asked, named: RIGHT[1](named, asked),
        lambda asked, named: RIGHT[1](asked, named).T,
        lambda asked, named: np.eye(10),
        0.98,
    ],
    2: [
        lambda z, a, b, t: mixed(z, b, a, t),
        lambda z, a, b, t: mixed(z, a, b, round(t)),
        lambda z, a, b, t: mixed(z, 3, 8, t),
        lambda z, a, b, t: mixed(z * (1 - t), a, b, t),
        lambda z, a, b, t: mixed(z, a, b, t)[:, ::-1],
        lambda z, a, b, t: mixed(z, a, b, t, np.sqrt(2) * CODES),
        lambda z, a, b, t: mixed(z, a, b, t, CODES[:, :9]),
        0.5,
    ],
    3: [
        lambda images, y: halves(images, y, own=False),
        lambda images, y: halves(images, y, np.mean),
        lambda images, y: 1 - halves(images, y),
        lambda images, y: halves(images, y) == 1,
        lambda images, y: y,
        lambda images, y: np.arange(len(y)) % 2,
        lambda images, y: halves(images, y)[:, None],
        1,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_06, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


@pytest.mark.parametrize(
    ("k", "answer", "part"),
    [
        (1, counts, "these are counts"),
        (1, lambda asked, named: RIGHT[1](asked, named).T, "downwards"),
        (1, lambda asked, named: np.eye(10), "row 0, column 7 holds 0.25"),
        (2, lambda z, a, b, t: mixed(z, b, a, t), "changed places"),
        (2, lambda z, a, b, t: mixed(z[:1], a, b, t), "found (1, 18)"),
        (3, lambda images, y: halves(images, y) == 1, "found bool"),
        (3, lambda images, y: halves(images, y, np.mean), "the median"),
        (3, lambda images, y: 1 - halves(images, y), "more ink"),
        (3, lambda images, y: y, "found [0, 1, 2"),
    ],
)
def test_a_checker_says_what_it_found(k, answer, part, capsys):
    getattr(lesson_06, f"exercise_{k}")(answer)
    assert part in capsys.readouterr().out


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
