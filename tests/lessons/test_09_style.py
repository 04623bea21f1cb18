"""Lesson 09: features, pictures of one's own, and painting."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from helpers import data, training
from helpers.backend import keras, ops
from helpers.data import Images
from helpers.lessons import photographs, style, style_figures

RECIPE = style.Recipe(seed=3, widths=(4, 6), batch_size=8, n_crops=24)
SMALL, SMALL_COLOUR = Images(32, 1), Images(32, 3)
rng = np.random.default_rng(0)


def random_features(widths=(4, 6), seed=0):
    keras.utils.set_random_seed(seed)
    return style.build_features(widths)


# ------------------------------------------------------------- features


def test_each_layer_has_half_the_places_of_the_one_before():
    found = random_features((4, 6, 8))(np.zeros((2, 32, 48, 1), "float32"))
    shapes = [tuple(x.shape) for x in found]
    assert shapes == [(2, 32, 48, 4), (2, 16, 24, 6), (2, 8, 12, 8)]


def test_a_place_sees_as_many_pixels_as_the_docstring_says():
    features = random_features((3, 3, 3, 3, 3))
    features.set_weights([np.abs(w) for w in features.get_weights()])
    dots = np.zeros((1, 128, 128, 1), "float32")
    before = features(dots, training=False)
    seen = []
    for column in range(128):
        dots[:] = 0
        dots[0, :, column] = 1
        found = features(dots, training=False)
        pairs = zip(found, before, strict=True)
        seen.append(
            [
                bool(ops.any(a[0, 64 >> k, 64 >> k] != b[0, 64 >> k, 64 >> k]))
                for k, (a, b) in enumerate(pairs)
            ]
        )
    wide = [np.ptp(np.flatnonzero(layer)) + 1 for layer in np.transpose(seen)]
    assert wide == [3, 9, 21, 45, 93]


def test_crops_come_from_the_photograph_that_they_are_named_after():
    x, y = style.crops(24, seed=1)
    assert x.dtype == np.float32 and x.shape == (24, 32, 32, 1)
    assert set(y) == set(range(len(photographs.TRAINING)))
    again, _ = style.crops(24, seed=1)
    other, _ = style.crops(24, seed=2)
    assert np.array_equal(x, again) and not np.array_equal(x, other)
    assert "chelsea" not in photographs.TRAINING


def test_the_same_recipe_trains_the_same_features():
    runs = [style.train_features(RECIPE, 3)[1] for _ in range(2)]
    one, other = (run.classifier.get_weights() for run in runs)
    assert all(map(np.array_equal, one, other))
    assert len(runs[0].history) == 3
    another = dataclasses.replace(RECIPE, seed=4)
    third = style.train_features(another, 3)[1].classifier.get_weights()
    assert not np.array_equal(one[0], third[0])


def test_a_saved_run_goes_on_exactly(tmp_path):
    x, y = style.crops(RECIPE.n_crops, RECIPE.seed)
    whole = style.build_namer(RECIPE)
    training.fit(whole, x, 5, y_train=y)
    half = style.build_namer(RECIPE)
    training.fit(half, x, 2, y_train=y)
    training.save_state(half, tmp_path / "s.npz")
    rest = style.build_namer(RECIPE)
    training.load_state(rest, tmp_path / "s.npz")
    training.fit(rest, x, 5, y_train=y)
    for one, other in zip(
        whole.classifier.get_weights(),
        rest.classifier.get_weights(),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_a_few_steps_learn_something():
    recipe = style.Recipe(seed=0, widths=(8, 12, 12), n_crops=600)
    run = style.build_namer(recipe)
    x, y = style.crops(recipe.n_crops, recipe.seed)
    training.fit(run, x, 100, y_train=y)
    assert style.accuracy(run, seed=5, n=240) > 1.4 / 12


def test_balancing_changes_nothing_but_one_factor_a_channel():
    features, x = random_features(), style.photo_crops(60)
    before = [ops.convert_to_numpy(a) for a in features(x, training=False)]
    style.balanced(features, x)
    after = [ops.convert_to_numpy(a) for a in features(x, training=False)]
    for old, new in zip(before, after, strict=True):
        means = old.mean(axis=(0, 1, 2))
        floor = np.maximum(means, style.RARE * means.mean())
        assert np.allclose(new, old / floor, rtol=1e-3, atol=1e-4)


def test_a_channel_that_is_never_active_stays_finite():
    features = random_features()
    kernel, bias = features.layers[1].get_weights()
    bias[0], kernel[..., 0] = -1, 0
    features.layers[1].set_weights([kernel, bias])
    style.balanced(features)
    assert all(np.isfinite(w).all() for w in features.get_weights())


def test_the_judge_of_digits_looks_at_pictures_of_any_size():
    found = style.judge_features()(np.zeros((1, 64, 32, 1), "float32"))
    shapes = [tuple(x.shape[1:]) for x in found]
    assert shapes == [(32, 16, 32), (32, 16, 32), (16, 8, 48)]


# ------------------------------------------------------------- pictures


@pytest.mark.parametrize("kind", [SMALL, SMALL_COLOUR])
@pytest.mark.parametrize("shape", [(50, 40), (50, 40, 3), (32, 90, 4)])
def test_any_photograph_becomes_a_picture(kind, shape):
    photo = rng.integers(0, 256, shape).astype("uint8")
    for given in (photo, photo / 255):
        found = style.picture(given, kind)
        assert found.shape == (1, *kind.shape)
        assert found.dtype == np.float32 and np.abs(found).max() <= 1


def test_small_photographs_are_enlarged_and_the_middle_is_taken():
    photo = np.zeros((32, 64), "uint8")
    photo[:, 16:48] = 255
    assert (style.picture(photo, Images(64, 1)) > 0.99).all()


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (np.zeros((20, 300), "uint8"), "32 pixels or more"),
        (np.zeros((64, 64, 2), "uint8"), "expected shape"),
        (np.zeros((1, 64, 64, 3), "uint8"), "expected shape"),
        (np.full((64, 64), 128.0), "from 0 to 1"),
        (np.full((64, 64), np.nan), "from 0 to 1"),
    ],
)
def test_what_is_no_photograph_is_refused(photo, words):
    with pytest.raises(ValueError, match=words):
        style.picture(photo, SMALL)


def test_recolouring_changes_the_luminance_alone():
    colour = rng.uniform(-0.4, 0.4, (1, 32, 32, 3)).astype("float32")
    grey = rng.uniform(-0.4, 0.4, (1, 32, 32, 1)).astype("float32")
    found = style.recoloured(grey, colour)
    assert np.allclose(style.luminance(found), grey, atol=1e-5)
    differences = np.diff(found, axis=-1), np.diff(colour, axis=-1)
    assert np.allclose(*differences, atol=1e-5)
    same = style.recoloured(style.luminance(colour), colour)
    assert np.allclose(same, colour, atol=1e-6)


def test_grey_of_another_size_is_refused():
    colour = np.zeros((1, 32, 32, 3), "float32")
    with pytest.raises(ValueError, match="grey"):
        style.recoloured(np.zeros((1, 16, 16, 1), "float32"), colour)


# ------------------------------------------------------------- painting


def test_gram_forgets_places_and_keeps_the_means():
    found = rng.gamma(1, size=(1, 5, 7, 3)).astype("float32")
    rows = found.reshape(-1, 3)
    expected = rows.T @ rows / 35
    assert np.allclose(style.gram(found), expected, rtol=1e-5)
    moved = rng.permutation(rows).reshape(found.shape)
    assert np.allclose(style.gram(moved), expected, rtol=1e-5)
    shifted = ops.convert_to_numpy(style.gram(found + 5))
    assert np.abs(shifted - expected).max() > 1


def test_apart_is_a_share():
    wanted = ops.convert_to_tensor([3.0, 4.0])
    assert float(style.apart(wanted, wanted)) == 0
    assert float(style.apart(0 * wanted, wanted)) == 1


def test_painting_nears_the_style_and_a_weight_keeps_the_content():
    features = style.balanced(random_features((6, 8, 8)))
    cat = style.shipped("chelsea", SMALL_COLOUR)
    grey, like = style.luminance(cat), style.shipped("brick", SMALL)
    wanted, kept = (features(x, training=False) for x in (like, grey))
    errors = {}
    for weight in (0.001, 100):
        painted = style.stylised(features, cat, like, 15, weight)
        assert painted.shape == cat.shape and np.abs(painted).max() <= 1
        found = features(style.luminance(painted), training=False)
        errors[weight] = (
            float(style.style_error(found, wanted)),
            float(style.apart(found[2], kept[2])),
        )
    before = float(style.style_error(kept, wanted))
    assert errors[0.001][0] < before
    assert errors[0.001][0] < errors[100][0]
    assert errors[0.001][1] > errors[100][1]


def test_the_loss_is_that_before_each_step():
    start = np.full((1, 8, 8, 1), 0.5, "float32")
    painted, losses = style.paint(start, lambda x: ops.sum(x**2), 40)
    assert len(losses) == 40 and losses[0] == pytest.approx(16)
    assert losses[-1] < losses[0] and np.abs(painted).max() < 0.5
    assert (start == 0.5).all()


def test_clouds_have_one_gram_matrix_and_look_unlike():
    drawn = style_figures.clouds()
    fourth = {}
    for name, points in drawn.items():
        assert np.allclose(points.T @ points / len(points), np.eye(2))
        fourth[name] = np.mean(np.sum(points**2, axis=1) ** 2)
    assert fourth["A"] < 1.1 * 4 < fourth["B"]


def test_the_record_is_compared_run_by_run(monkeypatch):
    rows = [
        ("a", "x", 0, 6.0),
        ("a", "x", 1, 3.0),
        ("b", "x", 0, 2.0),
        ("b", "x", 1, 4.0),
        ("a", "y", 0, 9.0),
        ("b", "y", 0, 1.0),
        ("c", "x", 0, 7.0),
    ]
    table = pd.DataFrame(rows, columns=["way", "style", "seed", "error"])
    monkeypatch.setattr(style_figures, "runs", lambda: table)
    assert style_figures.lead("error", "a", "b") == 3 / 4
    assert style_figures.lead("error", "c", "b") == 7 / 4
    assert style_figures.larger("error", "a", "b") == 2


# -------------------------------------------------------------- figures


def test_the_distance_by_pixels_is_a_share_of_plain_greys():
    x = style.shipped("brick", SMALL)
    grey = np.full_like(x, x.mean())
    fig = style_figures.compared("t", {"it": x, "grey": grey, "far": 1 - x})
    names = [ax.get_title(loc="left") for ax in fig.axes]
    assert names[:2] == ["it: 0.0", "grey: 1.0"] and names[2] > "far: 1"
    plt.close(fig)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_frame_leaves_what_is_inside_and_outside(channels):
    x = np.zeros((1, 64, 64, channels), "float32")
    found = style_figures.framed(x, slice(8, 24), slice(16, 40))
    assert found.shape == (1, 64, 64, 3) and (x == 0).all()
    assert (found[:, 10:22, 18:38] == 0).all() and (found[:, 24:] == 0).all()
    assert found[0, 8, 16].any() and found[0, 23, 39].any()


def test_each_error_is_drawn_where_its_network_finds_it():
    errors = {"one": {"A": 0.1, "B": 0.5}, "two": {"A": 0.6, "B": 0.2}}
    fig = style_figures.crossed("t", errors, {"one": 0.9, "two": 2.0})
    (ax,) = fig.axes
    found = sorted(float(line.get_xdata()[0]) for line in ax.lines)
    assert found == [0.1, 0.2, 0.5, 0.6, 0.9, 2.0]
    assert {t.get_text() for t in ax.texts} >= {"A", "B", "the cat: 0.9"}
    plt.close(fig)


def test_figures_are_drawn():
    x = style.shipped("brick", SMALL)
    cat = style.shipped("chelsea", SMALL_COLOUR)
    figures = [
        style_figures.gallery("t", {"a": x, "b": cat, " ": x}, columns=3),
        style_figures.maps("t", random_features((3, 3, 3)), x),
        style_figures.cloud_row("t", style_figures.clouds()),
        style_figures.study_dots("t"),
    ]
    for fig in figures:
        assert any(ax.has_data() for ax in fig.axes)
        assert fig.get_figheight() <= 7
        plt.close(fig)


def test_pictures_keep_to_what_the_course_calls_an_image():
    for kind in (style.GREY, style.COLOUR):
        x = style.shipped("coffee", kind)
        assert np.array_equal(data.check_images(x, "x", kind), x)
