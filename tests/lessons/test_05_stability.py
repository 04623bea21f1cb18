"""The points of lesson 05, and how their modes are counted."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from helpers.lessons import stability


@pytest.mark.parametrize(
    ("modes", "k"), [(stability.ring(), 8), (stability.grid(), 25)]
)
def test_a_perfect_copy_has_all_modes(modes, k):
    points = np.repeat(modes.centres, 40, axis=0)
    assert stability.count(points, modes) == {
        "modes": k,
        "share": 1,
        "near": k,
    }


def test_a_single_point_has_one_mode_and_a_blur_has_none():
    modes = stability.ring()
    one = np.repeat(modes.centres[:1], 100, axis=0)
    assert stability.count(one, modes) == {"modes": 1, "share": 1, "near": 1}
    wide = np.repeat(1.5 * modes.centres, 40, axis=0)
    found = stability.count(wide, modes)
    assert found == {"modes": 0, "share": 0, "near": 8}


def test_a_quarter_of_the_fair_share_counts():
    modes = stability.ring()
    for n, found in ((25, 8), (24, 7)):
        sizes = [n] + [(800 - n) // 7] * 6
        sizes.append(800 - sum(sizes))
        points = np.repeat(modes.centres, sizes, axis=0)
        assert stability.count(points, modes)["modes"] == found


def test_three_deviations_are_near():
    modes = stability.ring(sd=0.02)
    out = np.array([1.0, 0.0]) * (1 + 0.0599), np.array([1.0, 0.0]) * 1.0601
    shares = [stability.count(p[None], modes)["share"] for p in out]
    assert shares == [1, 0]


def test_orbits_show_each_path_whole():
    circle = np.stack([np.cos(np.arange(9)), np.sin(np.arange(9))], axis=1)
    fig = stability.orbits("t", {"a": circle, "b": 3 * circle})
    for ax, path in zip(fig.axes, (circle, 3 * circle), strict=True):
        drawn = [line.get_xydata() for line in ax.lines]
        assert any(np.array_equal(line, path) for line in drawn)
        assert ax.get_xlim()[1] > 3 > -3 > ax.get_ylim()[0]
    plt.close(fig)
    with pytest.raises(ValueError, match="a: expected"):
        stability.orbits("t", {"a": circle[:, :1]})
    plt.close("all")


@pytest.mark.parametrize("task", ["ring", "grid", "digits"])
def test_the_record_holds_five_runs_a_cell_that_chose_nothing(task):
    table = stability.runs(task)
    sizes = table.groupby(["way", "beta_1"]).size()
    assert set(sizes) == {5} and len(sizes) == 3 * table["way"].nunique()
    assert table["way"].nunique() == (9 if task == "digits" else 13)
    assert set(table["seed"]) == set(range(5))
    assert table.groupby(["way", "beta_1"])["rate"].nunique().max() == 1
    assert table.notna().all(axis=None)


def test_the_plain_way_costs_what_it_costs():
    for task in ("ring", "grid", "digits"):
        assert stability.equal_steps(task, "non-saturating", 800) == 800
        dear = stability.equal_steps(task, "WGAN-GP, D five times", 800)
        assert 120 < dear < 400
    plain = stability.runs("ring").query("way == 'non-saturating'")
    assert (plain["equal"] == plain["modes"]).all()


def test_strips_have_a_row_a_way_and_a_look_a_beta():
    table = stability.runs("ring")
    fig = stability.strips("t", table, "modes", "found")
    [ax] = fig.axes
    names = [text.get_text() for text in ax.get_yticklabels()]
    medians = table.groupby("way")["modes"].median()
    assert [*medians[names]] == sorted(medians)
    for line, beta_1 in zip(ax.lines, stability.LOOKS, strict=True):
        some = table[table["beta_1"] == beta_1]
        assert np.array_equal(line.get_xdata(), some["modes"])
        rows = np.round(line.get_ydata()).astype(int)
        assert [names[row] for row in rows] == [*some["way"]]
    plt.close(fig)


def test_clouds_lie_over_the_bumps():
    points = np.random.default_rng(0).normal(size=(9, 2))
    fig = stability.clouds("t", {"a": points}, stability.ring())
    [cloud], circles = fig.axes[0].lines, fig.axes[0].patches
    assert np.allclose([c.center for c in circles], stability.ring().centres)
    assert {round(c.radius, 9) for c in circles} == {0.06}
    assert np.array_equal(cloud.get_xydata(), points)
    with pytest.raises(ValueError, match="a: expected"):
        stability.clouds("t", {"a": points[:, :1]}, stability.ring())
    plt.close("all")


def test_counts_stand_only_where_there_are_runs():
    table = stability.runs("ring")
    bare = table["way"].eq("R1") & (table["beta_1"] < 0.9)
    fig = stability.strips(
        "t", table[~bare], "modes", "found", enough=7, least_first=False
    )
    counts = [t.get_text() for t in fig.axes[0].texts[:-1]]
    assert len(counts) == 3 * 13 and counts.count("") == 2
    assert sum(map(int, filter(None, counts))) == sum(
        table[~bare]["modes"] >= 7
    )
    plt.close(fig)
