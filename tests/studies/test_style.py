"""The study of lesson 09: what it runs, and that calling it again goes on."""

import json

import numpy as np
import pytest

from helpers.data import Images
from helpers.lessons import style as lesson
from helpers.lessons import style_figures
from studies import style


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Small pictures and few steps; the path of the record."""
    shipped = lesson.shipped
    small = Images(32, 1)
    monkeypatch.setattr(lesson, "RECORD", tmp_path / "r.json")
    monkeypatch.setattr(lesson, "shipped", lambda name: shipped(name, small))
    monkeypatch.setattr(style, "TRAINING_STEPS", 2)
    monkeypatch.setattr(style, "STEPS", 3)
    style.trained.cache_clear()
    yield tmp_path / "r.json"
    style.trained.cache_clear()


@pytest.mark.parametrize("way", style.WAYS)
def test_each_way_is_measured(tiny, way):
    row = style.measure((way, "brick", 0))
    assert row["before"] > 0 and row["after"] > 0
    ratio = row["before"] / row["after"]
    assert row["factor"] == pytest.approx(ratio, rel=1e-2)
    assert row["referee"] > 0 and -1 <= row["ssim"] <= 1


def test_the_referee_paints_nothing(tiny):
    assert style.REFEREE not in {seed for _, _, seed in style.planned()}


def test_loud_noise_is_louder():
    like = np.zeros((1, 32, 32, 1), "float32")
    faint, loud = (
        style.start_of(way, like, like, 0).std() for way in ("faint", "loud")
    )
    assert loud > 10 * faint
    assert style.start_of("trained", like, like, 0) is like


def test_a_second_call_measures_nothing_again(tiny, monkeypatch):
    def measure(run):
        way, name, seed = run
        return {"way": way, "style": name, "seed": seed}

    monkeypatch.setattr(style, "measure", measure)
    style.main()
    before = tiny.read_text(encoding="utf-8")
    rows = json.loads(before)["runs"]
    assert len(rows) == len(style.planned())
    monkeypatch.setattr(style, "measure", None)
    style.main()
    assert tiny.read_text(encoding="utf-8") == before


def test_the_record_says_what_the_lesson_says():
    table = style_figures.runs()
    assert len(table) == len(style.planned())
    by = table.groupby(["style", "way"])
    low, high = by.min(numeric_only=True), by.max(numeric_only=True)
    for name in style.STYLES:
        random, trained = (name, "random"), (name, "trained")
        assert low["factor"][random] > high["factor"][trained]
        assert low["referee"][random] > high["referee"][trained]
    # Seed by seed, means alone are worse by the referee.
    wide = table.pivot(index=["style", "seed"], columns="way")["referee"]
    assert (wide["means"] > wide["trained"]).all()
    bricks = table.query("style == 'brick'").set_index("way")
    cat = bricks["referee, the cat"].iloc[0]
    assert bricks["referee"]["digits"] > cat
    loud, faint = (bricks.loc[way] for way in ("loud", "faint"))
    assert round(loud["factor"].min()) == 275
    assert round(loud["factor"].max()) == 919
    assert loud["after"].min() > 0.35 and loud["after"].max() < 1
    assert round(faint["factor"].min()) == 648
    assert round(faint["factor"].max()) == 923
    assert faint["after"].max() < 0.002
