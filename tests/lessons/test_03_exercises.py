"""Wrong answers that the checkers of lesson 03 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.backend import tf
from helpers.exercises import lesson_03
from helpers.lessons import dcgan

RIGHT = solved("03")


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


def at_z(gan, x_real):
    """Measure the slope in z instead of in pixels."""
    z = dcgan.draw_z(gan, x_real)
    with tf.GradientTape() as tape:
        tape.watch(z)
        slopes = tf.reduce_sum(gan.discriminator(gan.generator(z)) + z)
    return tf.reduce_mean(tf.square(tape.gradient(slopes, z)))


def at_drawn(gan, x_real, n=None, factor=1.0):
    z = dcgan.draw_z(gan, x_real[:n])
    x_fake = gan.generator(z, training=True)
    return factor * dcgan.slope_penalty(gan, x_fake)


WRONG = {
    1: [
        (250, 2.7, 3.6),  # gamma, not gamma / 2
        (25, 2.7, 3.6),  # the length, not its square
        (125, 3.3, 4.4),  # up, not down
        (125, 2.85, 3.8),  # gamma / 2 in the gradient
        (125, 2.9, 3.9),  # not along w
        (125, -30, -40),  # the gradient itself, and turned round
        125,
    ],
    2: [
        lambda g, *rest: adam(g, *rest, correct=False),
        lambda g, *rest: -adam(g, *rest),
        lambda g, lr, b1, b2: adam(g, lr, b2, b1),
        lambda g, lr, b1, b2: adam(g, lr, 1 - b1, b2),
        lambda g, lr, b1, b2: adam(g, lr, 0.5, 0.99),
        lambda g, lr, b1, b2: -lr * g,
        lambda g, lr, b1, b2: -lr * np.sign(g),
        0.01,
    ],
    3: [
        dcgan.slope_penalty,  # at the real images
        lambda gan, x: at_drawn(gan, x) + dcgan.slope_penalty(gan, x),
        lambda gan, x: at_drawn(gan, x, n=4),
        lambda gan, x: at_drawn(gan, x, factor=2.0),  # gamma, not gamma / 2
        lambda gan, x: at_drawn(gan, x) * tf.ones(len(x)),
        at_z,
        "fake_penalty",
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_03, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
