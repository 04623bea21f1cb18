"""Distances and scores between sets of images, with their intervals.

Features and probabilities come from the course's own classifier of digits,
`judge`; everything after it is NumPy in, floats out. The Frechet distance of
its features is the FCD, the Frechet classifier distance. Compare equal
numbers of images: the distance has a bias that falls with n.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from scipy import special, stats

from helpers import checkpoints, data

BLOCKS = 20
SETS = 10
CHUNK = 500  # images at a time through the classifier: some 30 MB


class Judgement(NamedTuple):
    """What the classifier makes of n images.

    Attributes:
        features: float64 (n, 64), the layer before the logits.
        probabilities: float64 (n, 10), of each digit.
    """

    features: np.ndarray
    probabilities: np.ndarray


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float
    high: float


@functools.lru_cache(maxsize=1)
def _classifier() -> keras.Model:
    """Load the classifier once: images -> features and logits."""
    network = checkpoints.load("digit_classifier")
    features = network.get_layer("features").output
    logits = network.get_layer("logits").output
    return keras.Model(network.inputs[0], [features, logits])


def judge(images: np.ndarray) -> Judgement:  # not taught
    """Look at images with the classifier `digit_classifier`.

    All images are rounded to 256 grey levels first, as those of a file are,
    so that no distance rests on values that a real image cannot have.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].

    Returns:
        Features and probabilities, one row an image.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            none at all.
        CheckpointError: the classifier is missing or damaged.
    """
    images = data.to_float(data.to_uint8(images))
    if not len(images):
        raise ValueError("images: expected at least one, found none.")
    parts = []
    for i in range(0, len(images), CHUNK):
        outputs = _classifier()(images[i : i + CHUNK], training=False)
        parts.append([ops.convert_to_numpy(output) for output in outputs])
    features, logits = [
        np.concatenate(part).astype(np.float64)
        for part in zip(*parts, strict=True)
    ]
    return Judgement(features, special.softmax(logits, axis=1))


def _check_rows(name: str, rows: np.ndarray) -> np.ndarray:
    """Return a finite float64 array (n, d) with n >= 2, or say what it is."""
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise ValueError(
            f"{name}: expected shape (n, d) with n of at least 2, found "
            f"{rows.shape}."
        )
    if not np.isfinite(rows).all():
        raise ValueError(f"{name}: expected finite numbers, found NaN or inf.")
    return rows


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of a covariance matrix (d, d)."""
    values, vectors = np.linalg.eigh(covariance)
    # Rounding leaves eigenvalues of -1e-17 where there should be 0.
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:  # not taught
    """Frechet distance between Gaussians fitted to two sets of features.

    |mean difference|^2 + tr(A) + tr(B) - 2 |A^1/2 B^1/2|_nuclear, where A and
    B are the covariances (Dowson, Landau 1982; Heusel et al.,
    arXiv:1706.08500, equation 6). The nuclear norm equals the trace of
    (A B)^1/2 and stays exact for singular covariances (n < d).

    Args:
        a: features (n, d).
        b: features (m, d).

    Returns:
        The squared distance, 0 for equal sets; in squared feature units.

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, another width, or
            NaN.
    """
    a, b = _check_rows("a", a), _check_rows("b", b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            "a and b: expected the same number of features, found "
            f"{a.shape[1]} and {b.shape[1]}."
        )
    shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    covariances = [
        np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b)
    ]
    traces = sum(np.trace(covariance) for covariance in covariances)
    product = _root(covariances[0]) @ _root(covariances[1])
    distance = shift + traces - 2 * np.linalg.norm(product, "nuc")
    return float(max(distance, 0.0))


def classifier_score(probabilities: np.ndarray) -> float:  # not taught
    """Exponential of the mean KL divergence from p(y|x) to its mean p(y).

    The inception score (Salimans et al., arXiv:1606.03498, section 4) with
    the course's classifier in the place of Inception. It never looks at real
    images.

    Args:
        probabilities: (n, classes), rows that add up to 1.

    Returns:
        1 (all alike or all unsure) to the number of classes.

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, NaN, negative, or
            rows that do not add up to 1.
    """
    p = _check_rows("probabilities", probabilities)
    if (p < 0).any() or not np.allclose(p.sum(axis=1), 1, atol=1e-4):
        raise ValueError(
            "probabilities: expected rows that add up to 1 with no negative "
            "number; apply softmax to logits first."
        )
    p = p / p.sum(axis=1, keepdims=True)
    mean = np.broadcast_to(p.mean(axis=0), p.shape)
    # Where p is 0 its term is 0; where the mean is 0, p is too.
    log_ratio = np.log(np.where(p > 0, p, 1)) - np.log(
        np.where(p > 0, mean, 1)
    )
    return float(np.exp((p * log_ratio).sum(axis=1).mean()))


