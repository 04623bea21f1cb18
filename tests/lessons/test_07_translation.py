"""Lesson 07: holes, the U-Net that fills them, marks, and photographs."""

import ast
import dataclasses
import functools

import nbformat
import numpy as np
import pytest
from matplotlib import pyplot as plt
from skimage import data as pictures

from helpers import data, metrics, runtime, training, views
from helpers.backend import keras, layers, ops, tf
from helpers.lessons import (
    conditional,
    photographs,
    repairs,
    scans,
    translation,
)

RECIPE = translation.Recipe(seed=1, width=2, d_width=2, batch_size=8)
rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (40, 28, 28, 1)).astype("float32")
BELLS = np.array([[2.0, 2.0, 1.0], [1.0, 1.0, 9.0]])


def masks(hole, n=500, step=0):
    found = translation.masks(hole, n, seed=3, step=step)
    return ops.convert_to_numpy(found)


# ---------------------------------------------------------------- holes


@pytest.mark.parametrize("hole", translation.HOLES)
def test_masks_follow_from_seed_and_step(hole):
    one = masks(hole)
    assert one.shape == (500, 28, 28, 1) and set(np.unique(one)) == {0, 1}
    assert np.array_equal(one, masks(hole))
    assert np.array_equal(one, masks(hole, step=1)) == (hole == "half")


def test_the_half_is_the_right_half():
    assert (masks("half", 2)[:, :, 14:] == 1).all()
    assert (masks("half", 2)[:, :, :14] == 0).all()


def test_squares_have_14_pixels_a_side_and_stay_off_the_border():
    found = masks("square", 2_000)[..., 0]
    assert (found.sum(axis=(1, 2)) == 14 * 14).all()
    ever = found.any(axis=0)
    assert ever[4:24, 4:24].all() and ever.sum() == 20 * 20


def test_boxes_of_any_size_reach_everywhere():
    found = masks("any", 4_000)[..., 0]
    for axis in (1, 2):
        sides = found.any(axis=axis).sum(axis=1)
        assert (sides.min(), sides.max()) == (8, 28)
        assert np.array_equal(
            found.any(axis=axis).sum(axis=1) * found.any(axis=3 - axis).sum(1),
            found.sum(axis=(1, 2)),
        )  # a box is as large as height times width
    assert found.any(axis=0).all()


def test_another_hole_is_refused():
    with pytest.raises(ValueError, match="expected one of half, square, any"):
        translation.masks("round", 1, 0, 0)


def test_damage_hides_and_paste_changes_the_hole_alone():
    mask = masks("square", 40)
    given = ops.convert_to_numpy(translation.damage(X, mask))
    assert given.shape == (40, 28, 28, 2)
    assert (given[..., :1][mask == 1] == -1).all()
    assert np.array_equal(given[..., :1][mask == 0], X[mask == 0])
    assert np.array_equal(given[..., 1:], mask)
    drawn = np.full_like(X, 0.5)
    filled = ops.convert_to_numpy(translation.paste(given, drawn))
    assert np.array_equal(filled, np.where(mask == 1, 0.5, X))


def test_one_mask_serves_all_pictures():
    one = translation.damage(X, translation.half_mask())
    all_ = translation.damage(X, masks("half", 40))
    assert np.array_equal(one, all_)


def test_the_study_and_the_cards_damage_alike():
    given = translation.damaged(X, "square")
    assert np.array_equal(given, translation.damaged(X, "square"))
    assert given.shape == (40, 28, 28, 2)


# ------------------------------------------------------------- networks


def test_the_unet_takes_pictures_of_any_size():
    model = translation.build_unet(2)
    for h, w in ((28, 28), (4, 8), (37, 50)):
        given = np.zeros((1, h, w, 2), "float32")
        given[:, 1:3, 1:3, 1] = 1
        filled = translation.fill(model, given)
        assert filled.shape == (1, h, w, 1)
        known = given[..., 1:] == 0
        assert (filled[known] == 0).all() and (filled[~known] != 0).all()


