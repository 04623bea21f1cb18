"""Every checker accepts its reference and rejects plausible wrong answers."""

import numpy as np
import pytest
from keras import ops

from helpers.exercises import lesson_03


def overlap(n, kernel, stride):
    counts = np.zeros((n - 1) * stride + kernel, int)
    for i in range(n):
        counts[i * stride : i * stride + kernel] += 1
    return counts


def too_short(n, kernel, stride):
    return overlap(n, kernel, stride)[: n * stride]


def stride_one(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return np.resize(overlap(n, kernel, 1), length)


def always_even(n, kernel, stride):
    return np.full((n - 1) * stride + kernel, kernel // stride)


def smoothed(real, fake, target):
    up = target * ops.softplus(-real) + (1 - target) * ops.softplus(real)
    return ops.mean(up) + ops.mean(ops.softplus(fake))


def both_sides(real, fake, target):
    down = target * ops.softplus(fake) + (1 - target) * ops.softplus(-fake)
    return smoothed(real, real * 0 - 99, target) + ops.mean(down)


def scaled_only(real, fake, target):
    up = target * ops.softplus(-real)
    return ops.mean(up) + ops.mean(ops.softplus(fake))


def swapped(real, fake, target):
    return smoothed(real, fake, 1 - target)


CASES = [
    (lesson_03.exercise_1, overlap, [too_short, stride_one, always_even, 7]),
    (
        lesson_03.exercise_2,
        smoothed,
        [both_sides, scaled_only, swapped, lambda r, f, t: r, 0.9],
    ),
]


@pytest.mark.parametrize(("checker", "right", "wrong"), CASES)
def test_checker(checker, right, wrong, capsys):
    checker(...)
    checker(right)
    assert capsys.readouterr().out == "not attempted\nPASS\n"
    for answer in wrong:
        checker(answer)
        assert capsys.readouterr().out.startswith("not yet: "), answer
