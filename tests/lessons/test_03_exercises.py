"""Wrong answers that the checkers of lesson 03 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.backend import keras, layers, ops
from helpers.exercises import lesson_03

RIGHT = solved("03")
overlap = RIGHT[2]


def too_short(n, kernel, stride):
    return overlap(n, kernel, stride)[: n * stride]


def stride_one(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return np.resize(overlap(n, kernel, 1), length)


def always_even(n, kernel, stride):
    return np.full((n - 1) * stride + kernel, kernel // stride)


def generator_with(
    kernel, other=None, bias=False, last="tanh", hidden=layers.ReLU
):
    paint = layers.Conv2DTranspose
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(7 * 7 * 64, use_bias=False),
            layers.Reshape((7, 7, 64)),
            layers.BatchNormalization(momentum=0.9),
            hidden(),
            paint(32, other or kernel, 2, padding="same", use_bias=bias),
            layers.BatchNormalization(momentum=0.9),
            hidden(),
            paint(1, kernel, 2, padding="same", activation=last),
        ]
    )


def adam(gradients, learning_rate, beta_1, beta_2, correct=True):
    m = v = 0.0
    moves = []
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t) if correct else m
        v_hat = v / (1 - beta_2**t) if correct else v
        moves.append(-learning_rate * m_hat / (np.sqrt(v_hat) + 1e-7))
    return np.array(moves)


WRONG = {
    1: [(0, np.inf), (0.4, 0.69), (0.313, 1.0064), (np.log(2), 0.313), 0.313],
    2: [too_short, stride_one, always_even, 7],
    3: [
        lambda kernel: generator_with(4),
        lambda kernel: generator_with(kernel, other=4),
        lambda kernel: generator_with(kernel, bias=True),
        lambda kernel: generator_with(kernel, last=None),
        lambda kernel: generator_with(kernel, last="sigmoid"),
        lambda kernel: generator_with(kernel, hidden=layers.Identity),
        generator_with(5),
    ],
    4: [
        ops.sigmoid,
        ops.tanh,
        lambda a: ops.sigmoid(a / 2),
        lambda a: 2 * ops.sigmoid(2 * a) - 1,
        0.5,
    ],
    5: [
        lambda g, *rest: adam(g, *rest, correct=False),
        lambda g, *rest: -adam(g, *rest),
        lambda g, lr, b1, b2: adam(g, lr, b2, b1),
        lambda g, lr, b1, b2: adam(g, lr, 1 - b1, b2),
        lambda g, lr, b1, b2: adam(g, lr, 0.5, 0.99),
        lambda g, lr, b1, b2: -lr * g,
        lambda g, lr, b1, b2: -lr * np.sign(g),
        0.01,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_03, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
