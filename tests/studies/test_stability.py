"""The study of lesson 05: it chooses rates on other seeds, and goes on."""

import json

import numpy as np
import pytest

from helpers import data, metrics
from studies import stability
from studies.games import Way


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Two ways, two rates, and hardly a step; the path of the record."""
    both = {"plain": Way(), "twice": Way("Wasserstein", d_steps=2)}
    monkeypatch.setattr(stability, "RECORD", tmp_path / "r.json")
    monkeypatch.setattr(stability, "ways", lambda task: both)
    monkeypatch.setattr(stability, "BETAS", (0.0,))
    monkeypatch.setattr(stability, "N_STEPS", 2)
    monkeypatch.setattr(stability, "EVERY", 1)
    monkeypatch.setitem(stability.RATES, "ring", (1e-3, 1e-2))
    monkeypatch.setitem(stability.RATES, "digits", (1e-3, 1e-2))
    monkeypatch.setattr(stability, "REPORTED", (0, 1))
    return tmp_path / "r.json"


def rows(path):
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


def test_points_have_a_row_a_seed_and_go_on(tiny):
    stability.main(["ring"])
    found = rows(tiny)
    # For each way two rates on two seeds, then the better one on two others.
    assert len(found) == 2 * (2 * 2 + 2)
    for row in found:
        assert [len(row[k]) for k in ("modes", "share", "near")] == [2, 2, 2]
    before = tiny.read_text(encoding="utf-8")
    stability.main(["ring"])
    assert tiny.read_text(encoding="utf-8") == before
    cut = json.loads(before)
    cut["runs"] = cut["runs"][:3]
    tiny.write_text(json.dumps(cut), encoding="utf-8")
    stability.main(["ring"])
    keys = {(r["way"], r["rate"], r["seed"]) for r in rows(tiny)}
    assert keys == {(r["way"], r["rate"], r["seed"]) for r in found}


def test_the_rate_is_chosen_on_the_tuning_seeds_alone(tiny, monkeypatch):
    def fake(task, way, beta_1, rate, seeds):
        better = rate == 1e-2 if seeds == (100, 101) else rate == 1e-3
        row = {"task": task, "way": way, "beta_1": beta_1, "rate": rate}
        counts = {"modes": [8 * better], "share": [0.5], "near": [8]}
        return [row | {"seed": seed} | counts for seed in seeds]

    monkeypatch.setattr(stability, "points", fake)
    stability.main(["ring"])
    reported = {row["rate"] for row in rows(tiny) if row["seed"] < 100}
    assert reported == {1e-2}


def test_digits_are_judged_at_their_marks(tiny, monkeypatch, uncompiled):
    x = data.load("holdout", 64)[0]
    monkeypatch.setattr(data, "load", lambda split: (x, None))
    monkeypatch.setattr(data, "need_full", lambda work: None)
    monkeypatch.setattr(metrics, "judge", lambda x: None)
    monkeypatch.setattr(stability, "judged", lambda gan, real: {"fcd": 1.0})
    monkeypatch.setattr(stability, "TUNED_AT", [("steps", 1)])
    monkeypatch.setattr(stability, "MARKS", [("steps", 1), ("steps", 2)])
    monkeypatch.setattr(stability, "REPORTED", (0,))
    stability.main(["digits"])
    found = rows(tiny)
    assert len(found) == 2 * (2 + 1)
    for row in found:
        marks = ["1 steps"] if row["seed"] == 100 else ["1 steps", "2 steps"]
        assert list(row["marks"]) == marks


def test_a_way_that_breaks_has_no_score():
    row = {"task": "digits", "marks": {}, "broke": 3}
    assert stability.score(row) == np.inf
