"""Checkers of lesson 03."""

from collections.abc import Callable, Sequence

import numpy as np

from helpers.backend import keras, ops, tf
from helpers.checks import exercise
from helpers.lessons import dcgan


@exercise
def exercise_1(answer: Sequence[float]) -> None:
    """Test R1 of D(x) = w x + b and w after one step, for w = (3, 4).

    Args:
        answer: R1, then the two numbers of the new w.

    Raises:
        AssertionError: the property that fails.
    """
    w, gamma, rate = np.array([3.0, 4.0]), 10.0, 0.01
    given = np.asarray(answer, float).ravel()
    assert given.shape == (3,), "three numbers: R1, and the new w"
    r1, new = given[0], given[1:]
    assert new @ w < w @ w, (
        "a penalty on the slope makes it smaller: descend, so the new w is "
        "shorter than (3, 4)"
    )
    assert np.isclose(new[0] * w[1], new[1] * w[0], atol=1e-6), (
        "the gradient of R1 points along w, so w keeps its direction"
    )
    assert np.isclose(r1, gamma / 2 * w @ w), (
        "R1 is gamma / 2 times the squared length of the slope, which is w "
        "at every x"
    )
    assert np.allclose(new, w - rate * gamma * w), (
        "the gradient of gamma / 2 times |w|^2 is gamma w; the step is the "
        "learning rate times it"
    )


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


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `fake_penalty(gan, x_real)`: D's slope at generated images (R2).

    Args:
        answer: returns the weighted penalty, a scalar.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = fake_penalty"
    recipe = dcgan.Recipe(1, 8, 8, 8, 16, r1_gamma=4.0)
    gan = dcgan.build_gan(recipe)
    rng = np.random.default_rng(0)
    x_real = rng.uniform(-1, 1, (16, 28, 28, 1)).astype("float32")
    seen = []

    def draw(z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Stand in for G: note how many z come, draw one known picture."""
        seen.append(z.shape[0])
        return ops.convert_to_tensor(np.repeat(picture, z.shape[0], 0))

    picture = rng.uniform(-1, 1, (1, 28, 28, 1)).astype("float32")
    gan.generator = draw
    found = np.asarray(ops.convert_to_numpy(answer(gan, x_real)))
    assert found.shape == (), "one number, the mean over the images"
    assert seen and {*seen} == {16}, (
        "draw with gan.generator, one z for each image of x_real"
    )
    assert np.isclose(found, answer(gan, -x_real), rtol=1e-4), (
        "it depends on the pixels of x_real: penalise D at the drawn "
        "images alone"
    )
    wanted = dcgan.slope_penalty(gan, picture)
    assert np.isclose(found, wanted, rtol=1e-3), (
        "where G draws one picture again and again, the penalty is "
        "slope_penalty at that picture"
    )
