"""Checkers of lesson 04."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers import checkpoints, data, metrics, training
from helpers.checks import exercise
from helpers.lessons import evaluation, vae

FAULTS = ("noise", "blur", "shift", "no 8, no 9", "brick")


def _over_fresh(
    look: Callable, real: np.ndarray, sets: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return the Frechet distance of each fault over that of fresh digits."""
    features = look(real)
    distances = {
        name: metrics.frechet_distance(look(sets[name]), features)
        for name in ("fresh", *FAULTS)
    }
    return {name: distances[name] / distances["fresh"] for name in FAULTS}


@exercise
def exercise_1(answer: tuple[Callable, set[str]]) -> None:
    """Test `block_means(images)`, mean grey of 4x4 pixels, and guesses.

    Args:
        answer: a function of images (n, 28, 28, 1) that returns (n, 49), and
            the faults whose distance, over that of fresh digits, is larger
            in its features than in the judge's.

    Raises:
        AssertionError: the property that fails.
    """
    assert isinstance(answer, tuple) and len(answer) == 2, (
        'give the function and your guesses: answer = block_means, {"blur"}'
    )
    look, guesses = answer
    assert callable(look), "the first of the two is the function itself"
    assert not isinstance(guesses, str), "the guesses are a set of names"
    unknown = sorted(set(guesses) - set(FAULTS))
    assert not unknown, f"no such fault: {unknown}; choose from {FAULTS}"
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (5, 28, 28, 1)).astype("float32")
    found = np.asarray(look(x), float)
    assert found.shape == (5, 49), "49 numbers for each image"
    even = np.asarray(look(np.full_like(x, 0.25)), float)
    assert np.allclose(even, 0.25), "an even image has its own grey 49 times"
    assert np.allclose(
        found.mean(axis=1), x.mean(axis=(1, 2, 3)), atol=1e-6
    ), "the mean over the 49 squares is not the mean of the image"
    inside = x.reshape(5, 7, 4, 7, 4)[:, :, ::-1, :, ::-1].reshape(x.shape)
    assert np.allclose(look(inside), found, atol=1e-6), (
        "turning every square about its middle changes the features, so they "
        "are not means over squares of 4x4 pixels"
    )
    for row, column in ((0, 0), (2, 5), (6, 6)):
        one = np.full_like(x[:1], -1)
        one[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 1
        lit = np.flatnonzero(np.asarray(look(one))[0] > 0)
        assert len(lit) == 1, "one white square lights more than one feature"
    images, labels = data.load("holdout")
    n = 2_000
    sets = images[:n], evaluation.damaged(images, labels, n, seed=4)
    means = _over_fresh(look, *sets)
    judge = _over_fresh(lambda x: metrics.judge(x).features, *sets)
    wrong = [f for f in FAULTS if (means[f] > judge[f]) != (f in guesses)]
    assert not wrong, (
        "the function is right; measured, your guess is wrong for "
        f"{', '.join(wrong)}. Change it, and find out why"
    )


@exercise
def exercise_2(answer: Callable) -> None:
    """Test `compare(a, b)`: interval of a difference, and a verdict.

    Args:
        answer: of the FCDs of two recipes' runs, returns the low and the high
            end of the 95 % interval of mean(a) - mean(b), and "first",
            "second" or "open".

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = compare"
    a, b = np.array([31.0, 38, 35, 33, 36]), np.array([41.0, 48, 46, 45, 43])
    given = answer(a, b)
    assert isinstance(given, tuple | list) and len(given) == 3, (
        "return three things: low, high, verdict"
    )
    low, high, verdict = given
    assert low < high, "the low end comes first"
    assert np.isclose((low + high) / 2, a.mean() - b.mean()), (
        "the middle of the interval is not the mean of a minus that of b"
    )
    steady = 40 + 1e-3 * np.arange(5)
    low, high, _ = answer(a, steady)
    alone = stats.t.ppf(0.975, 4) * stats.sem(a)
    assert np.isclose(high - low, 2 * alone, rtol=0.01), (
        "if the runs of b hardly scatter, the half-width is Student's for the "
        f"five of a, {alone:.2f}; yours is {(high - low) / 2:.2f}"
    )
    for pair in ((a, a + 10), (a, a[::-1] + 10)):
        low, high, _ = answer(*pair)
        both = np.sqrt(2) * stats.sem(a)
        # Between Welch's degrees of freedom and the cautious rule.
        least, most = stats.t.ppf(0.975, [8, 4]) * both
        assert 0.99 * least < (high - low) / 2 < 1.01 * most, (
            "if both scatter alike, the half-width should lie between "
            f"{least:.2f} and {most:.2f}, whatever the order of the runs; "
            f"yours is {(high - low) / 2:.2f}"
        )
    assert len(answer(a, b[:3])) == 3, "b may have fewer runs than a"
    assert verdict == "first", (
        "a has the lower FCD, all of the interval is below 0: first"
    )
    assert answer(b, a)[2] == "second", "with a and b swapped: second"
    assert answer(a, b - 10)[2] == "open", "an interval that holds 0: open"


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
