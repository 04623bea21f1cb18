"""Checkers of lesson 02."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers import data, metrics
from helpers.checks import exercise
from helpers.lessons import sharpness


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `soft_recall(x, x_real, share)`: recall of blurred images.

    Args:
        answer: of images (n, 28, 28, 1) in [-1, 1] and a share, returns the
            recall of x, blurred to that share of the sharpness of x_real.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = soft_recall"
    images, _ = data.load("holdout", 600)
    x_real, x = images[:300], images[300:]
    score = sharpness.scoring(x_real)
    sharp = metrics.laplacian_variance(x_real).mean()
    # As sharp as three quarters of x_real: shares of its own are others.
    x = sharpness.softened(x, 0.75 * sharp)
    as_it_is = score(x)["recall"]
    for share in (0.6, 0.3):
        found = np.asarray(answer(x, x_real, share), float)
        assert found.shape == (), "one number comes out"
        wanted = score(sharpness.softened(x, share * sharp))
        assert not np.isclose(found, wanted["precision"]), (
            "that is the precision"
        )
        assert not np.isclose(found, as_it_is), (
            "that is the recall of x as it is, without a blur"
        )
        assert np.isclose(found, wanted["recall"]), (
            f"another recall at a share of {share}: blur x, not x_real, "
            f"until its mean sharpness is {share} times that of x_real"
        )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `best_code(x, w, s, beta)`: the best q of the small model.

    Args:
        answer: returns mean and variance of q, two numbers.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = best_code"

    def loss(m: float, v: float, x: float, w: float, s: float, b: float):
        square = ((x - w * m) ** 2 + w**2 * v) / (2 * s**2)
        return square + b * (m**2 + v - np.log(v) - 1) / 2

    cases = itertools.product((-1.0, 2.0), (0.5, 1.2), (0.4, 1.5), (0.1, 1, 5))
    for x, w, s, beta in cases:
        found = np.asarray(answer(x, w, s, beta), float)
        assert found.shape == (2,), "two numbers come out: mean and variance"
        m, v = found
        assert v > 0, "a variance is positive"
        at = f"at x = {x}, w = {w}, s = {s}, beta = {beta}"
        for shift in (-1e-3, 1e-3):
            assert loss(m + shift, v, x, w, s, beta) > loss(
                m, v, x, w, s, beta
            ), f"another mean has a smaller loss {at}"
            assert loss(m, v * (1 + shift), x, w, s, beta) > loss(
                m, v, x, w, s, beta
            ), f"another variance has a smaller loss {at}"


@exercise
def exercise_3(answer: tuple[Callable, ...]) -> None:
    """Test `gaussian_nats(x, image, sigma)` and `best_sigma(x, image)`.

    Args:
        answer: the two functions, of arrays (n, 28, 28, 1).

    Raises:
        AssertionError: the property that fails.
    """
    assert isinstance(answer, tuple) and len(answer) == 2, (
        "give two functions: answer = (gaussian_nats, best_sigma)"
    )
    nats, best = answer
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (3, 28, 28, 1))
    x = image + rng.normal(0, [[[[0.2]]], [[[0.3]]], [[[0.1]]]], image.shape)
    for sigma in (0.1, 1.0, 3.0):
        found = np.asarray(nats(x, image, sigma), float)
        assert found.shape == (3,), "one number for each image"
        wanted = -stats.norm.logpdf(x, image, sigma).sum(axis=(1, 2, 3))
        assert not np.allclose(found, wanted / 784), (
            "the pixels of an image add up; this is their mean"
        )
        constant = 784 * np.log(2 * np.pi) / 2
        assert not np.allclose(found, wanted - constant), (
            "the constant of the normal density is missing, log(2 pi) / 2 "
            "for each pixel"
        )
        assert np.allclose(found, wanted), (
            f"the density does not integrate to 1 at sigma = {sigma}: "
            "compare with scipy.stats.norm.logpdf"
        )
    sigma = np.asarray(best(x, image), float)
    assert sigma.shape == () and sigma > 0, "one positive deviation comes out"
    for other in (0.999 * sigma, 1.001 * sigma):
        here, there = (np.sum(nats(x, image, k)) for k in (sigma, other))
        assert here < there, "under another sigma the batch is likelier"


@exercise
def exercise_4(answer: Callable) -> None:
    """Test `kernel_log_p(x, centres, flip)`: binary kernel density.

    Args:
        answer: of arrays of -1 and 1, (n, pixels) and (N, pixels), and a
            probability, returns log p(x), (n,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = kernel_log_p"
    every = np.array(list(itertools.product((-1.0, 1.0), repeat=8)))
    rng = np.random.default_rng(0)
    centres = every[rng.choice(len(every), 5, replace=False)]
    for flip in (0.05, 0.3, 0.5):
        found = np.asarray(answer(every, centres, flip), float)
        assert found.shape == (256,), "one number for each row of x"
        total = np.exp(found).sum()
        assert abs(total - 1) < 1e-9, (
            f"the probabilities of all 256 images of 8 pixels add up to "
            f"{total:.3g}"
        )
        at_centres = np.asarray(answer(centres, centres, flip), float)
        share = 8 * np.log(1 - flip) - np.log(len(centres))
        assert (at_centres > share - 1e-9).all(), (
            "a centre is less likely than its own kernel alone makes it: "
            "average over all of them"
        )
        alone = np.asarray(answer(every[:1], every[:1], flip), float)[0]
        assert np.isclose(alone, 8 * np.log(1 - flip)), (
            "an image is its own only centre: no pixel was flipped"
        )
    far = np.asarray(answer(np.ones((1, 784)), -np.ones((3, 784)), 0.01))
    assert np.isfinite(far).all(), (
        "the probability of a far image rounds to 0 before the logarithm: "
        "add up with scipy.special.logsumexp"
    )
    assert np.isclose(far[0], 784 * np.log(0.01)), (
        "every pixel of the far image was flipped"
    )
