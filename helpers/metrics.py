"""Distances and scores between sets of images, with their intervals.

Features and probabilities come from the course's own classifier of digits,
`judge`; everything after it is NumPy in, floats out. The Frechet distance of
its features is the FCD, the Frechet classifier distance. Compare equal
numbers of images: the distance has a bias that falls with n.
No set is compared with another at once but `CHUNK` rows at a time, so that
60,000 rows against 60,000 take less than 2 GB.
"""

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage, special, stats
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn import neighbors
from sklearn.metrics.pairwise import euclidean_distances

from helpers import checkpoints, data
from helpers.backend import keras, ops

BLOCKS = 20
SETS = 10
CHUNK = 500  # rows at a time; against 60,000 others 240 MB
COPY_LEVEL = 0.01  # share of unseen images that lie as near by chance
SAME = 1e-8  # of |x|^2 + |y|^2: one image judged twice, in other batches
RIM = 32 * np.finfo(float).eps  # of |x|^2 + |y|^2: the rounding of |x - y|^2
WIDE = ("recall", "coverage")  # the jackknife's intervals are too wide
# Of the measures that have an end.
RANGES = dict.fromkeys(("precision", "recall", "coverage"), (0, 1))
RANGES |= dict.fromkeys(("fcd", "density"), (0, np.inf))
RANGES |= {"score": (1, 10), "rarest": (0, 0.1)}


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


class Memorisation(NamedTuple):
    """Whether samples lie nearer to training images than unseen images do.

    Attributes:
        closer: probability that a sample is nearer to its nearest training
            image than a held-out image is to its own; 1/2 on average for
            fresh draws of the same kind, more for copies but also for
            images that are too typical, less for poor ones.
        p_value: of a `closer` this large or larger for fresh draws.
        too_close: share of samples that are nearer than 99 % of the held-out
            images are; 0.01 for fresh draws.
    """

    closer: float
    p_value: float
    too_close: float


@functools.lru_cache(maxsize=2)
def _classifier(name: str) -> keras.Model:
    """Load a classifier once: images -> features and logits."""
    network = checkpoints.load(name)
    features = network.get_layer("features").output
    logits = network.get_layer("logits").output
    return keras.Model(network.inputs[0], [features, logits])


def judge(  # not taught
    images: np.ndarray, name: str = "digit_classifier"
) -> Judgement:
    """Look at images with a classifier, the course's judge unless named.

    All images are rounded to 256 grey levels first, as those of a file are,
    so that no distance rests on values that a real image cannot have.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        name: of its checkpoint.

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
    classifier, parts = _classifier(name), []
    for i in range(0, len(images), CHUNK):
        outputs = classifier(images[i : i + CHUNK], training=False)
        parts.append([ops.convert_to_numpy(output) for output in outputs])
    features, logits = [
        np.concatenate(part).astype(np.float64)
        for part in zip(*parts, strict=True)
    ]
    return Judgement(features, special.softmax(logits, axis=1))


def _check_rows(name: str, rows: np.ndarray) -> np.ndarray:
    """Return a finite float64 array (n, d) with n >= 2, or say what it is."""
    rows = np.asarray(data.check_array(name, rows, "n d"), np.float64)
    if len(rows) < 2:
        raise ValueError(
            f"{name}: expected at least 2 rows, found {len(rows)}."
        )
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


def _warn_of_few_rows(*sets: np.ndarray) -> None:
    """Warn of a covariance matrix that cannot be full."""
    n, d = min(len(rows) for rows in sets), sets[0].shape[1]
    if n <= d:
        warnings.warn(
            f"{n} rows of {d} features: the covariance matrix is singular, "
            "and most of the Frechet distance is bias. Use several times "
            f"{d} rows, and compare equal numbers alone.",
            stacklevel=3,
        )


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

    Warns:
        UserWarning: a set has no more rows than features.
    """
    a, b = _check_pair(a, b)
    _warn_of_few_rows(a, b)
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


def _check_size(name: str, found: int, real: Judgement) -> None:
    """Refuse a set of another size than the reference."""
    if found != len(real.features):
        raise ValueError(
            f"{name}: expected {len(real.features)} samples, as many as "
            f"real images, found {found}."
        )


