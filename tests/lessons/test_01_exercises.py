"""Wrong answers that the checkers of lesson 01 must reject."""

import pytest
from answers import judge, solved

from helpers.exercises import lesson_01

RIGHT = solved("01")


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
    3: [0.2, 0.5, 0.34, 0.41, "0.37", -1, None],
    4: [set(), {"B"}, {"A", "B", "C"}, {"B", "C", "D"}, {"E"}, "BC"],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_01, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
