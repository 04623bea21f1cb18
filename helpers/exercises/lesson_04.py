"""Checkers of lesson 04."""

from collections.abc import Callable

import numpy as np

from helpers import checkpoints, data, metrics, training
from helpers.checks import exercise
from helpers.lessons import vae


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `block_means(images)`: mean grey of 4x4 pixels.

    Args:
        answer: of images (n, 28, 28, 1), returns (n, 49).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = block_means"
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (5, 28, 28, 1)).astype("float32")
    found = np.asarray(answer(x), float)
    assert found.shape == (5, 49), "49 numbers for each image"
    even = np.asarray(answer(np.full_like(x, 0.25)), float)
    assert np.allclose(even, 0.25), "an even image has its own grey 49 times"
    assert np.allclose(
        found.mean(axis=1), x.mean(axis=(1, 2, 3)), atol=1e-6
    ), "the mean over the 49 squares is not the mean of the image"
    inside = x.reshape(5, 7, 4, 7, 4)[:, :, ::-1, :, ::-1].reshape(x.shape)
    assert np.allclose(answer(inside), found, atol=1e-6), (
        "turning every square about its middle changes the features, so they "
        "are not means over squares of 4x4 pixels"
    )
    for row, column in ((0, 0), (2, 5), (6, 6)):
        one = np.full_like(x[:1], -1)
        one[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 1
        lit = np.flatnonzero(np.asarray(answer(one))[0] > 0)
        assert len(lit) == 1, "one white square lights more than one feature"


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `coverage(real, fake, k)`.

    Args:
        answer: of features (n, d) and (m, d), returns a number.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = coverage"
    same = np.zeros((9, 3))
    assert np.isclose(answer(same, same, 2), 1), (
        "with equal features for all images every ball holds every sample, "
        "on its rim, so coverage is 1"
    )
    line = np.arange(8.0)[:, None]
    assert np.isclose(answer(line, line + 100, 3), 0), (
        "samples far from all real images cover none"
    )
    found = answer(line, np.array([[0.0], [0.0]]), 1)
    assert np.isclose(found, 2 / 8), (
        "on the line 0, 1, ..., 7 with k = 1 a sample at 0 lies in the balls "
        "of 0 and of 1: a point is not its own neighbour"
    )
    rng = np.random.default_rng(0)
    for n, m, k in ((60, 40, 3), (40, 60, 5)):
        real, fake = rng.normal(size=(n, 2)), rng.normal(0.5, 1, (m, 2))
        wanted = metrics.density_coverage(real, fake, k)[1]
        assert not np.isclose(
            answer(real, fake, k), metrics.density_coverage(fake, real, k)[1]
        ), "it counts the samples that real images cover: the sets are swapped"
        assert np.isclose(answer(real, fake, k), wanted), (
            f"with n = {n}, m = {m}, k = {k} the share of real balls that "
            "hold a sample is another"
        )


@exercise
def exercise_3(answer: Callable) -> None:
    """Test `finish(images)`: a filter that lowers the FCD of the VAE.

    Args:
        answer: of images (n, 28, 28, 1) in [-1, 1], returns as many.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = finish"
    n = 2_000
    z = training.sample_z(n, 10, seed=4, step=2)
    images = vae.mean_images(checkpoints.load("vae10"), z)
    found = np.asarray(answer(images.copy()), "float32")
    assert found.shape == images.shape, "as many images as went in"
    assert np.isfinite(found).all() and np.abs(found).max() <= 1, (
        "the images leave [-1, 1]"
    )
    order = np.arange(50)[::-1]
    again = np.asarray(answer(images[order].copy()), "float32")
    assert np.allclose(again, found[order], atol=1e-4), (
        "a picture comes out otherwise if other pictures come with it; work "
        "on each one alone"
    )
    pairs = zip(images[:200], found[:200], strict=True)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]
    assert np.mean(alike) > 0.8, "what comes out is no longer the picture"
    real = metrics.judge(data.load("holdout", n)[0]).features
    fcds = [
        metrics.frechet_distance(metrics.judge(x).features, real)
        for x in (images, found)
    ]
    assert fcds[1] <= 0.7 * fcds[0], (
        f"the FCD is {fcds[1] / fcds[0]:.0%} of what it was; 70 % will do"
    )
