"""Figures of lesson 01."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import data, training
from helpers.backend import keras, layers
from helpers.lessons import diagrams, theory


def test_points_of_other_shapes_are_refused():
    x, points = np.arange(3.0), np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"step 0: expected shape \(n,\)"):
        theory.densities("t", x, x, {"step 0": points}, (0, 1))
    with pytest.raises(ValueError, match=r"p: expected shape \(3,\)"):
        theory.densities("t", x, x[:2], {"step 0": x, "step 1": x}, (0, 1))
    with pytest.raises(ValueError, match=r"a, D: expected shape \(3,\)"):
        theory.duel("t", x, {"a": {"real": x, "D": x[:2]}}, (0, 1))
    with pytest.raises(ValueError, match=r"plan: expected shape \(3, 2\)"):
        theory.plans("t", x, x[:2], {"plan": np.zeros((2, 3))})
    parts = [points, points, points, points]
    for k, name in enumerate(["real", "generated", "places", "arrows"]):
        wrong = [*parts[:k], points[:, :1], *parts[k + 1 :]]
        with pytest.raises(ValueError, match=f"one, {name}.*shape .n, 2."):
            theory.clouds("t", {"one": wrong}, 1.0)
    plt.close("all")


def test_densities_lie_over_what_they_seek():
    x = np.linspace(-5, 5, 201)
    p = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    samples = np.random.default_rng(0).normal(2, 0.5, 4_000)
    frames = {"step 0": samples / 9, "step 5": samples, "step 9": -samples}
    fig = theory.densities("t", x, p, frames, (-4, 4))
    peaks = [x[ax.lines[0].get_ydata().argmax()] for ax in fig.axes]
    assert np.allclose(peaks, [2 / 9, 2, -2], atol=0.3)
    assert [ax.get_title(loc="left") for ax in fig.axes] == list(frames)
    tops = [ax.get_ylim()[1] for ax in fig.axes]
    assert tops[0] > 5 * tops[1] == 5 * tops[2]
    for ax, top in zip(fig.axes, tops, strict=True):
        line = ax.lines[0].get_ydata()
        assert abs(np.trapezoid(line, x) - 1) < 0.03 and line.max() < top
        assert ax.get_xlim() == (-4, 4)
    plt.close(fig)


def test_clouds_show_points_and_arrows():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, 2)) for n in (30, 20, 7, 7)]
    fig = theory.clouds("t", {"step 1": parts, "step 2": parts}, 4.0)
    for ax in fig.axes:
        real, fake = ax.lines
        assert (np.transpose(real.get_data()) == parts[0]).all()
        assert (np.transpose(fake.get_data()) == parts[1]).all()
        [arrows] = [c for c in ax.collections if hasattr(c, "U")]
        assert np.allclose(np.transpose([arrows.U, arrows.V]), parts[3])
        assert ax.get_xlim() == (-4, 4)
    plt.close(fig)


def test_a_film_may_have_one_frame():
    x = np.linspace(-3, 3, 61)
    fig = theory.densities("t", x, np.ones(61), {"one": x}, (-3, 3))
    assert len(fig.axes) == 1
    plt.close(fig)


def test_a_duel_shows_densities_and_answers():
    x = np.linspace(-3, 3, 61)
    lines = {"real": x**2 / 9, "generated": 0.2 + 0 * x, "D, trained": x / 3}
    panels = {"before": lines, "after": lines | {"best": -x / 3}}
    fig = theory.duel("t", x, panels, (-2, 2))
    for ax, shown in zip(fig.axes, panels.values(), strict=True):
        assert len(ax.collections) == 2, "only the densities are filled"
        found = {line.get_label(): line.get_ydata() for line in ax.lines}
        assert found.keys() == shown.keys()
        assert all((found[label] == shown[label]).all() for label in shown)
        assert ax.get_xlim() == (-2, 2)
    [legend] = fig.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == list(panels["after"]), "each label once, of any panel"
    plt.close(fig)


def test_an_arrow_begins_at_the_peak_and_shows_where_g_goes():
    x = np.linspace(-3, 3, 61)
    bump = np.exp(-((x - 1) ** 2) / 2)
    panels = {name: {"generated": bump} for name in ("right", "left", "rest")}
    moves = {"right": 0.5, "left": -0.7, "rest": 0.01}
    fig = theory.duel("t", x, panels, (-3, 3), moves)
    arrows = [[t for t in ax.texts if t.arrow_patch] for ax in fig.axes]
    assert [len(found) for found in arrows] == [1, 1, 0]
    for [arrow], move in zip(arrows[:2], moves.values(), strict=False):
        assert np.allclose([arrow.xy[0], arrow.xyann[0]], [1 + move, 1])
    plt.close(fig)


def test_losses_and_pulls_stand_side_by_side():
    logits, shifts = np.linspace(-6, 6, 7), np.linspace(1, 8, 8)
    losses = logits, -logits, 2 * logits
    pulls = np.stack([shifts, 2 * shifts], 1)
    fig = theory.losses_and_pulls("t", losses, shifts, pulls)
    left, right = fig.axes
    assert [(line.get_ydata()[0]) for line in left.lines] == [6, -12]
    found = [line.get_ydata() for line in right.lines]
    assert (np.stack(found, 1) == pulls).all()
    assert right.get_yscale() == "log"
    with pytest.raises(ValueError, match="pulls: expected shape"):
        theory.losses_and_pulls("t", losses, shifts[1:], pulls)
    plt.close("all")


def test_d_alone_leaves_g_where_it_starts():
    path = theory.game(0, 0.2, 30, (0.1, 0.0, 3.0), hold_g=True)
    assert (path[:, 2] == 3).all() and abs(path[-1, 0]) < 0.05
    moved = theory.game(0, 0.2, 30, (0.1, 0.0, 3.0))
    assert not (moved[1:, 2] == 3).any()


def test_worst_mistakes_are_the_extremes_of_both_kinds():
    pixels = layers.Input((28, 28, 1))
    ink = layers.Flatten()(pixels)
    mean = layers.Dense(1, kernel_initializer="ones", use_bias=False)(ink)
    z = layers.Input((784,))
    draw = layers.Reshape((28, 28, 1))(layers.Activation("tanh")(z))
    judge, painter = keras.Model(pixels, mean), keras.Model(z, draw)
    rows, wrong = theory.worst_mistakes(painter, judge, 50)
    images, _ = data.load("holdout", 50)
    darkest = np.sort(images.sum(axis=(1, 2, 3)))[:10]
    assert np.allclose(rows["A"].sum(axis=(1, 2, 3)), darkest, atol=1e-2)
    painted = training.sample_z(50, 784, 1, 0)
    brightest = np.sort(np.tanh(painted).sum(axis=1))[-10:]
    assert np.allclose(rows["B"].sum(axis=(1, 2, 3)), brightest, atol=1e-2)
    assert wrong == (darkest < 0).sum() + (brightest > 0).sum()


def test_a_plan_shows_where_each_heap_goes():
    shares = np.array([[0.2, 0.0, 0.3], [0.0, 0.5, 0.0]])
    some = {"one": shares, "other": shares[::-1]}
    fig = theory.plans("t", np.arange(2.0), np.arange(3.0), some)
    for ax, wanted in zip(fig.axes, some.values(), strict=True):
        assert (ax.images[0].get_array() == wanted).all()
        told = {t.get_position(): t.get_text() for t in ax.texts}
        assert told[(1, int(wanted[1, 1] > 0))] == "0.50"
        assert [*told.values()].count("") == 3
    plt.close(fig)


def test_a_diagram_has_every_box_and_arrow():
    fig = diagrams.gan()
    [ax] = fig.axes
    texts = [text.get_text().strip() for text in ax.texts]
    boxes = "vector z", "generator G", "real images x", "discriminator D"
    assert [texts.count(name) for name in boxes] == [1, 1, 1, 1]
    arrows = [text for text in ax.texts if hasattr(text, "arrow_patch")]
    dashed = [a for a in arrows if a.arrow_patch.get_linestyle() == "--"]
    assert (len(arrows), len(dashed)) == (6, 2)
    plt.close(fig)


def test_the_gradient_that_teaches_g_passes_through_d():
    fig = diagrams.gan()
    [ax] = fig.axes
    fig.canvas.draw()
    [d] = [t for t in ax.texts if t.get_text().strip() == "discriminator D"]
    arrows = [a for a in ax.texts if getattr(a, "arrow_patch", None)]
    [way] = [a for a in arrows if a.arrow_patch.get_edgecolor()[2] > 0.6]
    box = d.get_bbox_patch().get_window_extent()
    way = way.arrow_patch.get_window_extent()
    assert way.x0 < box.x0 < box.x1 < way.x1
    assert box.y0 < (way.y0 + way.y1) / 2 < box.y1
    plt.close(fig)