def measures(  # not taught
    fake: Judgement, real: Judgement
) -> dict[str, float]:
    """Measure one set of judged samples with every metric.

    Args:
        fake: the judgement of the samples.
        real: the judgement of the reference images.

    Returns:
        "fcd", "kid", "score" (the classifier score), "precision", "recall",
        "density", "coverage", and "rarest", the share of the digit that
        comes least often.

    Raises:
        ValueError: as each of these measures.
    """
    precision, recall = precision_recall(real.features, fake.features)
    density, coverage = density_coverage(real.features, fake.features)
    return {
        "fcd": frechet_distance(fake.features, real.features),
        "kid": kernel_distance(fake.features, real.features),
        "score": classifier_score(fake.probabilities),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "rarest": float(class_shares(fake.probabilities).min()),
    }


def score_samples(  # not taught
    images: np.ndarray, real: Judgement
) -> dict[str, float]:
    """Judge one set of samples and measure it with every metric.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], as many as real images.
        real: the judgement of the reference images.

    Returns:
        Values by name, as `measures` has them.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            another number than the reference has.
    """
    _check_size("images", len(images), real)
    return measures(judge(images), real)


def score_fixed_set(  # not taught
    images: np.ndarray, real: Judgement, seed: int = 0
) -> dict[str, Interval]:
    """Measure a set of samples that is all there is with every metric.

    The intervals are those of the delete-block jackknife, the reference
    fixed; see `jackknife_interval`.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], as many as real images,
            at least 40.
        real: the judgement of the reference images.
        seed: of the permutation.

    Returns:
        Intervals by name, as `measures` has them.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            another number than the reference has, or fewer than 40.
    """
    _check_size("images", len(images), real)
    return score_judged_set(judge(images), real, seed)


def score_judged_set(  # not taught
    fake: Judgement, real: Judgement, seed: int = 0
) -> dict[str, Interval]:
    """Do the same as `score_fixed_set` for samples that are judged already."""

    def without(block: np.ndarray) -> list[float]:
        left = [np.delete(part, block, axis=0) for part in fake]
        return list(measures(Judgement(*left), real).values())

    blocks = _blocks(len(fake.features), seed)
    left_out = [without(block) for block in blocks]
    return {
        name: _within(name, _block_interval(value, column, 0.95))
        for (name, value), column in zip(
            measures(fake, real).items(), np.transpose(left_out), strict=True
        )
    }


def score_generator(  # not taught
    draw: Callable[[int], np.ndarray], real: Judgement, n_sets: int = SETS
) -> dict[str, Interval]:
    """Measure a generator by the protocol of the course.

    Each of the independent sets has as many samples as there are real
    images; the interval is that of the mean over sets of this size, for this
    one generator and this reference. Single sets scatter more, and so do
    training runs.

    Args:
        draw: of k = 0, 1, ... returns the k-th set of samples, float32
            (n, 28, 28, 1) in [-1, 1], n as in `real`.
        real: the judgement of the reference images.
        n_sets: how many sets, at least 2.

    Returns:
        Intervals by name, as `measures` has them.

    Raises:
        ValueError: a set of another size than the reference, or fewer than
            2 sets.
    """
    sets = [score_samples(draw(k), real) for k in range(n_sets)]
    return {
        name: _within(name, set_interval(np.array([x[name] for x in sets])))
        for name in sets[0]
    }


def _within(name: str, interval: Interval) -> Interval:
    """Cut an interval where its measure ends."""
    low, high = RANGES.get(name, (-np.inf, np.inf))
    return Interval(*np.clip(interval, low, high).tolist())


def _cubic_kernel_sum(a: np.ndarray, b: np.ndarray) -> float:
    """Return the sum of (x . y / d + 1)^3 over all pairs of rows."""
    total = 0.0
    for i in range(0, len(a), CHUNK):
        k = a[i : i + CHUNK] @ b.T / a.shape[1] + 1
        total += np.vdot(k * k, k)
    return total


