"""Distances and scores against closed forms, SciPy, and bad input."""

import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from prdc import compute_prdc
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import polynomial_kernel
from threadpoolctl import threadpool_limits

from helpers import checkpoints, data, metrics
from helpers.metrics import (
    class_shares,
    classifier_score,
    frechet_distance,
    jackknife_interval,
    judge,
    score_generator,
    set_interval,
)

# The same examples on every machine: a test must not fail by chance.
PROPERTY = settings(
    deadline=None, max_examples=100, derandomize=True, database=None
)
NUMBERS = st.floats(-10, 10, width=32)
# Few rows are meant in most of these tests; one test asks for the warning.
pytestmark = pytest.mark.filterwarnings("ignore:.*rows of .* features")


def matrices(d):
    rows = st.integers(2, 12)
    return rows.flatmap(
        lambda n: arrays.arrays(np.float64, (n, d), elements=NUMBERS)
    )


def trace(rows):
    return np.trace(np.atleast_2d(np.cov(rows, rowvar=False)))


def tolerance(a, b):
    return 1e-6 * (trace(a) + trace(b)) + 1e-12


@PROPERTY
@given(matrices(3))
def test_distance_to_itself_is_zero(a):
    assert frechet_distance(a, a) <= tolerance(a, a)


@PROPERTY
@given(matrices(3), matrices(3))
def test_distance_is_symmetric_and_not_negative(a, b):
    there, back = frechet_distance(a, b), frechet_distance(b, a)
    assert there >= 0
    assert abs(there - back) <= tolerance(a, b)


@PROPERTY
@given(matrices(3), matrices(3), NUMBERS, st.integers(0, 100))
def test_distance_ignores_a_common_shift_and_rotation(a, b, shift, seed):
    normal = np.random.default_rng(seed).normal(size=(3, 3))
    turn = np.linalg.qr(normal)[0]
    moved = frechet_distance(a @ turn + shift, b @ turn + shift)
    wanted = frechet_distance(a, b)
    assert abs(moved - wanted) <= tolerance(a, b) + 1e-9 * (1 + wanted)


def with_moments(mean, covariance, n=50):
    """Rows whose mean and covariance are exactly these."""
    d = len(mean)
    rows = np.random.default_rng(0).normal(size=(n, d))
    rows -= rows.mean(axis=0)
    whiten = np.linalg.inv(np.linalg.cholesky(np.cov(rows.T, ddof=1)))
    return rows @ whiten.T @ np.linalg.cholesky(covariance).T + mean


def test_closed_form_of_commuting_gaussians():
    one = with_moments([0, 0, 0], np.diag([1.0, 4.0, 9.0]))
    two = with_moments([1, 0, -2], np.diag([4.0, 4.0, 1.0]))
    # |(1, 0, -2)|^2 + (1 - 2)^2 + (2 - 2)^2 + (3 - 1)^2
    assert frechet_distance(one, two) == pytest.approx(10, abs=1e-9)


