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


def plain(gan, x_real, d_moves=True):
    z = dcgan.draw_z(gan, x_real)
    with tf.GradientTape(persistent=True) as tape:
        fake = gan.discriminator(gan.generator(z, training=True))
        d_loss = dcgan.discriminator_loss(gan.discriminator(x_real), fake)
        g_loss = dcgan.generator_loss(fake)
    d_weights = gan.discriminator.trainable_variables
    g_weights = gan.generator.trainable_variables
    if d_moves:
        gan.d_optimizer.apply(tape.gradient(d_loss, d_weights), d_weights)
    gan.g_optimizer.apply(tape.gradient(g_loss, g_weights), g_weights)
    return d_loss, g_loss


WRONG = {
    1: [
        lambda g, *rest: adam(g, *rest, correct=False),
        lambda g, *rest: -adam(g, *rest),
        lambda g, lr, b1, b2: adam(g, lr, b2, b1),
        lambda g, lr, b1, b2: adam(g, lr, 1 - b1, b2),
        lambda g, lr, b1, b2: adam(g, lr, 0.5, 0.99),
        lambda g, lr, b1, b2: -lr * g,
        lambda g, lr, b1, b2: -lr * np.sign(g),
        0.01,
    ],
    2: [
        dcgan.train_step,  # with the average
        plain,
        lambda gan, x: dcgan.slope_penalty(gan, x),  # nobody moves
        lambda gan, x: plain(gan, x, d_moves=False),
        "charged_step",
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_03, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