def kernel_distance(a: np.ndarray, b: np.ndarray) -> float:  # not taught
    """Squared maximum mean discrepancy, unbiased, with the cubic kernel.

    The kernel distance (KID) of Binkowski, Sutherland, Arbel, Gretton,
    arXiv:1801.01401, section 4, with k(x, y) = (x . y / d + 1)^3. Pairs of a
    row with itself are left out, so its mean is 0 for two sets alike,
    whatever n is; a single value may be negative.

    Args:
        a: features (n, d).
        b: features (m, d).

    Returns:
        The estimate; its unit is the kernel's.

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, another width, or
            NaN.
    """
    a, b = _check_pair(a, b)
    within = 0.0
    for rows in (a, b):
        n = len(rows)
        itself = ((np.square(rows).mean(axis=1) + 1) ** 3).sum()
        within += (_cubic_kernel_sum(rows, rows) - itself) / (n * (n - 1))
    return float(within - 2 * _cubic_kernel_sum(a, b) / (len(a) * len(b)))


def subset_kernel_distances(  # not taught
    a: np.ndarray,
    b: np.ndarray,
    size: int = 1_000,
    n_subsets: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Kernel distances of random subsets, as most papers report it.

    The mean estimates the same quantity as `kernel_distance` of all rows, in
    a time that does not grow with n. The spread is that of subsets of this
    size, not the error of the mean: subsets share rows.

    Args:
        a: features (n, d).
        b: features (m, d).
        size: rows of either set in a subset, drawn without replacement.
        n_subsets: how many.
        seed: of the draws.

    Returns:
        float64 (n_subsets,).

    Raises:
        ValueError: as `kernel_distance`, a size outside 2 to the rows of the
            smaller set, or no subset.
    """
    a, b = _check_pair(a, b)
    most = min(len(a), len(b))
    if not 2 <= size <= most or n_subsets < 1:
        raise ValueError(
            f"size is {size}, n_subsets {n_subsets}; expected a size of 2 to "
            f"{most}, the rows of the smaller set, and at least 1 subset."
        )
    rng = np.random.default_rng(seed)
    return np.array(
        [
            kernel_distance(
                *(rows[rng.choice(len(rows), size, False)] for rows in (a, b))
            )
            for _ in range(n_subsets)
        ]
    )


def _check_neighbours(k: int, *sets: np.ndarray) -> None:
    """Refuse a k-th neighbour that some row of a set does not have."""
    most = min(len(rows) for rows in sets) - 1
    if not 1 <= k <= most:
        raise ValueError(
            f"k is {k}; expected 1 to {most}, fewer than the rows of every "
            "set whose neighbours count."
        )


def _centred(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """Check two sets; shift both, so that distances lose fewer digits."""
    a, b = _check_pair(a, b)
    middle = a.mean(axis=0)
    return a - middle, b - middle


def _radii(centres: np.ndarray, k: int) -> np.ndarray:
    """Return the distance of each row to its k-th nearest other row."""
    finder = neighbors.NearestNeighbors(algorithm="brute").fit(centres)
    # Without an argument, a row is no neighbour of itself.
    return finder.kneighbors(n_neighbors=k)[0][:, -1]


def _inside(
    centres: np.ndarray, radii: np.ndarray, rows: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield, for some rows at a time, in which balls each of them lies.

    A row on the rim lies inside, however its distance is rounded.
    """
    sizes = np.square(centres).sum(axis=1)
    for i in range(0, len(rows), CHUNK):
        part = rows[i : i + CHUNK]
        squares = euclidean_distances(part, centres, squared=True)
        squares -= RIM * np.square(part).sum(axis=1)[:, None]
        yield squares <= radii**2 + RIM * sizes


def smallest_ball(  # not taught
    real: np.ndarray, fake: np.ndarray, k: int
) -> np.ndarray:
    """Return the radius of the smallest real ball around each fake row.

    Args:
        real: features (n, d); a ball reaches to the k-th nearest other row.
        fake: features (m, d).
        k: which neighbour.

    Returns:
        (m,), inf where there is no ball: the finite ones are the share that
        `precision_recall` calls precision.

    Raises:
        ValueError: as `precision_recall`.
    """
    real, fake = _centred(real, fake)
    _check_neighbours(k, real)
    radii = _radii(real, k)
    balls = _inside(real, radii, fake)
    found = [np.where(part, radii, np.inf).min(axis=1) for part in balls]
    return np.concatenate(found)


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
    real, fake = _centred(real, fake)
    _check_neighbours(k, real, fake)
    shares = []
    for centres, rows in ((real, fake), (fake, real)):
        balls = _inside(centres, _radii(centres, k), rows)
        shares.append(np.concatenate([part.any(axis=1) for part in balls]))
    precision, recall = (float(share.mean()) for share in shares)
    return precision, recall


def density_coverage(  # not taught
    real: np.ndarray, fake: np.ndarray, k: int = 5
) -> tuple[float, float]:
    """How thickly fakes lie among real images, and how many of these have one.

    Around each real image stands a ball that reaches to its k-th nearest
    other real image. Density is the mean number of balls that hold a fake,
    over k; coverage is the share of balls with a fake in them (Naeem, Oh, Uh,
    Choi, Yoo, arXiv:2002.09797, section 3). For two sets of one kind the
    expected density is 1, the expected coverage
    1 - (n-1)...(n-k) / ((n+m-1)...(n+m-k)).

    Args:
        real: features (n, d).
        fake: features (m, d).
        k: which neighbour a ball reaches to.

    Returns:
        Density, at least 0, and coverage, 0 to 1.

    Raises:
        ValueError: not two-dimensional, k outside 1 to n - 1, another
            width, or NaN.
    """
    real, fake = _centred(real, fake)
    _check_neighbours(k, real)
    held, met = 0, np.zeros(len(real), bool)
    for part in _inside(real, _radii(real, k), fake):
        held += np.count_nonzero(part)
        met |= part.any(axis=0)
    return float(held / (k * len(fake))), float(met.mean())


def nearest(  # not taught
    rows: np.ndarray, train: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest training row of each row.

    Args:
        rows: (n, d), features or pixels.
        train: (m, d).

    Returns:
        Euclidean distances, float64 (n,), and numbers of rows of `train`,
        integers (n,).

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, another width, or
            NaN.
    """
    rows, train = _check_pair(rows, train)
    finder = neighbors.NearestNeighbors(algorithm="brute").fit(train)
    distances, found = finder.kneighbors(rows, n_neighbors=1)
    return distances[:, 0], found[:, 0]


def memorisation(  # not taught
    fake: np.ndarray, train: np.ndarray, held_out: np.ndarray
) -> Memorisation:
    """Test whether samples lie too near to the training images.

    The distance of each sample to its nearest training row is set against
    that of held-out rows, which nobody can have copied: the Mann-Whitney
    test of Meehan, Chaudhuri, Dasgupta, arXiv:2004.05675, over
    the whole space at once. A rank test hardly notices a few copies among
    many, and none among many poor samples; `too_close` does.

    Args:
        fake: (n, d), features or pixels.
        train: (m, d), what the generator learnt from.
        held_out: (l, d), of the same distribution as `train` and unseen.

    Returns:
        See `Memorisation`.

    Raises:
        ValueError: not two-dimensional, fewer than 2 rows, another width,
            NaN, or a held-out row that lies in `train`: it is at distance 0
            as a copy is, so copies would pass for fresh draws.
    """
    distances, null = (nearest(rows, train)[0] for rows in (fake, held_out))
    sizes = np.square(np.asarray(held_out, dtype=np.float64)).sum(axis=1)
    n_seen = np.count_nonzero(null**2 <= 2 * SAME * sizes)
    if n_seen:
        raise ValueError(
            f"held_out: expected rows that are not in train, found {n_seen} "
            f"of {len(null)} there, which hide copies. Take rows that the "
            "generator never saw; data.load('validation') has such images."
        )
    test = stats.mannwhitneyu(distances, null, alternative="less")
    farther = test.statistic / (len(distances) * len(null))
    limit = np.quantile(null, COPY_LEVEL)
    return Memorisation(
        float(1 - farther),
        float(test.pvalue),
        float((distances < limit).mean()),
    )


@data.checked(images="n 28 28 1")
def laplacian_variance(images: np.ndarray) -> np.ndarray:  # not taught
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
    without each block in turn. The interval is for the metric at this n, its
    bias included. A bootstrap would draw rows twice, add the bias of this set
    once more, and shift the interval. Simulated, it covers 88 to 97 % where it
    says 95, but for the measures in `WIDE` it is 1.2 to 2 times too wide.

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
    left_out = [
        metric(np.delete(rows, block, axis=0))
        for block in _blocks(len(rows), seed)
    ]
    return _block_interval(metric(rows), left_out, level)


def _blocks(n: int, seed: int) -> list[np.ndarray]:
    """Permute n rows and cut them into blocks."""
    if n < 2 * BLOCKS:
        raise ValueError(
            f"rows: expected at least {2 * BLOCKS}, two a block, found {n}."
        )
    order = np.random.default_rng(seed).permutation(n)
    return np.array_split(order, BLOCKS)


def _block_interval(
    estimate: float, left_out: Sequence[float], level: float
) -> Interval:
    """Return an estimate with the error that the left-out blocks tell."""
    error = np.sqrt((BLOCKS - 1) * np.var(left_out))
    return _t_interval(estimate, error, BLOCKS - 1, level)


def _check_same_size(a: np.ndarray, b: np.ndarray) -> None:
    """Refuse two sets of different numbers of rows."""
    if len(a) != len(b):
        raise ValueError(
            "expected as many rows in both sets, for both are cut to equal "
            f"sizes; found {len(a)} and {len(b)}."
        )


def frechet_debiased(  # not taught
    a: np.ndarray, b: np.ndarray, level: float = 0.95, seed: int = 0
) -> Interval:
    """Frechet distance without its leading bias, by the jackknife.

    One block of either set is left out at a time. If the mean of the distance
    is D + c / n, then B times the distance of all rows less B - 1 times the
    mean over the B left-out blocks has the mean D (Quenouille, 1956,
    10.1093/biomet/43.3-4.353).

    Args:
        a: features (n, d), n of at least 40.
        b: features (n, d).
        level: confidence, between 0 and 1.
        seed: of the permutations.

    Returns:
        The estimate, which may be negative, and its interval over both sets.

    Raises:
        ValueError: as `frechet_distance`, sets of different sizes, too few
            rows, or a level outside (0, 1).
    """
    a, b = _check_pair(a, b)
    _check_same_size(a, b)
    pairs = zip(_blocks(len(a), seed), _blocks(len(b), seed + 1), strict=True)
    left_out = [
        frechet_distance(np.delete(a, i, axis=0), np.delete(b, j, axis=0))
        for i, j in pairs
    ]
    whole = frechet_distance(a, b)
    estimate = BLOCKS * whole - (BLOCKS - 1) * np.mean(left_out)
    return _block_interval(estimate, left_out, level)


def frechet_at_sizes(  # not taught
    a: np.ndarray, b: np.ndarray, sizes: Sequence[int], seed: int = 0
) -> np.ndarray:
    """Frechet distance of the first rows of both sets, permuted once.

    Args:
        a: features (n, d).
        b: features (n, d).
        sizes: numbers of rows, 2 to n.
        seed: of the permutations.

    Returns:
        float64, one distance a size.

    Raises:
        ValueError: as `frechet_distance`, sets of different sizes, or a size
            outside 2 to n.
    """
    a, b = _check_pair(a, b)
    _check_same_size(a, b)
    if not all(2 <= size <= len(a) for size in sizes):
        raise ValueError(f"sizes: expected 2 to {len(a)}, found {sizes}.")
    rng = np.random.default_rng(seed)
    a, b = rng.permutation(a), rng.permutation(b)
    return np.array([frechet_distance(a[:n], b[:n]) for n in sizes])


def frechet_at_infinity(  # not taught
    a: np.ndarray, b: np.ndarray, n_sizes: int = 15, seed: int = 0
) -> float:
    """Extrapolate the Frechet distance to infinitely many rows.

    A straight line through the distance against 1 / n, for sizes from a fifth
    of the rows to all of them, read off at 0 (Chong, Forsyth,
    arXiv:1911.07023; there the reference keeps its size, here both
    sets are cut).

    Args:
        a: features (n, d), n several times d.
        b: features (n, d).
        n_sizes: how many sizes, at least 2.
        seed: of the permutations.

    Returns:
        The estimate, which may be negative.

    Raises:
        ValueError: as `frechet_distance`, sets of different sizes, or fewer
            than 2 different sizes.
    """
    a, b = _check_pair(a, b)
    sizes = np.linspace(len(a) / 5, len(a), n_sizes).astype(int)
    if len(np.unique(sizes)) < 2:
        raise ValueError(
            f"n_sizes is {n_sizes} for {len(a)} rows; expected at least 2 "
            "different sizes."
        )
    values = frechet_at_sizes(a, b, sizes, seed)
    return float(np.polyfit(1 / sizes, values, 1)[1])


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
