"""Figures of lesson 01."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

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
    texts = [text.get_text() for text in ax.texts]
    for name in ("noise z", "generator G", "real x", "discriminator D"):
        assert texts.count(name) == 1
    arrows = [text for text in ax.texts if hasattr(text, "arrow_patch")]
    dashed = [a for a in arrows if a.arrow_patch.get_linestyle() == "--"]
    assert (len(arrows), len(dashed)) == (6, 2)
    plt.close(fig)
