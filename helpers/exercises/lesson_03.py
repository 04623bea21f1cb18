"""Checkers of lesson 03."""

from collections.abc import Callable

import numpy as np

from helpers import training
from helpers.backend import keras, ops
from helpers.checks import exercise
from helpers.lessons import dcgan


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `adam(gradients, learning_rate, beta_1, beta_2)`.

    Args:
        answer: returns the changes of one weight, one a gradient (n,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = adam"
    draw = np.random.default_rng(0).normal(1, 1, 20)
    moves = np.asarray(answer(draw, 0.01, 0.5, 0.99), float)
    assert moves.shape == draw.shape, "one change for each gradient"
    assert moves[0] * draw[0] < 0, "a weight moves against its gradient"
    assert abs(abs(moves[0]) - 0.01) < 1e-5, (
        "the first change is the learning rate, however large the gradient: "
        "correct both running means for their start at 0"
    )
    tenfold = np.asarray(answer(10 * draw, 0.01, 0.5, 0.99), float)
    assert np.allclose(moves, tenfold, rtol=1e-3), (
        "ten times the gradients, the same changes"
    )
    for settings in ((0.01, 0.5, 0.99), (0.03, 0.9, 0.999)):
        weight = keras.Variable(0.0)
        optimizer = keras.optimizers.Adam(*settings)
        path = [0.0]
        for gradient in draw.astype("float32"):
            optimizer.apply([ops.convert_to_tensor(gradient)], [weight])
            path.append(float(ops.convert_to_numpy(weight)))
        moves = np.asarray(answer(draw, *settings), float)
        assert np.allclose(moves, np.diff(path), atol=1e-5), (
            "the changes differ from those of keras.optimizers.Adam with "
            f"learning rate, beta_1 and beta_2 of {settings}"
        )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `charged_step(gan, x_real)`: the plain game with R1.

    Args:
        answer: a step, for `training.fit`.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = charged_step"
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (16, 28, 28, 1)).astype("float32")

    def change(step: Callable, gamma: float, decay: float) -> list:
        """Return what one step does to D, to G and to the average."""
        recipe = dcgan.Recipe(1, 8, 8, 8, 16, r1_gamma=gamma, ema_decay=decay)
        gan = dcgan.build_gan(recipe)
        parts = gan.discriminator, gan.generator, gan.average
        old = [part.trainable_variables[0].numpy() for part in parts]
        training.fit(gan, x, 1, step=step)
        new = [part.trainable_variables[0].numpy() for part in parts]
        return [a - b for a, b in zip(new, old, strict=True)]

    d_10, g_10, average = change(answer, 10.0, 0.5)
    d_0, *_ = change(answer, 0.0, 0.5)
    assert np.abs(d_10 - d_0).max() > 1e-5, (
        "a weight of 10 and of 0 move D alike: descend d_loss plus the "
        "penalty, slope_penalty(gan, ...)"
    )
    assert np.abs(g_10).max() > 0, "G has to move as well"
    assert not np.abs(average).any(), "no average: that is another cure"
    wanted, *_ = change(dcgan.train_step, 0.0, 0.5)
    assert np.mean(np.abs(d_0 - wanted) > 1e-4) < 0.05, (
        "without the penalty, D moves as in the plain game"
    )