def unlike_sets(n, m, d, kind):
    """Two sets of other sizes, means and covariances, perhaps with ties."""
    rng = np.random.default_rng([n, m, d])
    if kind == "lattice":  # many rows are equal, and many distances
        return rng.integers(3, size=(n, d)) * 1.0, rng.binomial(3, 0.4, (m, d))
    a = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    b = rng.normal(size=(m, d)) @ rng.normal(size=(d, d)) + 1
    if kind == "twins":
        a, b = a[rng.integers(n // 3, size=n)], b[rng.integers(m // 3, size=m)]
    return a, b


SIZES_AND_TIES = pytest.mark.parametrize(
    ("n", "m", "d", "kind"),
    [
        (200, 300, 8, "plain"),
        (500, 130, 24, "twins"),
        (130, 500, 4, "lattice"),
    ],
)


@SIZES_AND_TIES
def test_agrees_with_the_square_root_of_scipy(n, m, d, kind):
    a, b = unlike_sets(n, m, d, kind)
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    shift = np.square(a.mean(0) - b.mean(0)).sum()
    wanted = shift + np.trace(cov_a + cov_b - 2 * root)
    assert abs(frechet_distance(a, b) - wanted) <= tolerance(a, b)


@pytest.mark.filterwarnings("default:.*rows of .* features")
def test_fewer_rows_than_features_are_warned_of():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 64, 64))
    with pytest.warns(UserWarning, match=r"64 rows of 64 features.*bias"):
        frechet_distance(a, rng.normal(size=(500, 64)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frechet_distance(np.concatenate([a, b]), rng.normal(size=(65, 64)))


def test_fewer_rows_than_features():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(10, 64))
    assert frechet_distance(a, a) <= tolerance(a, a)
    assert frechet_distance(a, a + 1) == pytest.approx(64, rel=1e-6)


def test_bias_of_one_law_has_its_closed_form():
    rng = np.random.default_rng(3)
    d, n = 16, 500
    values = [
        frechet_distance(*rng.normal(size=(2, n, d))) for _ in range(200)
    ]
    assert np.mean(values) == pytest.approx(d * (d + 5) / (2 * n), rel=0.03)


GOOD = np.random.default_rng(4).normal(size=(50, 4))


NO_PARTNERS = pytest.mark.parametrize(
    ("bad", "match"),
    [
        (GOOD[:, :3], "same number of features"),
        (GOOD[:1], "at least 2"),
        (GOOD[:, 0], r"shape \(n, d\)"),
        (np.where(GOOD > 2, np.nan, GOOD), "finite"),
        (np.where(GOOD > 2, np.inf, GOOD), "finite"),
    ],
)


@NO_PARTNERS
def test_distance_refuses_bad_features(bad, match):
    assert GOOD.max() > 2
    with pytest.raises(ValueError, match=match):
        frechet_distance(GOOD, bad)


def test_score_of_known_sets():
    assert classifier_score(np.eye(10)) == pytest.approx(10)
    assert classifier_score(np.full((5, 10), 0.1)) == pytest.approx(1)
    alike = np.tile(np.eye(10)[:1], (5, 1))
    assert classifier_score(alike) == pytest.approx(1)
    two = np.array([[0.9, 0.1], [0.1, 0.9]])
    wanted = np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    assert classifier_score(two) == pytest.approx(wanted)


@PROPERTY
@given(
    arrays.arrays(np.float64, (6, 4), elements=st.floats(0.01, 1)),
    st.permutations(range(6)),
)
def test_score_lies_between_1_and_the_classes(weights, order):
    p = weights / weights.sum(axis=1, keepdims=True)
    score = classifier_score(p)
    assert 1 - 1e-9 <= score <= 4 + 1e-9
    assert classifier_score(p[list(order)]) == pytest.approx(score)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (np.array([[2.0, -1.0], [0.5, 0.5]]), "add up to 1"),
        (np.array([[3.0, 1.0], [0.5, 0.5]]), "softmax"),
        (np.array([[np.nan, 1.0], [0.5, 0.5]]), "finite"),
        (np.eye(3)[:1], "at least 2"),
    ],
)
def test_score_refuses_what_is_no_probability(bad, match):
    with pytest.raises(ValueError, match=match):
        classifier_score(bad)


def test_set_interval_of_three_values():
    found = set_interval(np.array([1.0, 2.0, 3.0]))
    half = 4.302653 / np.sqrt(3)  # t of 2 degrees of freedom at 97.5 %
    assert found == pytest.approx((2, 2 - half, 2 + half), rel=1e-6)


def test_set_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(2_000):
        low, high = set_interval(rng.normal(3, 2, size=10))[1:]
        hits.append(low <= 3 <= high)
    assert np.mean(hits) == pytest.approx(0.95, abs=4 * 0.0049)


def test_jackknife_of_a_mean_is_the_textbook_interval():
    rows = np.random.default_rng(6).normal(size=(2_000, 1))
    found = jackknife_interval(lambda x: x.mean(), rows)
    half = (found.high - found.low) / 2
    # 20 blocks estimate the standard error to about 16 %.
    error = rows.std(ddof=1) / np.sqrt(len(rows))
    assert found.estimate == pytest.approx(rows.mean())
    assert half / (2.093 * error) == pytest.approx(1, abs=0.5)


def test_jackknife_holds_its_own_estimate_and_repeats():
    a, b = np.random.default_rng(7).normal(size=(2, 400, 4))

    def distance(rows):
        return frechet_distance(rows, b)

    found = jackknife_interval(distance, a)
    assert found.low < found.estimate < found.high
    assert found.estimate == frechet_distance(a, b)
    assert jackknife_interval(distance, a) == found


def simulated(d, n, n_repeats=40):
    """How far each value is from the mean over repeats, and its jackknife's
    standard error: dictionaries of (n_repeats,), the reference fixed."""
    rng = np.random.default_rng(d)
    real = rng.normal(size=(n, d))
    values, errors = [], []
    for _ in range(n_repeats):
        fake = rng.normal(0.15, 0.9, size=(n, d))
        values.append(distances_and_shares(fake, real))
        left_out = [
            distances_and_shares(np.delete(fake, block, axis=0), real)
            for block in metrics._blocks(n, 0)
        ]
        errors.append(np.sqrt((metrics.BLOCKS - 1) * np.var(left_out, 0)))
    return values - np.mean(values, axis=0), np.array(errors)


