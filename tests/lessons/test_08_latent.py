"""Walks, moments, directions, and a generator with styles."""

import numpy as np
import pytest

from helpers import training
from helpers.backend import ops
from helpers.lessons import (
    conditional,
    dcgan,
    latent,
    latent_figures,
    stylegan,
)


def test_an_arc_keeps_the_length_and_its_ends():
    a, b = np.random.default_rng(0).normal(size=(2, 50, 64))
    a, b = (8 * x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    for t, end in ((0, a), (1, b)):
        assert np.allclose(latent.slerp(a, b, t), end, atol=1e-4)
    for t in (0.2, 0.5, 0.9):
        walked = latent.slerp(a, b, t)
        assert np.allclose(np.linalg.norm(walked, axis=1), 8, atol=1e-3)
    half = latent.slerp(a, b, 0.5)
    assert np.allclose((half * a).sum(1), (half * b).sum(1), atol=1e-2)


def test_an_arc_between_equal_points_is_the_point():
    a = np.ones((2, 3))
    assert np.allclose(latent.slerp(a, 2 * a, 0.5), 1.5)


def test_an_arc_refuses_opposite_points_and_other_shapes():
    with pytest.raises(ValueError, match="opposite"):
        latent.slerp(np.ones((1, 3)), -np.ones((1, 3)), 0.5)
    with pytest.raises(ValueError, match="shape of a"):
        latent.slerp(np.ones((1, 3)), np.ones((2, 3)), 0.5)


def bar(slant, half_width=1.0):
    """Draw an upright bar that leans by so many columns a row."""
    rows, columns = np.mgrid[:28, :28]
    middle = 13.5 + slant * (13.5 - rows)
    inside = (np.abs(columns - middle) <= half_width) & (abs(rows - 13.5) < 10)
    return np.where(inside, 1.0, -1.0).astype("float32")[None, ..., None]


@pytest.mark.parametrize("slant", [-0.5, 0, 0.5])
def test_the_slant_of_a_bar_is_columns_a_row(slant):
    found = latent.moments(bar(slant))[0]
    assert found[0] == pytest.approx(slant, abs=0.05)


def test_width_does_not_change_with_slant_and_ink_counts_pixels():
    widths = [latent.moments(bar(s, 3.0))[0, 1] for s in (0, 0.4)]
    assert widths[0] == pytest.approx(widths[1], rel=0.05)
    assert widths[0] > 1.5 * latent.moments(bar(0, 1.0))[0, 1]
    image = bar(0)
    assert latent.moments(image)[0, 2] == pytest.approx((image > 0).mean())


def test_a_black_picture_has_no_moments():
    black = np.full((1, 28, 28, 1), -1.0, "float32")
    assert np.allclose(latent.moments(black), 0)


def test_a_direction_points_where_the_value_grows():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20_000, 8))
    value = 3 * z[:, 2] - 4 * z[:, 5] + 5 * rng.normal(size=20_000)
    way = latent.common_direction(z, value)
    wanted = np.zeros(8)
    wanted[[2, 5]] = 3, -4
    assert np.allclose(way, wanted / np.sqrt(50), atol=0.03)
    assert latent.explained(z, value, 10_000) == pytest.approx(0.5, abs=0.03)


@pytest.fixture(scope="module")
def gan():
    return stylegan.build_gan(stylegan.Recipe(0, latent_dim=8, width=8))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (16, 28, 28, 1)).astype("float32")


def test_z_by_way_of_w_draws_the_same(gan):
    z = training.sample_z(5, 8, 0, 0)
    w = stylegan.to_w(gan.average, z)
    there = stylegan.from_w(gan.average, w)
    assert there.shape == (5, 28, 28, 1)
    assert np.allclose(training.generate(gan.average, z), there, atol=1e-5)


def test_the_length_of_z_says_nothing(gan):
    z = training.sample_z(5, 8, 0, 0)
    w, far = (stylegan.to_w(gan.average, x) for x in (z, 3 * z))
    assert np.allclose(w, far, atol=1e-4)


def test_each_size_has_a_style_of_its_own(gan):
    w = np.random.default_rng(0).normal(size=(1, 8))
    same = stylegan.from_w(gan.average, w)
    for size in range(stylegan.N_SIZES):
        codes = np.repeat(w[:, None], 3, axis=1)
        codes[:, size] += 1
        assert not np.allclose(stylegan.from_w(gan.average, codes), same)


def test_a_style_scales_the_maps():
    x, w = ops.ones((1, 4, 4, 3)), ops.ones((1, 2))
    noise = ops.zeros((1, 8, 8, 1))
    drawn = stylegan.styled(x, w, noise, 5)
    assert drawn.shape == (1, 8, 8, 5)
    assert stylegan.styled(x, w, noise[:, :4, :4], 5, up=False).shape[1] == 4


