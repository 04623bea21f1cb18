"""Checkers of lesson 03."""

from collections.abc import Callable

import numpy as np

from helpers.backend import keras, layers, ops
from helpers.checks import exercise
from helpers.lessons.dcgan import build_generator


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
    """Test `overlap(n, kernel, stride)`: paintings of each output pixel.

    Args:
        answer: returns whole numbers ((n - 1) * stride + kernel,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = overlap"
    for n, kernel, stride in ((1, 4, 2), (5, 4, 2), (6, 5, 2), (7, 6, 3)):
        case = f"n={n}, kernel={kernel}, stride={stride}"
        counts = np.asarray(answer(n, kernel, stride))
        length = (n - 1) * stride + kernel
        assert counts.shape == (length,), f"{case}: expected {length} pixels"
        assert counts.sum() == n * kernel, (
            f"{case}: each input paints {kernel} pixels, so the counts add "
            f"up to {n * kernel}"
        )
        assert (counts == counts[::-1]).all(), (
            f"{case}: the two ends look alike"
        )
        assert counts[0] == 1, f"{case}: one input paints the first pixel"
    middle = np.asarray(answer(20, 4, 2))[4:-4]
    assert (middle == 2).all(), "kernel 4, stride 2: the middle is even"
    middle = np.asarray(answer(20, 5, 2))[6:-6]
    assert set(middle.tolist()) == {2, 3}, (
        "kernel 5, stride 2: the middle alternates between two counts"
    )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `generator_with(kernel)`: the lesson's, with another kernel.

    Args:
        answer: returns a model (n, 64) -> (n, 28, 28, 1).

    Raises:
        AssertionError: the property that fails.
    """
    message = "give the function itself: answer = generator_with"
    assert callable(answer), message
    for kernel in (4, 5, 6):
        model = answer(kernel)
        assert isinstance(model, keras.Model), "return a Keras model"
        case = f"kernel {kernel}"
        shapes = model.input_shape, model.output_shape
        assert shapes == ((None, 64), (None, 28, 28, 1)), (
            f"{case}: expected 64 numbers to 28x28x1, found {shapes}"
        )
        paint = [
            layer
            for layer in model.layers
            if isinstance(layer, layers.Conv2DTranspose)
        ]
        sizes = [layer.kernel_size for layer in paint]
        assert sizes == [(kernel, kernel)] * 2, (
            f"{case}: both transposed convolutions change, found {sizes}"
        )
        wanted = 64 * 3_136 + 4 * 64 + 4 * 32 + kernel**2 * (64 * 32 + 32) + 1
        assert model.count_params() == wanted, (
            f"{case}: expected {wanted:,} weights, found "
            f"{model.count_params():,}; change the kernel alone"
        )
    lesson, model = build_generator(64), answer(4)
    model.set_weights(lesson.get_weights())
    z = np.random.default_rng(0).normal(size=(8, 64)).astype("float32")
    pictures = [
        ops.convert_to_numpy(m(z, training=True)) for m in (lesson, model)
    ]
    assert np.allclose(*pictures, atol=1e-5), (
        "kernel 4: with the weights of the lesson's generator it draws other "
        "pictures; layers, activations and their order stay as they are"
    )


@exercise
def exercise_4(answer: Callable) -> None:
    """Test `unit(a)`: tanh moved to [0, 1].

    Args:
        answer: of numbers before the last activation, any shape.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = unit"
    a = np.linspace(-4, 4, 81, dtype="float32")
    values = ops.convert_to_numpy(answer(a))
    assert values.shape == a.shape, "as many values come out as go in"
    assert values.min() >= 0, "black is 0: no value is negative"
    assert abs(values[40] - 0.5) < 1e-6, "0 lies in the middle, at 1/2"
    slope = (values[41] - values[39]) / (a[41] - a[39])
    assert abs(slope - 0.5) < 1e-2, (
        "halving the range of tanh halves its slope at 0, from 1 to 1/2"
    )
    wanted = (np.tanh(a) + 1) / 2
    assert np.abs(values - wanted).max() < 1e-6, (
        "the pictures stay the same: unit(a) is (tanh(a) + 1) / 2"
    )


@exercise
def exercise_5(answer: Callable) -> None:
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