def score_generator(  # not taught
    draw: Callable[[int], np.ndarray], real: Judgement, n_sets: int = SETS
) -> dict[str, Interval]:
    """Measure a generator by the protocol of the course.

    Each of the independent sets has as many samples as there are real
    images; the interval says how much a set of this size varies, for this
    one generator. It is not an interval over training runs.

    Args:
        draw: of k = 0, 1, ... returns the k-th set of samples, float32
            (n, 28, 28, 1) in [-1, 1], n as in `real`.
        real: the judgement of the reference images.
        n_sets: how many sets, at least 2.

    Returns:
        Intervals of "fcd", "classifier_score", and "rarest_class" and
        "commonest_class", the shares of the digits that the classifier sees
        least and most often.

    Raises:
        ValueError: a set of another size than the reference, or fewer than
            2 sets.
    """
    rows = []
    for k in range(n_sets):
        fake = judge(draw(k))
        if len(fake.features) != len(real.features):
            raise ValueError(
                f"set {k}: expected {len(real.features)} samples, as many as "
                f"real images, found {len(fake.features)}."
            )
        shares = class_shares(fake.probabilities)
        fcd = frechet_distance(fake.features, real.features)
        score = classifier_score(fake.probabilities)
        rows.append((fcd, score, shares.min(), shares.max()))
    names = ("fcd", "classifier_score", "rarest_class", "commonest_class")
    columns = np.reshape(rows, (n_sets, len(names))).T
    return {
        name: set_interval(column)
        for name, column in zip(names, columns, strict=True)
    }


def class_shares(probabilities: np.ndarray) -> np.ndarray:  # not taught
    """Return the share of images that falls to each class.

    Args:
        probabilities: (n, classes); the largest of a row names its class.

    Returns:
        float64 (classes,), adds up to 1.

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, or NaN.
    """
    p = _check_rows("probabilities", probabilities)
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / len(p)


def set_interval(  # not taught
    values: np.ndarray, level: float = 0.95
) -> Interval:
    """Student t interval of a mean over independent sets.

    For a generator: one value for each set of samples (10 of them in the
    course's protocol). For a recipe: one value for each training seed.

    Args:
        values: (k,), one metric value a set.
        level: confidence, between 0 and 1.

    Returns:
        Mean and ends of the interval.

    Raises:
        ValueError: fewer than 2 values, NaN, or a level outside (0, 1).
    """
    values = _check_rows("values", np.reshape(values, (-1, 1)))[:, 0]
    error = values.std(ddof=1) / np.sqrt(len(values))
    return _t_interval(values.mean(), error, len(values) - 1, level)


def jackknife_interval(  # not taught
    metric: Callable[[np.ndarray], float],
    rows: np.ndarray,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Delete-block jackknife interval of a metric of one fixed file.

    The rows are permuted and cut into 20 blocks; the metric is computed
    without each block in turn. A bootstrap would draw rows twice and put the
    interval of a Frechet distance beside its own estimate.

    Args:
        metric: of rows; bind the reference set beforehand.
        rows: (n, d), n of at least 40.
        level: confidence, between 0 and 1.
        seed: of the permutation.

    Returns:
        The metric of all rows and the ends of its interval.

    Raises:
        ValueError: too few rows, NaN, or a level outside (0, 1).
    """
    rows = _check_rows("rows", rows)
    if len(rows) < 2 * BLOCKS:
        raise ValueError(
            f"rows: expected at least {2 * BLOCKS}, two a block, found "
            f"{len(rows)}."
        )
    order = np.random.default_rng(seed).permutation(len(rows))
    blocks = np.array_split(order, BLOCKS)
    left_out = np.array(
        [metric(np.delete(rows, block, axis=0)) for block in blocks]
    )
    error = np.sqrt((BLOCKS - 1) * left_out.var())
    return _t_interval(float(metric(rows)), error, BLOCKS - 1, level)


def _t_interval(
    estimate: float, error: float, freedom: int, level: float
) -> Interval:
    """Return estimate +- t * standard error."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1.")
    half = error * stats.t.ppf((1 + level) / 2, freedom)
    return Interval(
        float(estimate), float(estimate - half), float(estimate + half)
    )