def distances_and_shares(fake, real):
    return (
        frechet_distance(fake, real),
        metrics.kernel_distance(fake, real),
        *metrics.precision_recall(real, fake),
        *metrics.density_coverage(real, fake),
    )


def test_the_jackknife_covers_as_often_as_it_says_or_is_known_to_be_wide():
    names = ("fcd", "kid", "precision", "recall", "density", "coverage")
    with threadpool_limits(1):  # small products take longer on two threads
        cells = [simulated(d, n) for d, n in ((4, 120), (8, 200), (16, 200))]
    for k, name in enumerate(names):
        covered, ratios = [], []
        for far, error in cells:
            t = scipy.stats.t.ppf(0.975, metrics.BLOCKS - 1)
            covered.append(np.abs(far[:, k]) < t * error[:, k])
            squares = [np.square(x[:, k]).mean() for x in (error, far)]
            ratios.append(np.sqrt(squares[0] / squares[1]))
        if name in metrics.WIDE:
            assert np.mean(covered) > 0.95 and min(ratios) > 1.1, name
            assert max(ratios) < 2, name
        else:
            assert np.mean(covered) > 0.86, name
            assert min(ratios) > 0.75 and max(ratios) < 1.35, (name, ratios)


@pytest.mark.parametrize("level", [0, 1, -0.5, 95])
def test_intervals_refuse_other_levels(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        set_interval(np.arange(5.0), level)


def test_intervals_refuse_too_few_values():
    with pytest.raises(ValueError, match="at least 2"):
        set_interval(np.array([1.0]))
    with pytest.raises(ValueError, match="at least 40"):
        jackknife_interval(np.mean, GOOD[:39])


# ------------------------------------------- precision and recall, pictures


def test_precision_and_recall_of_known_sets():
    line = np.arange(20.0)[:, None]
    assert metrics.precision_recall(line, line) == (1, 1)
    assert metrics.precision_recall(line, line + 1_000) == (0, 0)
    half = np.concatenate([line[:10], line[:10] + 0.1])
    precision, recall = metrics.precision_recall(line, half)
    assert precision == 1 and recall < 0.7
    copies = np.zeros((5, 1))  # balls of radius 0 hold what lies on them
    assert metrics.precision_recall(copies, copies) == (1, 1)


@pytest.mark.parametrize("k", [0, 4, 50])
def test_precision_refuses_too_many_neighbours(k):
    with pytest.raises(ValueError, match=f"k is {k}; expected 1 to 3"):
        metrics.precision_recall(GOOD, GOOD[:4], k)


def test_precision_refuses_other_widths():
    with pytest.raises(ValueError, match="same number of features"):
        metrics.precision_recall(GOOD, GOOD[:, :2])


def test_all_four_agree_with_the_package_of_the_paper():
    rng = np.random.default_rng(8)
    real, fake = rng.normal(size=(1_000, 16)), rng.normal(0.2, 0.9, (900, 16))
    for k in (3, 5):
        wanted = compute_prdc(real, fake, nearest_k=k)
        found = [
            *metrics.precision_recall(real, fake, k),
            *metrics.density_coverage(real, fake, k),
        ]
        assert found == pytest.approx([*wanted.values()], abs=1e-12)


@SIZES_AND_TIES
def test_all_four_agree_with_their_definitions(n, m, d, kind, monkeypatch):
    monkeypatch.setattr(metrics, "CHUNK", 37)
    # The package leaves the rim out, so it cannot judge ties.
    real, fake = unlike_sets(n, m, d, kind)
    for k in (1, 3, 5, 7):
        inside = [
            cdist(rows, centres) <= radii(centres, k)
            for centres, rows in ((real, fake), (fake, real))
        ]
        density, coverage = metrics.density_coverage(real, fake, k)
        precision, recall = metrics.precision_recall(real, fake, k)
        assert precision == inside[0].any(axis=1).mean()
        assert recall == inside[1].any(axis=1).mean()
        assert metrics.precision_recall(fake, real, k) == (recall, precision)
        assert density == pytest.approx(inside[0].sum() / (k * m), rel=1e-12)
        assert coverage == inside[0].any(axis=0).mean()


def radii(centres, k):
    """How far the k-th nearest other row is, with room for rounding."""
    return np.sort(cdist(centres, centres), axis=1)[:, k] * (1 + 1e-12)


def test_published_values_of_one_law():
    # README of prdc: P 0.477, R 0.471, D 1.056, C 0.974 at d = 1,000, k = 5
    rng = np.random.default_rng(9)
    real, fake = rng.normal(size=(2, 2_000, 64))
    n = m = 2_000
    wanted = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, 6)])
    density, coverage = metrics.density_coverage(real, fake)
    assert coverage == pytest.approx(wanted, abs=0.02)
    assert density == pytest.approx(1, abs=0.1)


