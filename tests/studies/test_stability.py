"""The study of lesson 05: it chooses rates on other seeds, and goes on."""

import json

import numpy as np
import pytest

from helpers import data, metrics
from helpers.lessons import stability as lesson
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
    equal = {"plain": 2, "twice": 3}
    monkeypatch.setattr(
        lesson, "equal_steps", lambda task, way, n_steps: equal[way]
    )
    stability.main(["digits"])
    found = rows(tiny)
    assert len(found) == 2 * (2 + 1)
    for row in found:
        wanted = {1} if row["seed"] == 100 else {1, 2, equal[row["way"]]}
        assert list(row["marks"]) == [f"{k} steps" for k in sorted(wanted)]


def test_costs_are_over_the_plain_way_and_measured_once(tiny, monkeypatch):
    x = data.load("holdout", 64)[0]
    monkeypatch.setattr(data, "need_full", lambda work: None)
    monkeypatch.setattr(stability, "images", lambda: (x, None))
    own = stability.cost
    monkeypatch.setattr(stability, "cost", lambda task: own(task, 1))
    monkeypatch.setattr(lesson, "RECORD", tiny)
    stability.main(["cost"])
    found = rows(tiny)
    assert [row["task"] for row in found] == ["ring, cost"] * 2 + [
        "digits, cost"
    ] * 2
    for row in found:
        assert row["ms"] > 0 and (row["way"] != "plain" or row["ratio"] == 1)
    ratios = {(r["task"], r["way"]): r["ratio"] for r in found}
    wanted = round(800 / ratios["digits, cost", "twice"])
    assert lesson.equal_steps("digits", "twice", 800) == wanted
    monkeypatch.setattr(stability, "cost", None)
    stability.main(["cost"])
    assert rows(tiny) == found
    stability.main(["ring"])  # its rows have nothing that a score reads


def test_other_rates_have_rows_of_their_own(tiny, monkeypatch):
    def fake(run):
        task, way, beta_1, rate, seeds = run
        assert beta_1 == 0.9 and rate not in stability.RATES[task]
        row = {"task": task, "way": way, "beta_1": beta_1, "rate": rate}
        return [row | {"seed": seed} for seed in seeds]

    monkeypatch.setattr(data, "need_full", lambda work: None)
    monkeypatch.setattr(stability, "measure", fake)
    stability.main(["beyond"])
    found = rows(tiny)
    tasks = [row["task"] for row in found]
    assert tasks.count("ring, other rates") == 2 * 2 * 2
    assert tasks.count("digits, other rates") == 2 * 2 * 2
    monkeypatch.setattr(stability, "measure", None)
    stability.main(["beyond"])
    assert rows(tiny) == found


def test_a_way_that_breaks_has_no_score():
    row = {"task": "digits", "marks": {}, "broke": 3}
    assert stability.score(row) == np.inf
