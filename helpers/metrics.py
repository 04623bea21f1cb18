"""Distances and scores between sets of images, with their intervals.

Features and probabilities come from the course's own classifier of digits,
`judge`; everything after it is NumPy in, floats out. The Frechet distance of
its features is the FCD, the Frechet classifier distance. Compare equal
numbers of images: the distance has a bias that falls with n.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from scipy import ndimage, special, stats
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn import neighbors
from sklearn.metrics import pairwise_distances

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


def _check_pair(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return two finite arrays of rows of one width, or say what they are."""
    a, b = _check_rows("first set", a), _check_rows("second set", b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            "expected the same number of features in both sets, found "
            f"{a.shape[1]} and {b.shape[1]}."
        )
    return a, b


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
    a, b = _check_pair(a, b)
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


def score_samples(  # not taught
    images: np.ndarray, real: Judgement
) -> dict[str, float]:
    """Put one set of samples under every ruler of the judge.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], as many as real images.
        real: the judgement of the reference images.

    Returns:
        "fcd", "score" (the classifier score), "precision", "recall", and
        "rarest", the share of the digit that comes least often.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            another number than the reference has.
    """
    if len(images) != len(real.features):
        raise ValueError(
            f"images: expected {len(real.features)} samples, as many as "
            f"real images, found {len(images)}."
        )
    fake = judge(images)
    precision, recall = precision_recall(real.features, fake.features)
    return {
        "fcd": frechet_distance(fake.features, real.features),
        "score": classifier_score(fake.probabilities),
        "precision": precision,
        "recall": recall,
        "rarest": float(class_shares(fake.probabilities).min()),
    }


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


def precision_recall(  # not taught
    real: np.ndarray, fake: np.ndarray, k: int = 3
) -> tuple[float, float]:
    """Share of fakes among the real images, and of real among the fakes.

    The region of a set is the union of balls around its rows, each reaching
    to the k-th nearest other row. Precision is the share of fakes inside the
    region of the real images, recall the share of real images inside the
    region of the fakes (Kynkaanniemi et al., arXiv:1904.06991, equations 1
    and 2).

    Args:
        real: features (n, d).
        fake: features (m, d).
        k: which neighbour a ball reaches to.

    Returns:
        Precision and recall, 0 to 1.

    Raises:
        ValueError: not two-dimensional, k outside 1 to n - 1, another
            width, or NaN.
    """
    real, fake = _check_pair(real, fake)
    most = min(len(real), len(fake)) - 1
    if not 1 <= k <= most:
        raise ValueError(
            f"k is {k}; expected 1 to {most}, fewer than the rows of either "
            "set."
        )
    return _share_inside(real, fake, k), _share_inside(fake, real, k)


def _share_inside(centres: np.ndarray, rows: np.ndarray, k: int) -> float:
    """Return the share of rows that lie in a ball around some centre."""
    finder = neighbors.NearestNeighbors(algorithm="brute").fit(centres)
    # Without an argument, a row is no neighbour of itself.
    radii = finder.kneighbors(n_neighbors=k)[0][:, -1]
    parts = [
        (pairwise_distances(rows[i : i + CHUNK], centres) <= radii).any(1)
        for i in range(0, len(rows), CHUNK)
    ]
    return float(np.concatenate(parts).mean())


@data.checked(images="n 28 28 1")
def laplacian_variance(images: np.ndarray) -> np.ndarray:
    """Sharpness of each image: variance of its Laplacian over the pixels.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].

    Returns:
        float64 (n,), squared grey levels; 0 for an even image, larger for
        sharper edges and for noise.

    Raises:
        ValueError: another shape or range, or NaN.
    """
    edges = ndimage.laplace(images[..., 0].astype("float64"), axes=(1, 2))
    return edges.var(axis=(1, 2))


def ssim(images: np.ndarray, others: np.ndarray) -> np.ndarray:  # not taught
    """Structural similarity of each image with its partner.

    Wang, Bovik, Sheikh, Simoncelli, 2004, 10.1109/TIP.2003.819861: windows
    of 11x11 with Gaussian weights of deviation 1.5, as in the paper.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        others: the partners, as many.

    Returns:
        float64 (n,), 1 for equal images.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            not as many.
    """
    pairs = _check_partners(images, others)
    settings = {
        "data_range": 2,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
    }
    return np.array(
        [structural_similarity(a, b, **settings) for a, b in pairs]
    )


def psnr(images: np.ndarray, others: np.ndarray) -> np.ndarray:  # not taught
    """Peak signal-to-noise ratio of each image with its partner.

    10 log10(range^2 / mean squared error), the range being 2.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        others: the partners, as many.

    Returns:
        float64 (n,), decibels; infinite for equal images.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            not as many.
    """
    pairs = _check_partners(images, others)
    with np.errstate(divide="ignore"):
        return np.array(
            [peak_signal_noise_ratio(a, b, data_range=2) for a, b in pairs]
        )


def _check_partners(images: np.ndarray, others: np.ndarray) -> Iterator:
    """Return pairs of float64 pictures (28, 28)."""
    images = data.check_images(images, "images")
    others = data.check_images(others, "others")
    if len(images) != len(others):
        raise ValueError(
            "images and others: expected as many of both, found "
            f"{len(images)} and {len(others)}."
        )
    pair = [x[..., 0].astype(np.float64) for x in (images, others)]
    return zip(*pair, strict=True)


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