def expected_coverage(n, m, k):
    return 1 - np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])


@pytest.mark.parametrize(("n", "m", "k"), [(60, 60, 5), (30, 90, 2)])
def test_coverage_of_one_law_has_its_closed_form(n, m, k):
    rng = np.random.default_rng(10)
    values = [
        metrics.density_coverage(
            rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), k
        )
        for _ in range(400)
    ]
    for column, wanted in zip(
        np.transpose(values), (1, expected_coverage(n, m, k)), strict=True
    ):
        error = column.std() / 20
        assert abs(column.mean() - wanted) < 4 * error


def test_density_and_coverage_of_known_sets():
    line = np.arange(20.0)[:, None]
    assert metrics.density_coverage(line, line + 1_000) == (0, 0)
    density, coverage = metrics.density_coverage(
        line, line[10:11] + [[0.1]] * 2
    )
    # Balls of the fifth neighbour reach 3 steps inside the line.
    assert coverage == 6 / 20 and density == 6 / 5
    same = np.zeros((9, 3))  # with a strict < both would be 0
    assert metrics.density_coverage(same, same) == (9 / 5, 1)
    copies = metrics.density_coverage(line, line)
    assert copies[1] == 1 and copies[0] > 1


@PROPERTY
@given(
    arrays.arrays(np.float64, (8, 3), elements=NUMBERS, unique=True),
    arrays.arrays(np.float64, (7, 3), elements=NUMBERS, unique=True),
    st.permutations(range(7)),
)
def test_shares_stay_in_their_range_and_ignore_the_order(a, b, order):
    found = metrics.precision_recall(a, b), metrics.density_coverage(a, b)
    shuffled = b[list(order)]
    assert found == (
        metrics.precision_recall(a, shuffled),
        metrics.density_coverage(a, shuffled),
    )
    (precision, recall), (density, coverage) = found
    assert min(precision, recall, coverage) >= 0
    assert max(precision, recall, coverage) <= 1
    assert 0 <= density <= len(a) / 5


# ------------------------------------------------------------ kernel distance


@SIZES_AND_TIES
def test_kernel_distance_agrees_with_the_kernel_of_scikit_learn(
    n, m, d, kind, monkeypatch
):
    monkeypatch.setattr(metrics, "CHUNK", 37)
    a, b = unlike_sets(n, m, d, kind)
    k_aa, k_bb, k_ab = (
        polynomial_kernel(x, y, degree=3)  # (x . y / d + 1)^3
        for x, y in ((a, a), (b, b), (a, b))
    )
    within = [
        k[~np.eye(len(k), dtype=bool)].mean() for k in (k_aa, k_bb)
    ]  # twins are two rows, not a row with itself
    wanted = sum(within) - 2 * k_ab.mean()
    scale = sum(within) + 2 * k_ab.mean()
    for found in (
        metrics.kernel_distance(a, b),
        metrics.kernel_distance(b, a),
    ):
        assert found == pytest.approx(wanted, abs=1e-12 * scale)


def test_kernel_distance_of_known_laws():
    # With d = 1, k = (x y + 1)^3 sees the first three moments: for N(0, 1)
    # and N(t, 1) the squares of their differences, weighted 3, 3, 1.
    rng = np.random.default_rng(1)
    t = 0.5
    moments = np.array([t, t**2, t**3 + 3 * t])
    wanted = moments**2 @ [3, 3, 1]
    values = [
        metrics.kernel_distance(
            rng.normal(size=(200, 1)), rng.normal(t, 1, size=(200, 1))
        )
        for _ in range(400)
    ]
    error = np.std(values) / 20
    assert abs(np.mean(values) - wanted) < 4 * error < wanted / 3


def test_kernel_distance_of_one_law_is_0_on_average():
    rng = np.random.default_rng(2)
    values = [
        metrics.kernel_distance(*rng.normal(size=(2, 40, 8)))
        for _ in range(400)
    ]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_subsets_estimate_the_same():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(300, 3)), rng.normal(0.6, 1, size=(280, 3))
    found = metrics.subset_kernel_distances(a, b, 60, 200)
    whole = metrics.kernel_distance(a, b)
    assert found.shape == (200,)
    assert abs(found.mean() - whole) < 4 * found.std() / np.sqrt(200)
    again = metrics.subset_kernel_distances(a, b, 60, 200)
    assert np.array_equal(found, again)
    all_rows = metrics.subset_kernel_distances(a[:280], b, 280, 2)
    assert np.allclose(all_rows, metrics.kernel_distance(a[:280], b))


