"""The study of lesson 06: weights chosen on other seeds, equal time."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import data, metrics
from helpers.backend import ops
from helpers.lessons import conditional as lesson
from studies import conditional


@pytest.fixture
def tiny(few_digits, monkeypatch):
    """Two ways, two weights, a step or two; the path of the record."""
    some = {way: conditional.WAYS[way] for way in ("no label", "projection")}
    monkeypatch.setattr(lesson, "RECORD", few_digits)
    monkeypatch.setattr(conditional, "WAYS", some)
    monkeypatch.setattr(conditional, "GAMMAS", (1.0, 2.0))
    monkeypatch.setattr(conditional, "REPORTED", (0, 1))
    monkeypatch.setattr(conditional, "MARKS", (2, 4))
    ratios = {"no label": 1.0, "projection": 2.0}
    cost = [
        {"way": f"{w}, cost", "gamma": 1.0, "seed": 0, "ms": 1.0, "ratio": r}
        for w, r in ratios.items()
    ]
    monkeypatch.setattr(conditional, "cost", lambda: cost)
    monkeypatch.setattr(conditional, "real_row", lambda: REAL)
    return few_digits


REAL = {"way": "real digits", "gamma": 0.0, "seed": 0, "marks": {"0": {}}}


def rows(path):
    found = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return [
        r for r in found if "ratio" not in r and r["way"] in conditional.WAYS
    ]


def test_equal_time_and_a_weight_chosen_on_other_seeds(tiny, monkeypatch):
    def judged(gan, way, split):
        better = 2.0 if split == "validation" else 1.0
        return {"fcd": abs(gan.recipe.r1_gamma - better), "split": split}

    monkeypatch.setattr(conditional, "judged", judged)
    conditional.main()
    found = rows(tiny)
    assert len(found) == 2 * (2 * 2 + 2)
    for row in found:
        tuning = row["seed"] >= 100
        steps = [m["steps"] for m in row["marks"].values()]
        full = [2, 4] if row["way"] == "no label" else [1, 2]
        assert steps == (full[1:] if tuning else full)
        splits = {m["split"] for m in row["marks"].values()}
        assert splits == {"validation" if tuning else "holdout"}
        assert tuning or row["gamma"] == 2.0
    before = tiny.read_text(encoding="utf-8")
    conditional.main()
    assert tiny.read_text(encoding="utf-8") == before


def test_a_way_is_judged_on_what_was_asked_for(tiny):
    gan = conditional.build("projection", 1.0, 0)
    gan.history.append((1, 0.0, 1.25, 0.0, 0.5, 0.5))
    monkey = SimpleNamespace(seen=None)

    def draw(z, y):
        monkey.seen = y
        return data.load("holdout")[0]

    gan.draw = draw
    conditional.judged_split.cache_clear()
    with pytest.warns(UserWarning):
        row = conditional.judged(gan, "projection", "holdout")
    conditional.judged_split.cache_clear()
    assert np.array_equal(monkey.seen, data.load("holdout")[1])
    # Real digits with their own labels: nothing to find.
    assert row["fcd"] < 1e-3 and max(row["class_fcd"]) < 1e-3
    assert np.mean(row["agreement"]) > 0.95 and row["d_loss"] == 1.25
    assert np.allclose(row["diversity"], 1, atol=0.1)


def test_the_scrambled_planes_are_bands_of_rows_alike_in_all_planes():
    found = ops.convert_to_numpy(conditional.scrambled(np.array([3, 0])))
    assert found.shape == (2, 28, 28, 10)
    assert (found == found[..., :1]).mean() > 0.9
    lit = found[0].any(axis=(1, 2))
    assert list(np.flatnonzero(lit)) == [8, 9, 10, 11]
    assert found.sum() == 2 * 784


def test_samples_are_balanced_by_the_judge(monkeypatch):
    wanted = np.repeat(np.arange(10), 4)
    real = SimpleNamespace(
        features=np.random.default_rng(0).normal(size=(40, 3))
    )

    def judgement(named):
        features = np.random.default_rng(1).normal(size=(40, 3))
        features[:, 0] = named
        return metrics.Judgement(features, np.eye(10)[named])

    seen = []
    monkeypatch.setattr(
        metrics,
        "frechet_distance",
        lambda a, b: seen.append(a[:, 0]) or 1.0,
    )
    draws = iter([np.zeros(40, int), np.arange(40) % 10])
    monkeypatch.setattr(metrics, "judge", lambda x: judgement(next(draws)))
    gan = conditional.build("no label", 1.0, 0)
    first = judgement(np.arange(40) % 9)  # no nine
    assert conditional.balanced_fcd(gan, first, real, wanted) == 1.0
    assert np.array_equal(np.sort(seen[0]), wanted)


def test_a_class_that_never_comes_ends_the_search(monkeypatch):
    named = np.arange(40) % 9
    fake = metrics.Judgement(np.zeros((40, 3)), np.eye(10)[named])
    monkeypatch.setattr(metrics, "judge", lambda x: fake)
    gan = conditional.build("no label", 1.0, 0)
    wanted = np.repeat(np.arange(10), 4)
    assert conditional.balanced_fcd(gan, fake, fake, wanted) is None


def test_costs_are_over_a_step_without_a_label(monkeypatch):
    found = conditional.cost(rounds=1)
    assert next(row["ratio"] for row in found) == 1
    assert [row["way"] for row in found] == [
        f"{way}, cost" for way in conditional.WAYS
    ]
    assert all(row["ms"] > 0 for row in found)
