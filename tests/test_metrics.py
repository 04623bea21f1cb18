"""Distances and scores against closed forms, SciPy, and bad input."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import cdist

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


def test_agrees_with_the_square_root_of_scipy():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8))
    b = rng.normal(size=(300, 8)) @ rng.normal(size=(8, 8)) + 1
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    shift = np.square(a.mean(0) - b.mean(0)).sum()
    wanted = shift + np.trace(cov_a + cov_b - 2 * root)
    assert abs(frechet_distance(a, b) - wanted) <= tolerance(a, b)


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


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (GOOD[:, :3], "same number of features"),
        (GOOD[:1], "at least 2"),
        (GOOD[:, 0], r"shape \(n, d\)"),
        (np.where(GOOD > 2, np.nan, GOOD), "finite"),
        (np.where(GOOD > 2, np.inf, GOOD), "finite"),
    ],
)
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


def by_all_pairs(centres, rows, k):
    """The share of rows in a ball, straight from the definition."""
    own = np.sort(cdist(centres, centres), axis=1)
    return (cdist(rows, centres) <= own[:, k]).any(axis=1).mean()


@pytest.mark.parametrize("k", [1, 3, 7])
def test_precision_and_recall_agree_with_their_definition(k, monkeypatch):
    monkeypatch.setattr(metrics, "CHUNK", 13)
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 5)), rng.normal(0.7, 0.8, size=(50, 5))
    precision, recall = metrics.precision_recall(real, fake, k)
    assert precision == by_all_pairs(real, fake, k)
    assert recall == by_all_pairs(fake, real, k)
    assert metrics.precision_recall(fake, real, k) == (recall, precision)


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


def test_one_call_gives_every_ruler():
    x, _ = data.load("holdout", 60)
    real, fake = judge(x[:30]), judge(x[30:])
    found = metrics.score_samples(x[30:], real)
    pair = metrics.precision_recall(real.features, fake.features)
    assert (found["precision"], found["recall"]) == pair
    assert found["fcd"] == frechet_distance(fake.features, real.features)
    assert found["score"] == classifier_score(fake.probabilities)
    assert found["rarest"] == class_shares(fake.probabilities).min()
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
        (lambda x: x + 5, r"images: expected pixels in \[-1, 1\]"),
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


def test_the_card_of_the_judge_keeps_its_promises():
    card = checkpoints.card("digit_classifier")["metrics"]
    assert card["accuracy on test"] >= 0.992
    assert len(card["accuracy per class on test, 0 to 9"]) == 10
    assert card["expected calibration error on test, 15 bins"] < 0.01
    assert all(floor > 0 for floor in card["fcd floors"].values())
    weights = checkpoints.FOLDER / "digit_classifier.weights.h5"
    assert weights.stat().st_size < 10**6


def test_the_judge_sees_256_grey_levels(holdout):
    x, _, judged = holdout
    between = np.clip(x[:50] + np.float32(0.3 / 127.5), -1, 1)
    assert np.array_equal(judge(between).features, judged.features[:50])


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
    assert 9 < scores["classifier_score"].estimate < 10
    assert 0.05 < scores["rarest_class"].estimate < 0.1
    assert 0.1 < scores["commonest_class"].estimate < 0.15
    exact = score_generator(lambda k: x[:500], few, 2)
    assert exact["fcd"].estimate == pytest.approx(0, abs=1e-3)
    with pytest.raises(ValueError, match="expected 500 samples"):
        score_generator(lambda k: x[:499], few, 2)
    with pytest.raises(ValueError, match="at least 2"):
        score_generator(lambda k: x[:500], few, 1)