@pytest.mark.parametrize(
    ("size", "n_subsets"), [(1, 5), (51, 5), (20, 0), (-3, 1)]
)
def test_subsets_of_no_size_are_refused(size, n_subsets):
    with pytest.raises(ValueError, match="expected a size of 2 to 50"):
        metrics.subset_kernel_distances(GOOD, GOOD, size, n_subsets)


@pytest.mark.parametrize(
    "measure",
    [
        metrics.kernel_distance,
        metrics.density_coverage,
        metrics.nearest,
        metrics.frechet_debiased,
        metrics.frechet_at_infinity,
        lambda a, b: metrics.memorisation(a, b, b),
        lambda a, b: metrics.memorisation(a, a, b),
        lambda a, b: metrics.subset_kernel_distances(a, b, 2),
        lambda a, b: metrics.frechet_at_sizes(a, b, [2]),
    ],
)
@NO_PARTNERS
def test_two_sets_must_fit(measure, bad, match):
    with pytest.raises(ValueError, match=match):
        measure(GOOD, bad)


@pytest.mark.parametrize("k", [0, 4])
def test_coverage_refuses_too_many_neighbours(k):
    with pytest.raises(ValueError, match=f"k is {k}; expected 1 to 3"):
        metrics.density_coverage(GOOD[:4], GOOD, k)
    assert metrics.density_coverage(GOOD, GOOD[:2], 5)[1] > 0