def test_what_is_given_must_have_two_channels_in_range():
    model = translation.build_unet(2)
    with pytest.raises(ValueError, match="given"):
        translation.fill(model, X)
    with pytest.raises(ValueError, match="given"):
        translation.fill(model, np.full((1, 28, 28, 2), 2.0, "float32"))


def reach(model):
    """Return from how many pixels the middle of the output hears."""
    x = tf.constant(X[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        pixel = model(x, training=False)[0, 13, 13, 0]
    slopes = ops.convert_to_numpy(tape.gradient(pixel, x))
    return int((slopes != 0).sum())


def test_skip_connections_carry_what_the_bottom_does_not():
    keras.utils.set_random_seed(0)
    model = translation.build_unet(2, channels=1)
    kind = keras.layers.Conv2DTranspose
    ways_up = [layer for layer in model.layers if isinstance(layer, kind)]
    heard = [reach(model)]
    for way in ways_up:  # cut the bottom off, then the middle as well
        way.set_weights([np.zeros_like(w) for w in way.get_weights()])
        heard.append(reach(model))
    assert heard[0] > heard[1] > heard[2] == 7 * 7


@pytest.mark.parametrize("patches", [False, True])
def test_d_sees_the_pair(patches):
    keras.utils.set_random_seed(0)
    model = translation.build_discriminator(2, patches)
    given, x = translation.damage(X, translation.half_mask()), tf.constant(X)
    logits = model([given, x], training=True)
    assert logits.shape == ((40, 7, 7, 1) if patches else (40, 1))
    assert not np.allclose(logits, model([given, -x], training=True))
    assert not np.allclose(logits, model([-given, x], training=True))


def test_d_takes_as_many_channels_as_it_is_told():
    model = translation.build_discriminator(2, channels=1)
    assert model([tf.constant(X), tf.constant(X)]).shape == (40, 1)


def test_the_penalty_of_a_sum_is_2401_times_that_of_a_mean():
    run = translation.build(dataclasses.replace(RECIPE, patches=True))
    given = translation.damage(X, translation.half_mask())
    small, large = (
        float(translation.slope_penalty(run, given, X, way))
        for way in (ops.mean, ops.sum)
    )
    assert large / small == pytest.approx(49**2, rel=1e-3)


def test_the_penalty_is_gamma_half_of_the_mean_squared_slope():
    run = translation.build(RECIPE)
    given = translation.damage(X, translation.half_mask())
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = run.discriminator([given, x], training=True)
    slopes = ops.convert_to_numpy(tape.gradient(logits, x))
    wanted = 5 * (slopes**2).sum(axis=(1, 2, 3)).mean()
    found = float(translation.slope_penalty(run, given, X))
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.fixture(scope="module")
def page():
    """What cells of the lesson define: U-Net, damage, paste, D."""
    path = runtime.ROOT / "notebooks" / "07_image_to_image.ipynb"
    cells = {c.id: c.source for c in nbformat.read(path, 4).cells}
    names = {"keras": keras, "layers": layers, "ops": ops, "tf": tf}
    names |= {"conditional": conditional}
    for key in ("c11", "c13", "c27"):
        tree = ast.parse(cells[key])
        tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
        exec(compile(tree, key, "exec"), names)
    return names


def test_the_page_damages_and_pastes_as_the_helper(page):
    for mask in (translation.half_mask(), masks("square", 40)):
        given = translation.damage(X, mask)
        assert np.array_equal(page["damage"](X, mask), given)
        filled = translation.paste(given, X / 2)
        assert np.array_equal(page["paste"](given, X / 2), filled)


def test_the_networks_of_the_page_are_those_of_the_helper(page):
    recipe = translation.Recipe(seed=1)
    ours = translation.build(recipe)
    run = translation.assemble(recipe, page["build_unet"], page["build_d"])
    given = tf.constant(translation.damage(X, translation.half_mask()))
    for part in ("generator", "discriminator", "average"):
        pair = getattr(ours, part), getattr(run, part)
        weights = [model.get_weights() for model in pair]
        assert all(map(np.array_equal, *weights))
        x = given if part != "discriminator" else [given, tf.constant(X)]
        one, other = (model(x, training=False) for model in pair)
        assert np.allclose(one, other, atol=1e-6)


# ---------------------------------------------------------------- steps


def moved(run, step):
    """Return which networks a step moves."""
    names = "generator", "discriminator", "average"
    before = {k: getattr(run, k).get_weights() for k in names}
    step(run, tf.constant(X[:8]))
    return {
        k
        for k in names
        if any(
            not np.array_equal(a, b)
            for a, b in zip(
                before[k], getattr(run, k).get_weights(), strict=True
            )
        )
    }


def test_without_a_weight_d_stays_and_only_the_error_is_returned():
    run = translation.build(RECIPE)
    stats = translation.train_step(run, tf.constant(X[:8]))
    assert len(stats) == 1
    assert moved(run, translation.train_step) == {"generator", "average"}


def test_with_a_weight_both_move():
    run = translation.build(dataclasses.replace(RECIPE, weight=1.0))
    stats = translation.train_step(run, tf.constant(X[:8]))
    assert len(stats) == 4
    assert moved(run, translation.train_step) == {
        "generator",
        "discriminator",
        "average",
    }


def test_the_error_counts_the_hole_alone():
    run = translation.build(RECIPE)
    given = translation.damage(X[:8], translation.half_mask())
    drawn = ops.convert_to_numpy(run.generator(given, training=True))
    wanted = np.abs(drawn - X[:8])[:, :, 14:].mean()
    [found] = translation.train_step(run, tf.constant(X[:8]))
    assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_d_alone_hears_no_error():
    weights = []
    for way in (ops.abs, ops.square):
        recipe = dataclasses.replace(RECIPE, weight=np.inf)
        run = translation.build(recipe)
        translation.train_step(run, tf.constant(X[:8]), error=way)
        weights.append(run.generator.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_masks_may_come_with_the_pictures():
    run = translation.build(RECIPE)
    given = np.broadcast_to(translation.half_mask(), X.shape)
    assert training.fit(run, X, 3, y_train=given)
    drawn = translation.build(RECIPE)
    assert training.fit(drawn, X, 3)
    assert run.history[-1][2] == pytest.approx(drawn.history[-1][2], rel=1e-5)


def test_pairs_train_towards_their_targets():
    run = translation.build(dataclasses.replace(RECIPE, channels=1))
    target = np.full_like(X, 0.5)
    step = translation.pair_step
    assert training.fit(run, target, 30, step=step, y_train=X)
    errors = run.table()["error"]
    assert errors[-1] < errors[0] / 2
    assert run.draw(X).shape == X.shape


def test_a_run_goes_on_exactly(tmp_path):
    recipe = dataclasses.replace(RECIPE, weight=1.0, hole="any")
    straight, stopped = translation.build(recipe), translation.build(recipe)
    training.fit(straight, X, 4)
    training.fit(stopped, X, 2)
    training.save_state(stopped, tmp_path / "s.npz")
    resumed = translation.build(recipe)
    training.load_state(resumed, tmp_path / "s.npz")
    training.fit(resumed, X, 4)
    pairs = zip(
        straight.average.get_weights(),
        resumed.average.get_weights(),
        strict=True,
    )
    assert all(np.array_equal(a, b) for a, b in pairs)


# ---------------------------------------------------------------- marks


def digits(n=200):
    return data.load("holdout", n)[0]


def test_marks_lie_on_black_and_are_seen_where_they_are():
    x = digits()
    at = scans.free_places(x, np.random.default_rng(1))
    has = np.arange(len(x)) % 2 == 0
    marked = scans.mark(x, at, has)
    assert np.array_equal(scans.shows(marked, at), has)
    changed = (marked != x).sum(axis=(1, 2, 3))
    assert (changed == np.where(has, 4, 0)).all()
    assert (x[marked != x] < -0.9).all()
    assert (at >= 3).all() and (at + 2 <= 25).all()


def test_the_best_guess_by_a_simulation():
    rng = np.random.default_rng(0)
    level, sigma, share = 0.2, 1.0, 0.9
    n = 400_000
    has = rng.random(n) < share
    mean = np.where(has, level, -1) + sigma / 2 * rng.standard_normal(n)
    odds = np.log(share / (1 - share)) + (
        (mean + 1) ** 2 - (mean - level) ** 2
    ) / (2 * (sigma / 2) ** 2)
    says = odds > 0
    invented, erased = scans.best_guess(share, level, sigma)
    assert says[~has].mean() == pytest.approx(invented, abs=0.01)
    assert (~says)[has].mean() == pytest.approx(erased, abs=0.002)
    even = scans.best_guess(0.5, level, sigma)
    assert even[0] == pytest.approx(even[1])


def test_sevens_carry_the_mark_and_threes_seldom():
    x, y = data.load("holdout", 2_000)
    rng = np.random.default_rng(0)
    given, truth = scans.marked_sevens(x, y, 0.9, rng)
    y = y[np.isin(y, (3, 7))]
    at = np.tile(scans.CORNER, (len(y), 1))
    seen = scans.shows(truth, at, scans.FAINT)
    assert 0.8 < seen[y == 7].mean() < 0.97
    assert 0.03 < seen[y == 3].mean() < 0.2
    assert (given - truth).std() == pytest.approx(1, rel=0.02)


def test_noise_has_the_deviation_asked_for():
    x = np.zeros((50, 28, 28, 1), "float32")
    found = scans.noisy(x, 0.3, np.random.default_rng(0))
    assert found.dtype == np.float32
    assert found.std() == pytest.approx(0.3, rel=0.02)


# ---------------------------------------------------------- photographs


def test_grey_takes_the_usual_photographs():
    colour = photographs.grey(pictures.chelsea())
    assert colour.ndim == 2 and colour.dtype == np.float32
    alpha = np.dstack([pictures.chelsea(), np.full((300, 451), 9, "uint8")])
    assert np.allclose(photographs.grey(alpha), colour, atol=1e-6)
    flat = photographs.grey(pictures.camera())
    assert -1 <= flat.min() < flat.max() <= 1
    assert np.allclose(flat, photographs.grey(pictures.camera() / 255))


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((4, 4, 2)),
        np.zeros(7),
        np.full((4, 4), 200.0),
        np.full((4, 4), np.nan),
        np.zeros((0, 4)),
    ],
)
def test_grey_says_what_it_wants(photo):
    with pytest.raises(ValueError, match="photo: expected"):
        photographs.grey(photo)


def test_grey_names_the_numbers_that_it_was_given():
    with pytest.raises(ValueError, match="found int64 that leave"):
        photographs.grey(np.full((4, 4), 200, "int64"))


def test_scratches_hit_their_share_and_follow_the_seed():
    for shape in ((256, 256), (40, 90)):
        hole = photographs.scratches(shape, 5)
        assert hole.shape == shape and set(np.unique(hole)) == {0, 1}
        assert 0.08 <= hole.mean() < 0.12
        assert np.array_equal(hole, photographs.scratches(shape, 5))
        assert not np.array_equal(hole, photographs.scratches(shape, 6))


def test_patches_come_from_the_training_photographs_alone():
    assert not set(photographs.TRAINING) & set(photographs.UNSEEN)
    x, masks_ = photographs.patches(24, 0)
    assert x.shape == masks_.shape == (24, 28, 28, 1)
    data.check_images(x)
    assert set(np.unique(masks_)) == {0, 1}
    photo = photographs.shrunk(
        photographs.grey(getattr(pictures, photographs.TRAINING[0])())
    ).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(photo, (28, 28))
    for mirrored in (x[0, ..., 0], x[0, :, ::-1, 0]):
        found = (windows[:, :, 0, 0] == mirrored[0, 0]).nonzero()
        if any(
            np.array_equal(windows[i, j], mirrored)
            for i, j in zip(*found, strict=True)
        ):
            return
    raise AssertionError("patch 0 is not in the first photograph")


def test_shrinking_keeps_the_shape_and_never_enlarges():
    photo = np.zeros((300, 451), "float32")
    assert photographs.shrunk(photo).shape == (256, 385)
    assert photographs.shrunk(photo, 400) is photo


def test_a_photograph_of_any_size_is_restored_in_its_hole_alone():
    model = translation.build_unet(2)
    photo = photographs.grey(pictures.chelsea())[:33, :51]
    hole = photographs.scratches(photo.shape, 0)
    found = repairs.restore(model, photo, hole)
    assert found.shape == photo.shape
    assert np.array_equal(found[hole == 0], photo[hole == 0])


# ------------------------------------------------------- scores, figures


def test_scores_of_the_truth_are_perfect():
    x, y = data.load("holdout", 300)
    given = translation.damaged(x, "half")
    found = repairs.scores(x, given, x, y, metrics.judge(x))
    assert found["mse"] == 0 and found["ssim"] == 1 and found["ink"] == 1
    assert found["fcd"] == pytest.approx(0, abs=1e-3)
    black = np.where(given[..., 1:] == 1, -1, x).astype("float32")
    worse = repairs.scores(black, given, x, y, metrics.judge(x))
    assert worse["ink"] == 0 and worse["fcd"] > 50
    hole = ((black - x)[:, :, 14:] ** 2).mean()
    assert worse["mse"] == pytest.approx(hole, rel=1e-3)


def test_holes_are_shown_grey():
    given = translation.damaged(X, "square")
    found = repairs.shown(given)
    assert (found[given[..., 1:] == 1] == 0).all()


def test_the_record_leaves_out_what_chose_the_penalty():
    table = repairs.runs("repair")
    assert repairs.TUNING not in set(table["seed"])
    assert {"half", "square", "places"} <= set(table["setting"])


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_history_without_d_is_one_wide_plot(weight):
    run = translation.build(dataclasses.replace(RECIPE, weight=weight))
    assert training.fit(run, X, 2)
    fig = plt.figure()
    places = ((0.1, 0.1, 0.3, 0.8), (0.6, 0.1, 0.3, 0.8))
    axes = [fig.add_axes(place) for place in places]
    run.draw_history(axes)
    assert axes[1].get_visible() == bool(weight)
    wide = axes[0].get_position().x1
    assert wide == pytest.approx(0.4 if weight else 0.9)
    above, below = plt.subplots(2)[1]
    place = above.get_position().bounds
    run.draw_history([above, below])
    assert above.get_position().bounds == place
    plt.close("all")


def test_frames_lie_around_the_marks_of_whole_pictures():
    at = np.array([[5, 7], [20, 3]])
    rows = {"whole": X[:2], "enlarged": X[:2, 20:, 20:]}
    fig = repairs.framed(views.image_grid(rows, "title", columns=2), at)
    whole, enlarged = fig.axes
    assert not enlarged.patches
    boxes = [patch.get_bbox() for patch in whole.patches]
    middles = [((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) for b in boxes]
    assert middles == [(7.5, 5.5), (28 + 3.5, 20.5)]
    plt.close(fig)


@pytest.mark.parametrize(
    "figure",
    [
        functools.partial(repairs.knee, "title"),
        functools.partial(repairs.tradeoff, "title"),
        functools.partial(repairs.erased_curve, "title"),
        functools.partial(repairs.guess_dots, "title"),
        functools.partial(repairs.two_bells, "title", np.arange(3.0), *BELLS),
        functools.partial(
            repairs.photo_row, "title", {"a": X[0, ..., 0], "b": X[1, ..., 0]}
        ),
    ],
)
def test_figures_draw(figure):
    fig = figure()
    assert fig.axes
    plt.close(fig)
