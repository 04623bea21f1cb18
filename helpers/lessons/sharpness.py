"""Two sets of images at one sharpness: blur the sharp one, or the reverse."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage, optimize

from helpers.data import check_images
from helpers.metrics import (
    frechet_distance,
    judge,
    laplacian_variance,
    precision_recall,
    smallest_ball,
)

SOME = 1_000  # images by which the strength is found
BLACKEST = 1 - 1e-6  # a pixel of 1 has a logit without end


def _matched(
    change: Callable[[np.ndarray, float], np.ndarray],
    images: np.ndarray,
    target: float,
    ends: tuple[float, float],
) -> np.ndarray:
    """Change images as strongly as the target asks for."""
    images = check_images(images)

    def excess(strength: float) -> float:
        changed = change(images[:SOME], strength)
        return float(laplacian_variance(changed).mean()) - target

    values = [excess(end) for end in ends]
    if np.prod(np.sign(values)) > 0:
        low, high = sorted(value + target for value in values)
        raise ValueError(
            f"target is {target:.3g}; expected a sharpness from {low:.3g} to "
            f"{high:.3g}, which these images can be brought to."
        )
    return change(images, optimize.brentq(excess, *ends, xtol=1e-3))


def softened(images: np.ndarray, target: float) -> np.ndarray:
    """Blur images by a Gaussian until their mean sharpness is the target.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        target: mean of `metrics.laplacian_variance`; met on the first 1,000.

    Returns:
        float32 of the same shape, in [-1, 1].

    Raises:
        TypeError, ValueError: images of another dtype, shape or range; a
            target above their own sharpness.
    """

    def blur(x: np.ndarray, sigma: float) -> np.ndarray:
        return ndimage.gaussian_filter(x, (0, sigma, sigma, 0)).clip(-1, 1)

    return _matched(blur, images, target, (0.0, 5.0))


def sharpened(images: np.ndarray, target: float) -> np.ndarray:
    """Raise the contrast of images until their mean sharpness is the target.

    The logit of each pixel is multiplied by one number, the same for all.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        target: mean of `metrics.laplacian_variance`; met on the first 1,000.

    Returns:
        float32 of the same shape, in [-1, 1].

    Raises:
        TypeError, ValueError: images of another dtype, shape or range; a
            target that contrast cannot reach.
    """

    def contrast(x: np.ndarray, factor: float) -> np.ndarray:
        logits = np.arctanh(x.clip(-BLACKEST, BLACKEST))
        return np.tanh(factor * logits)

    return _matched(contrast, images, target, (1.0, 20.0))


def scoring(x_real: np.ndarray) -> Callable[[np.ndarray], dict[str, float]]:
    """Return a function that scores images beside real ones.

    Args:
        x_real: float32 (n, 28, 28, 1) in [-1, 1].

    Returns:
        Of other images of this kind, "fcd", "precision", "recall" and
        "sharpness", their mean `metrics.laplacian_variance` over that of the
        real ones.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range.
    """
    real = judge(x_real).features
    sharp = laplacian_variance(x_real).mean()

    def score(images: np.ndarray) -> dict[str, float]:
        fake = judge(images).features
        precision, recall = precision_recall(real, fake)
        return {
            "fcd": frechet_distance(fake, real),
            "precision": precision,
            "recall": recall,
            "sharpness": float(laplacian_variance(images).mean() / sharp),
        }

    return score


def ball_met(x_real: np.ndarray, images: np.ndarray, k: int = 3) -> np.ndarray:
    """Return how large a ball of a real image each image lies in.

    Args:
        x_real: float32 (n, 28, 28, 1) in [-1, 1].
        images: float32 (m, 28, 28, 1) in [-1, 1].
        k: a ball reaches to the k-th nearest other real image.

    Returns:
        (m,), the radius of the smallest ball, inf where there is none: the
        finite ones are those that `metrics.precision_recall` counts.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range.
    """
    return smallest_ball(judge(x_real).features, judge(images).features, k)


def counted(x_real: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Tell which images precision counts, see `ball_met`; bool (m,)."""
    return np.isfinite(ball_met(x_real, images))


def spread(images: np.ndarray) -> float:
    """Return the variance of the judge's points, summed over its numbers.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].

    Returns:
        The trace of their covariance: the mean squared distance from the
        middle of the cloud.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range.
    """
    return float(judge(images).features.var(axis=0, dtype=float).sum())