def rims(kind, n, d, seed):
    """Return rows with ties, and their exact density against themselves."""
    rng = np.random.default_rng([n, d, seed])
    rows = rng.normal(size=(n, d))
    if kind == "far away":
        rows += 1_000
    if kind == "twins":
        rows = rows[rng.integers(n // 3, size=n)]
    if kind == "lattice":
        rows = rng.integers(3, size=(n, d)).astype(float)
    distances = cdist(rows, rows)
    others = distances + np.diag(np.full(n, np.inf))
    radii = np.sort(others, axis=1)[:, 4] * (1 + 1e-12)
    return rows, np.count_nonzero(distances <= radii) / (5 * n)


@pytest.mark.parametrize("kind", ["plain", "far away", "twins", "lattice"])
@pytest.mark.parametrize(("n", "d"), [(100, 64), (60, 2), (90, 784)])
def test_a_row_on_the_rim_lies_inside(kind, n, d):
    for seed in range(12):
        rows, exact = rims(kind, n, d, seed)
        assert kind in ("twins", "lattice") or exact == 1.2
        again = np.random.default_rng(seed).permutation(rows)
        assert metrics.density_coverage(rows, again) == (exact, 1)
        some = rows * 10.0 ** (seed - 6)
        assert metrics.density_coverage(some, some) == (exact, 1)
        assert metrics.precision_recall(some, some) == (1, 1)


# ---------------------------------------------------------------- many images


def test_distances_of_infinitely_many_rows():
    rng = np.random.default_rng(11)
    d, n, shift = 8, 400, 0.1
    truth = d * shift**2
    plain, line, jackknife = [], [], []
    for k in range(60):
        a, b = rng.normal(size=(n, d)), rng.normal(shift, 1, size=(n, d))
        plain.append(frechet_distance(a, b))
        line.append(metrics.frechet_at_infinity(a, b, seed=k))
        jackknife.append(metrics.frechet_debiased(a, b, seed=k).estimate)
    bias = np.mean(plain) - truth
    assert bias > 5 * np.std(plain) / np.sqrt(60)
    for values in (line, jackknife):
        error = np.std(values) / np.sqrt(60)
        assert abs(np.mean(values) - truth) < 4 * error
        assert abs(np.mean(values) - truth) < bias / 3


def test_interval_without_bias_covers_the_truth():
    rng = np.random.default_rng(12)
    hits = 0
    for _ in range(200):
        a, b = rng.normal(size=(200, 3)), rng.normal(0.5, 1, size=(200, 3))
        low, high = metrics.frechet_debiased(a, b)[1:]
        hits += low <= 0.75 <= high
    assert 0.88 < hits / 200 <= 1


def test_sizes_are_those_asked_for():
    a, b = np.random.default_rng(13).normal(size=(2, 100, 3))
    found = metrics.frechet_at_sizes(a, b, [20, 100])
    assert found[1] == pytest.approx(frechet_distance(a, b))
    assert found[0] != pytest.approx(found[1])
    with pytest.raises(ValueError, match="sizes: expected 2 to 100"):
        metrics.frechet_at_sizes(a, b, [101])
    for measure in (
        metrics.frechet_debiased,
        metrics.frechet_at_infinity,
        lambda a, b: metrics.frechet_at_sizes(a, b, [9]),
    ):
        with pytest.raises(ValueError, match=r"as many rows.*100 and 99"):
            measure(a, b[:99])
    with pytest.raises(ValueError, match="at least 2 different sizes"):
        metrics.frechet_at_infinity(a, b, 1)
    with pytest.raises(ValueError, match="at least 40"):
        metrics.frechet_debiased(a[:39], b[:39])


def test_large_sets_are_cut_into_chunks():
    rng = np.random.default_rng(14)
    a, b = rng.normal(size=(2, 6_000, 4))
    for measure in (
        metrics.kernel_distance,
        metrics.precision_recall,
        metrics.density_coverage,
    ):
        tracemalloc.start()
        measure(a, b)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # A whole matrix would be 288 MB, three chunks of 500 rows are 72.
        assert peak < 100e6, measure


# --------------------------------------------------------------- memorisation


def test_nearest_rows_are_the_nearest():
    rng = np.random.default_rng(15)
    rows, train = rng.normal(size=(20, 3)), rng.normal(size=(50, 3))
    distances, found = metrics.nearest(rows, train)
    wanted = cdist(rows, train)
    assert np.array_equal(found, wanted.argmin(axis=1))
    assert np.allclose(distances, wanted.min(axis=1))


def test_copies_are_found_and_fresh_samples_are_not():
    rng = np.random.default_rng(16)
    train, held_out = rng.normal(size=(1_000, 4)), rng.normal(size=(600, 4))
    fresh = metrics.memorisation(rng.normal(size=(500, 4)), train, held_out)
    assert fresh.closer == pytest.approx(0.5, abs=0.08)
    assert fresh.p_value > 1e-3 and fresh.too_close < 0.04
    near = train[:500] + rng.normal(0, 0.05, (500, 4))
    copied = metrics.memorisation(near, train, held_out)
    assert copied.closer > 0.9 and copied.p_value < 1e-50
    poor = metrics.memorisation(rng.normal(3, 1, (500, 4)), train, held_out)
    assert poor.closer < 0.2 and poor.p_value > 0.99
    # Every tenth sample a copy: the ranks hardly tell, the share does.
    some = np.concatenate([near[:20], rng.normal(1, 1, (180, 4))])
    mixed = metrics.memorisation(some, train, held_out)
    assert mixed.p_value > 0.05 and mixed.too_close > 0.05
    same = metrics.memorisation(held_out, train, held_out)
    assert same.closer == pytest.approx(0.5)


@pytest.mark.parametrize("rounding", [0, 1e-6])
@pytest.mark.parametrize("n_seen", [1, 30, 60])
def test_held_out_rows_that_were_seen_are_refused(n_seen, rounding):
    rng = np.random.default_rng(18)
    train, held_out = rng.normal(5, 1, (200, 64)), rng.normal(5, 1, (60, 64))
    metrics.memorisation(train[:50], train, held_out)
    held_out[:n_seen] = train[:n_seen] * (1 + rounding)
    with pytest.raises(ValueError, match=rf"held_out: .*found {n_seen} of 60"):
        metrics.memorisation(train[:50], train, held_out)


def test_validation_is_unseen_and_holdout_of_mnist_5k_is_not():
    x, unseen = data.load("train", 1_000)[0], data.load("validation", 500)[0]
    for look in (lambda x: judge(x).features, lambda x: x.reshape(-1, 784)):
        copies, train, null = (look(part) for part in (x[:100], x, unseen))
        found = metrics.memorisation(copies, train, null)
        assert found.too_close == 1 and found.closer > 0.99
        # As in MNIST-5k: holdout with training images at other places.
        mixed = look(np.concatenate([unseen[:77], x[500:900]]))
        with pytest.raises(ValueError, match=r"found 400 of 477.*validation"):
            metrics.memorisation(copies, train, mixed)


@pytest.mark.parametrize("seed", range(3))
def test_p_values_of_fresh_samples_are_spread_evenly(seed):
    rng = np.random.default_rng([17, seed])
    values = []
    for _ in range(200):
        fake, train, held = rng.normal(size=(3, 60, 2))
        values.append(metrics.memorisation(fake, train, held).p_value)
    # Held-out rows and samples share the training set, as in real use.
    assert np.mean(np.array(values) < 0.05) < 0.12


def test_one_call_gives_every_ruler():
    x, _ = data.load("holdout", 60)
    real, fake = judge(x[:30]), judge(x[30:])
    found = metrics.score_samples(x[30:], real)
    pair = metrics.precision_recall(real.features, fake.features)
    assert (found["precision"], found["recall"]) == pair
    assert found["fcd"] == frechet_distance(fake.features, real.features)
    assert found["score"] == classifier_score(fake.probabilities)
    assert found["rarest"] == class_shares(fake.probabilities).min()
    assert found["kid"] == metrics.kernel_distance(
        fake.features, real.features
    )
    assert (found["density"], found["coverage"]) == metrics.density_coverage(
        real.features, fake.features
    )
    with pytest.raises(ValueError, match=r"expected 30 samples.*found 60"):
        metrics.score_samples(x, real)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(5)
    return rng.uniform(-1, 1, (6, 28, 28, 1)).astype("float32")


def test_sharpness_falls_with_blur_and_with_contrast(pictures):
    sharp = metrics.laplacian_variance(pictures)
    assert sharp.shape == (6,)
    wanted = scipy.ndimage.laplace(pictures[0, ..., 0].astype(float)).var()
    assert sharp[0] == pytest.approx(wanted)
    soft = scipy.ndimage.gaussian_filter(pictures, (0, 1, 1, 0))
    assert (metrics.laplacian_variance(soft) < sharp).all()
    assert np.allclose(metrics.laplacian_variance(pictures / 2), sharp / 4)
    even = np.full_like(pictures, 0.5)
    assert np.allclose(metrics.laplacian_variance(even), 0)


def test_ssim_is_the_mean_over_windows(pictures):
    assert np.allclose(metrics.ssim(pictures, pictures), 1)
    x, y = (pictures[k, ..., 0].astype(float) for k in (0, 1))

    def blur(a):
        return scipy.ndimage.gaussian_filter(a, 1.5, truncate=3.5)

    mx, my = blur(x), blur(y)
    vx, vy = blur(x * x) - mx**2, blur(y * y) - my**2
    cov = blur(x * y) - mx * my
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    values = (2 * mx * my + c1) * (2 * cov + c2)
    values /= (mx**2 + my**2 + c1) * (vx + vy + c2)
    found = metrics.ssim(pictures[:1], pictures[1:2])[0]
    assert found == pytest.approx(values[5:-5, 5:-5].mean(), abs=1e-9)


def test_psnr_is_the_error_in_decibels(pictures):
    assert np.isinf(metrics.psnr(pictures, pictures)).all()
    others = np.zeros_like(pictures)
    error = np.square(pictures.astype(float)).mean(axis=(1, 2, 3))
    found = metrics.psnr(pictures, others)
    assert np.allclose(found, 10 * np.log10(4 / error))


@pytest.mark.parametrize("measure", [metrics.ssim, metrics.psnr])
def test_pairs_must_be_pairs_of_images(measure, pictures):
    with pytest.raises(ValueError, match="found 6 and 2"):
        measure(pictures, pictures[:2])
    with pytest.raises(ValueError, match="others: expected values in"):
        measure(pictures, 3 * pictures)
    with pytest.raises(TypeError, match="images: expected float32"):
        measure(pictures.astype(float), pictures)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (lambda x: x[..., 0], r"images: expected shape \(n, 28, 28, 1\)"),
        (lambda x: x + 5, r"images: expected values in \[-1, 1\]"),
        (lambda x: x * np.nan, "images: expected finite"),
    ],
)
def test_sharpness_refuses(bad, match, pictures):
    with pytest.raises(ValueError, match=match):
        metrics.laplacian_variance(bad(pictures))


