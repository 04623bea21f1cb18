"""Checkers of lesson 08."""

import functools
from collections.abc import Callable

import numpy as np

from helpers import checkpoints, training
from helpers.checks import exercise
from helpers.lessons import conditional, latent

MOST_CHANGED = 0.2  # share of digits, where ink moves one deviation


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `loop(a, b, n)`: n points of a closed walk, on the circle through
    a and b about the origin.

    Args:
        answer: takes a and b (d,), of one length; returns (n, d).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = loop"
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 64))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    walk = np.asarray(answer(a, b, 12), float)
    assert walk.shape == (12, 64), (
        f"for n = 12 and 64 numbers, expected (12, 64); found {walk.shape}"
    )
    assert np.allclose(walk[0], a), "the walk starts at a"
    far = np.linalg.norm(walk, axis=1)
    assert np.allclose(far, far[0]), (
        "all points have the length of a; yours are between "
        f"{far.min():.2f} and {far.max():.2f} long"
    )
    basis = np.linalg.qr(np.stack([a, b], axis=1))[0]
    assert np.allclose(walk @ basis @ basis.T, walk), (
        "all points lie in the plane of a, b and the origin"
    )
    nexts = np.roll(walk, -1, axis=0)
    steps = np.linalg.norm(nexts - walk, axis=1)
    assert steps.min() > 1e-6, (
        "the last point repeats the first; after n points the walk is about "
        "to arrive at a again, so leave out the angle of a full turn"
    )
    assert np.allclose(steps, steps[0]), (
        "all steps are equally long, that from the last point to a included"
    )
    turn = 2 * np.sin(np.pi / 12) * np.linalg.norm(a)
    assert np.isclose(steps[0], turn), (
        "the walk goes once around: each step is a twelfth of a full turn"
    )
    assert walk[1] @ b > walk[-1] @ b, "it sets out towards b"
    quarter = np.asarray(answer(np.eye(2)[0], np.eye(2)[1], 4), float)
    assert np.allclose(quarter, [[1, 0], [0, 1], [-1, 0], [0, -1]]), (
        "for a = (1, 0), b = (0, 1), n = 4, the second point is b"
    )


@functools.cache
def _drawn() -> tuple:
    """Return the shipped generator, z, and what it draws."""
    model = checkpoints.load("dcgan_generator")
    z = training.sample_z(4_000, 64, 80, 0).numpy()
    return model, z, training.generate(model, z)


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `knob(z, images)`: a direction that moves the ink and spares the
    digit.

    The knob is turned on 500 other z until their mean ink has moved by one
    deviation.

    Args:
        answer: takes z (n, 64) and what the shipped generator draws for them
            (n, 28, 28, 1); returns a direction (64,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = knob"
    model, z, images = _drawn()
    n = len(z) - 500
    way = np.asarray(answer(z[:n].copy(), images[:n].copy()), float)
    assert way.shape == (64,), f"expected (64,), found {way.shape}"
    length = np.linalg.norm(way)
    assert np.isfinite(length) and length > 0, (
        "expected finite numbers that are not all 0"
    )
    inks = latent.moments(images)[:, 2]
    named = conditional.named(images[n:])
    before = inks[n:].mean()
    for size in np.arange(0.1, 4.05, 0.1):
        moved = (z[n:] + size * way / length).astype("float32")
        after = training.generate(model, moved)
        shift = (latent.moments(after)[:, 2].mean() - before) / inks.std()
        assert shift > -0.3, "it takes ink away; turn it around"
        if shift >= 1:
            break
    assert shift >= 1, (
        f"four steps move the ink by {shift:.2f} deviations; expected 1"
    )
    changed = (conditional.named(after) != named).mean()
    assert changed <= MOST_CHANGED, (
        f"one deviation of ink changes {changed:.1%} of the digits; "
        f"expected at most {MOST_CHANGED:.0%}"
    )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `cross(w, other, first)`: codes that change over at a size.

    Args:
        answer: takes w and other (n, d), and first (n,), 1, 2 or 3; returns
            (n, 3, d): w for the sizes before `first`, other from there on.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = cross"
    rng = np.random.default_rng(0)
    w, other = rng.normal(size=(2, 6, 5)).astype("float32")
    first = np.array([1, 2, 3, 3, 1, 2])
    codes = np.asarray(answer(w, other, first), float)
    assert codes.shape == (6, 3, 5), (
        "for six codes of five numbers, expected (6, 3, 5); found "
        f"{codes.shape}"
    )
    assert np.allclose(codes[:, 0], w), (
        "the first size always takes w, as `first` is at least 1"
    )
    assert np.allclose(codes[2:4], w[2:4, None]), (
        "where `first` is 3, all three sizes take w"
    )
    assert np.allclose(codes[[0, 4], 1:], other[[0, 4], None]), (
        "where `first` is 1, the second and third size take `other`"
    )
    assert np.allclose(codes[[1, 5], 1], w[[1, 5]]), (
        "where `first` is 2, the second size still takes w"
    )
    assert np.allclose(codes[[1, 5], 2], other[[1, 5]]), (
        "where `first` is 2, the third size takes `other`"
    )
