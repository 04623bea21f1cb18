"""Every checker accepts its reference and rejects plausible wrong answers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from helpers.exercises import lesson_01, lesson_03


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


F_GAN = (
    lambda t: np.exp(t - 1),
    lambda u: 1 + np.log(u),
    lambda t: -1 - np.log(-t),
    lambda u: -1 / u,
)


def w1_line(x, y):
    return np.abs(np.sort(x) - np.sort(y)).mean()


CASES = [
    (
        lesson_01.exercise_1,
        lambda p, q: 0.9 * p / (p + q),
        [
            lambda p, q: p / (p + q),
            lambda p, q: 0.9 * p / (0.9 * p + q),
            lambda p, q: 0.9 * p / (p + q) + 0.1 * q / (p + q),
            lambda p, q: 0.9 * q / (p + q),
            lambda p, q: 0.9,
            0.9,
        ],
    ),
    (
        lesson_01.exercise_2,
        F_GAN,
        [
            F_GAN[2:] + F_GAN[:2],
            F_GAN[:2],
            (lambda t: np.exp(t), *F_GAN[1:]),
            (F_GAN[0], lambda u: np.log(u), *F_GAN[2:]),
            (*F_GAN[:3], lambda u: -u),
            (*F_GAN[:2], lambda t: 1 - np.log(-t), F_GAN[3]),
            np.exp,
        ],
    ),
    (
        lesson_01.exercise_3,
        {"A", "D", "F"},
        [{"A", "D"}, {"A", "D", "F", "C"}, set(), {"G"}, "ADF", {"B", "E"}],
    ),
    (
        lesson_01.exercise_4,
        w1_line,
        [
            lambda x, y: np.abs(x - y).mean(),
            lambda x, y: abs(np.mean(x) - np.mean(y)),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)).sum(),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)[::-1]).mean(),
            lambda x, y: np.sqrt(((np.sort(x) - np.sort(y)) ** 2).mean()),
            1.0,
        ],
    ),
    (
        lesson_03.exercise_1,
        (np.log1p(np.exp(-1)), np.log(2)),
        [(0, np.inf), (0.4, 0.69), (0.313, 1.0064), (np.log(2), 0.313), 0.313],
    ),
    (lesson_03.exercise_2, overlap, [too_short, stride_one, always_even, 7]),
    (
        lesson_03.exercise_3,
        generator_with,
        [
            lambda kernel: generator_with(4),
            lambda kernel: generator_with(kernel, other=4),
            lambda kernel: generator_with(kernel, bias=True),
            lambda kernel: generator_with(kernel, last=None),
            lambda kernel: generator_with(kernel, last="sigmoid"),
            lambda kernel: generator_with(kernel, hidden=layers.Identity),
            generator_with(5),
        ],
    ),
    (
        lesson_03.exercise_4,
        lambda a: ops.sigmoid(2 * a),
        [
            ops.sigmoid,
            ops.tanh,
            lambda a: ops.sigmoid(a / 2),
            lambda a: 2 * ops.sigmoid(2 * a) - 1,
            0.5,
        ],
    ),
    (
        lesson_03.exercise_5,
        adam,
        [
            lambda g, *rest: adam(g, *rest, correct=False),
            lambda g, *rest: -adam(g, *rest),
            lambda g, lr, b1, b2: adam(g, lr, b2, b1),
            lambda g, lr, b1, b2: adam(g, lr, 1 - b1, b2),
            lambda g, lr, b1, b2: adam(g, lr, 0.5, 0.99),
            lambda g, lr, b1, b2: -lr * g,
            lambda g, lr, b1, b2: -lr * np.sign(g),
            0.01,
        ],
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
