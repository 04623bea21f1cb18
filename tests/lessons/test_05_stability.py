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