# ------------------------------------------------------------------ the judge


@pytest.fixture(scope="module")
def holdout():
    x, y = data.load("holdout")
    return x, y, judge(x)


def test_the_judge_knows_the_digits(holdout):
    _, y, judged = holdout
    assert judged.features.shape == (5_000, 64)
    assert judged.features.dtype == judged.probabilities.dtype == np.float64
    assert (judged.features >= 0).all()
    assert np.allclose(judged.probabilities.sum(axis=1), 1)
    right = judged.probabilities.argmax(axis=1) == y
    assert right.mean() > 0.99
    assert min(right[y == digit].mean() for digit in range(10)) > 0.975


@pytest.mark.parametrize("name", ["digit_classifier", "second_judge"])
def test_the_card_of_a_judge_keeps_its_promises(name):
    card = checkpoints.card(name)["metrics"]
    assert card["accuracy on test"] >= 0.992
    assert len(card["accuracy per class on test, 0 to 9"]) == 10
    assert card["expected calibration error on test, 15 bins"] < 0.01
    assert all(floor > 0 for floor in card["fcd floors"].values())
    weights = checkpoints.FOLDER / f"{name}.weights.h5"
    assert weights.stat().st_size < 10**6


def test_the_judge_sees_256_grey_levels(holdout):
    x, _, _ = holdout
    between = np.clip(x[:50] + np.float32(0.3 / 127.5), -1, 1)
    assert np.array_equal(judge(between).features, judge(x[:50]).features)


