"""Checkers of lesson 03."""

from collections.abc import Callable

import numpy as np
from keras import ops

from helpers.checks import exercise
from helpers.training import discriminator_loss


@exercise
def exercise_1(answer: Callable) -> None:
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
def exercise_2(answer: Callable) -> None:
    """Test `smoothed_loss(logits_real, logits_fake, target)`.

    Args:
        answer: returns a scalar, nats.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = smoothed_loss"
    draw = np.random.default_rng(0).normal(size=(2, 8, 1)).astype("float32")
    real, fake = draw
    loss = float(answer(real, fake, 1.0))
    plain = float(discriminator_loss(real, fake))
    assert abs(loss - plain) < 1e-5, "target 1 gives discriminator_loss"
    still = [float(answer(real, fake, t)) for t in (0.7, 1.0)]
    slope = float(ops.mean(real)) * 0.3
    assert abs(still[0] - still[1] - slope) < 1e-5, (
        "lowering the target by 0.3 adds 0.3 times the mean real logit: "
        "only the real half changes"
    )
    grid = np.linspace(-6, 6, 241, dtype="float32")
    far = np.full((1, 1), -30, "float32")
    curve = [float(answer(np.full((1, 1), v), far, 0.9)) for v in grid]
    best = grid[int(np.argmin(curve))]
    assert abs(best - np.log(9)) < 0.06, (
        "with target 0.9 the best real logit is log(0.9 / 0.1) = 2.2"
    )
    assert abs(min(curve) - 0.3251) < 1e-3, (
        "at that logit the loss is the entropy of 0.9, 0.325 nats"
    )