def test_noise_counts_for_nothing_before_training(gan):
    w = np.random.default_rng(0).normal(size=(2, 8))
    noise = np.random.default_rng(1).normal(size=(2, 28, 28, 1))
    still = stylegan.build_gan(stylegan.Recipe(1, latent_dim=8, width=8))
    without = stylegan.from_w(still.average, w)
    assert np.allclose(stylegan.from_w(still.average, w, noise), without)
    synthesis = still.average.get_layer("synthesis")
    for variable in synthesis.trainable_variables:
        if variable.shape[:3] == (1, 1, 1):
            variable.assign(variable + 1.0)
    assert not np.allclose(stylegan.from_w(still.average, w, noise), without)


def test_a_step_moves_both_networks_and_repeats(images):
    recipe = stylegan.Recipe(0, latent_dim=8, width=8, mixing=0.5)
    runs = [stylegan.build_gan(recipe) for _ in range(2)]
    old = runs[0].generator.get_weights(), runs[0].discriminator.get_weights()
    for run in runs:
        assert training.fit(run, images, 2)
    new = runs[0].generator.get_weights(), runs[0].discriminator.get_weights()
    for before, after in zip(old, new, strict=True):
        assert any(
            not np.array_equal(a, b)
            for a, b in zip(before, after, strict=True)
        )
    for a, b in zip(
        runs[0].generator.get_weights(),
        runs[1].generator.get_weights(),
        strict=True,
    ):
        assert np.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("mixing", [0.0, 0.5, 1.0])
def test_a_share_of_the_pictures_changes_over(mixing):
    recipe = stylegan.Recipe(0, latent_dim=8, width=8, mixing=mixing)
    run = stylegan.build_gan(recipe)
    x = np.zeros((600, 28, 28, 1), "float32")
    codes = ops.convert_to_numpy(stylegan.draw_codes(run, x))
    assert codes.shape == (600, 3, 8)
    w = stylegan.to_w(run.generator, dcgan.draw_z(run, x))
    assert np.allclose(codes[:, 0], w, atol=1e-5), "the first is never other"
    other = [~np.isclose(codes[:, k], w).all(axis=1) for k in (1, 2)]
    assert (other[1] >= other[0]).all(), "once changed, it stays"
    assert other[1].mean() == pytest.approx(mixing, abs=0.07)
    assert other[0].mean() == pytest.approx(mixing / 2, abs=0.07)


def test_a_row_of_slanted_digits_has_a_line_each(images):
    fig = latent_figures.slanted(images[:4], np.zeros(4))
    assert all(len(ax.lines) == 1 for ax in fig.axes)


def test_a_grid_is_drawn_twice_with_its_corner():
    side = np.linspace(-1, 1, 41)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    left, right = latent_figures.bent("t", grid, grid / 2).axes
    assert len(left.lines) == len(right.lines) == 13
    assert np.allclose(left.lines[0].get_xdata(), -1), "upright lines first"
    corners = [ax.lines[-1].get_xydata() for ax in (left, right)]
    assert np.allclose(corners, [[[-1, 1]], [[-0.5, 0.5]]])


def test_the_bars_of_mixtures_fill_a_hundred():
    shares = {"digit": 0.25, "slant": 0.9, "width": 0.5, "ink": 0.1}
    whose = {"7": shares | {"third digit": 0.2}}
    left, right = latent_figures.follows("t", whose).axes
    widths = [bar.get_width() for bar in left.patches]
    assert widths == pytest.approx([60, 20, 20])
    marks = [line.get_xdata()[0] for line in right.lines]
    assert marks == pytest.approx([0.9, 0.5, 0.1])


def test_each_design_of_the_study_has_a_row_in_the_order_of_the_lesson():
    table = latent.runs()
    assert set(table["way"]) == set(latent.DESIGNS)
    panels = {k: k for k in ("fcd", "precision", "recall")}
    axes = conditional.dots("t", table, panels, latent.DESIGNS).axes
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names == list(latent.DESIGNS)
    for ax, column in zip(axes, panels, strict=True):
        shown = np.concatenate([x.get_xdata() for x in ax.lines[::2]])
        assert sorted(shown) == sorted(table[column])
        low, high = ax.get_xlim()
        assert low < shown.min() and shown.max() < high


def test_the_diagram_opens_a_layer():
    ax = latent_figures.diagram().axes[0]
    words = [text.get_text() for text in ax.texts]
    assert {"x * scale", "convolution", "mapping"} <= set(words)


def test_digits_that_stay_fewer_the_further_one_steers():
    kept = latent.steered()
    assert list(kept.index) == list(dict.fromkeys(latent.codes()["code"]))
    assert ((kept > 0) & (kept < 1)).all(axis=None)
    assert (kept["1 SD"] > kept["2 SD"]).all()
