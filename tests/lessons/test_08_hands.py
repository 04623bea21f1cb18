"""The hands of lesson 08: the file, four measures, what the record says."""

import numpy as np
import pytest

from helpers import data
from helpers.lessons import hands


def bar(lean, thick, side=28):
    """Draw a stroke through the middle: float32 (28, 28, 1) in [-1, 1]."""
    r, c = np.mgrid[:side, :side]
    middle = 13.5 + lean * (13.5 - r)
    inside = (abs(c - middle) <= thick / 2) & (abs(r - 13.5) < 9)
    return (2 * inside - 1).astype(np.float32)[..., None]


def test_measures_of_bars():
    x = np.stack([bar(0, 2), bar(0.3, 2), bar(-0.3, 2), bar(0, 4)])
    slant, ink, width, stroke = hands.measures(x).T
    assert slant == pytest.approx([0, 0.3, -0.3, 0], abs=0.03)
    assert ink[3] == pytest.approx(2 * ink[0])
    assert width[1] > width[0] and width[3] > width[0]
    # The ends of a bar are edges, too.
    assert stroke[[0, 3]] == pytest.approx([2, 4], rel=0.25)


def test_measures_want_images_in_range():
    with pytest.raises(ValueError, match="x: expected"):
        hands.measures(np.full((1, 28, 28, 1), 255.0))


def test_the_file_is_what_the_page_says():
    found = hands.load()
    assert found.x.shape == (43, 40, 28, 28, 1) and found.y.shape == (43, 40)
    for start, y in zip(found.start, found.y, strict=True):
        assert np.array_equal(found.labels[start : start + 40], y)
        assert y[0] == 0
    assert min(np.diff(found.start)) >= 60
    again = hands.measures(found.x[:, 0])[:, 0]
    assert again == pytest.approx(found.slant[found.start], abs=2e-3)


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    bad = tmp_path / hands.FILE.name
    bad.write_bytes(hands.FILE.read_bytes()[:1_000])
    monkeypatch.setattr(hands, "FILE", bad)
    with pytest.raises(data.DataError, match="whole npz"):
        hands.load()


def test_the_record_has_all_ways():
    for way in hands.WAYS:
        for probe in hands.LOOKS:
            scores = hands.by_hand(way, probe)
            assert scores.shape == (43,) and (scores >= 0).all()
            low, high = hands.interval(scores)
            assert low < scores.mean() < high
    assert abs(hands.lead("fit", "fit")).max() == 0


def test_figures():
    x = np.zeros((2, 5, 28, 28, 1), np.float32)
    fig = hands.blocks("t", {"a": (range(5), x), "b": ("01234", x)}, [3, "c"])
    labels = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert labels == ["hand 3", "c"]
    fig = hands.dots("t")
    assert len(fig.axes[0].get_yticklabels()) == len(hands.WAYS)