def test_the_judge_takes_any_number_of_images(holdout, monkeypatch):
    x, _, judged = holdout
    assert np.allclose(judge(x[:1]).features, judged.features[:1], atol=1e-4)
    monkeypatch.setattr(metrics, "CHUNK", 7)
    assert np.allclose(judge(x[:20]).features, judged.features[:20], atol=1e-4)


def test_the_distance_sees_noise_and_missing_digits(holdout):
    x, y, judged = holdout
    half = judged.features[::2], judged.features[1::2]
    floor = frechet_distance(*half)
    rng = np.random.default_rng(0)
    noisy = x[1::2] + rng.normal(0, 0.3, x[1::2].shape)
    noisy = judge(np.clip(noisy, -1, 1).astype(np.float32)).features
    assert frechet_distance(half[0], noisy) > 5 * floor
    fewer = judged.features[1::2][y[1::2] < 8]
    assert frechet_distance(half[0], fewer) > 5 * floor


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (np.zeros((3, 28, 28, 1)), TypeError, "float32"),
        (np.zeros((3, 32, 32, 1), np.float32), ValueError, "28, 28"),
        (np.full((3, 28, 28, 1), 255, np.float32), ValueError, r"\[-1, 1\]"),
        (np.full((3, 28, 28, 1), np.nan, np.float32), ValueError, "nan"),
        (np.zeros((0, 28, 28, 1), np.float32), ValueError, "at least one"),
    ],
)
def test_the_judge_refuses_what_is_no_image(bad, error, match):
    with pytest.raises(error, match=match):
        judge(bad)


def test_shares_of_classes():
    p = np.eye(4)[[0, 0, 1, 3]] * 0.6 + 0.1
    assert class_shares(p).tolist() == [0.5, 0.25, 0, 0.25]
    with pytest.raises(ValueError, match="shape"):
        class_shares(p[0])


def test_the_score_of_a_generator_that_copies(holdout):
    x, _, judged = holdout
    few = metrics.Judgement(judged.features[:500], judged.probabilities[:500])
    scores = score_generator(lambda k: x[500 * k : 500 * (k + 1)], few, 4)
    # The first set is the reference itself, the others are not.
    assert 0 < scores["fcd"].estimate < 40
    assert scores["fcd"].low < scores["fcd"].estimate < scores["fcd"].high
    assert 9 < scores["score"].estimate < 10
    assert 0.05 < scores["rarest"].estimate < 0.1
    exact = score_generator(lambda k: x[:500], few, 2)
    assert exact["fcd"].estimate == pytest.approx(0, abs=1e-3)
    with pytest.raises(ValueError, match="expected 500 samples"):
        score_generator(lambda k: x[:499], few, 2)
    with pytest.raises(ValueError, match="at least 2"):
        score_generator(lambda k: x[:500], few, 1)


def test_a_fixed_set_has_the_intervals_of_the_jackknife(holdout):
    x, _, _ = holdout
    real, fake = judge(x[:200]), judge(x[200:400])
    found = metrics.score_fixed_set(x[200:400], real, seed=3)
    assert {k: v.estimate for k, v in found.items()} == pytest.approx(
        metrics.score_samples(x[200:400], real)
    )
    wanted = jackknife_interval(
        lambda rows: frechet_distance(rows, real.features),
        fake.features,
        seed=3,
    )
    assert found["fcd"] == pytest.approx(wanted)
    wanted = jackknife_interval(
        lambda rows: metrics.precision_recall(real.features, rows)[1],
        fake.features,
        seed=3,
    )
    assert found["recall"] == pytest.approx(wanted)
    assert metrics.score_judged_set(fake, real, seed=3) == found
    with pytest.raises(ValueError, match="expected 200 samples"):
        metrics.score_fixed_set(x[:100], real)
    with pytest.raises(ValueError, match="at least 40"):
        metrics.score_fixed_set(x[:30], judge(x[:30]))


def test_intervals_end_where_their_measures_end(monkeypatch):
    values = iter([0.99, 1.0, 0.0, 0.02])

    def score(images, real):
        value = next(values)
        return dict.fromkeys([*metrics.RANGES, "kid"], value)

    monkeypatch.setattr(metrics, "score_samples", score)
    high = score_generator(lambda k: None, None, 2)
    low = score_generator(lambda k: None, None, 2)
    for name in ("precision", "recall", "coverage"):
        assert high[name].high == 1 and high[name].low < 0.99
        assert low[name].low == 0 and low[name].high > 0.02
    assert high["rarest"].estimate == high["rarest"].high == 0.1
    assert high["fcd"].high > 1 and low["fcd"].low == 0 == low["density"].low
    assert low["kid"].low < 0 and low["score"].low == 1
