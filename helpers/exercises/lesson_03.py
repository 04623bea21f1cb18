"""Checkers of lesson 03."""

from collections.abc import Callable

import numpy as np

from helpers.backend import keras, ops
from helpers.checks import exercise


@exercise
def exercise_1(answer: tuple[float, float]) -> None:
    """Test the ends of G's loss when a sigmoid is applied twice.

    Args:
        answer: smallest and largest loss, nats.

    Raises:
        AssertionError: the property that fails.
    """
    message = "give two numbers: answer = (smallest, largest)"
    assert np.shape(answer) == (2,), message
    smallest, largest = (float(end) for end in answer)
    assert smallest < largest, "the smallest comes first"
    p = np.linspace(0, 1, 101)
    losses = np.log1p(np.exp(-p))  # p is taken for the logit
    assert smallest <= losses.min() + 5e-3, (
        "some p in [0, 1] gives a smaller loss than your smallest"
    )
    assert largest >= losses.max() - 5e-3, (
        "some p in [0, 1] gives a larger loss than your largest"
    )
    assert smallest >= losses.min() - 5e-3, "no p gives a loss so small"
    assert largest <= losses.max() + 5e-3, "no p gives a loss so large"


@exercise
def exercise_2(answer: Callable) -> None:
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
