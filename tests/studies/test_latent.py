"""The study of lesson 08: what it runs, and that calling it again goes on."""

import json

import numpy as np
import pytest

from helpers.lessons import latent as lesson
from helpers.lessons import stylegan
from studies import latent


@pytest.fixture
def tiny(few_digits, monkeypatch):
    """Few digits, few codes; the path of the record."""
    monkeypatch.setattr(lesson, "RECORD", few_digits)
    monkeypatch.setattr(latent, "N_CODES", 300)
    monkeypatch.setattr(latent, "N_FIT", 150)
    monkeypatch.setattr(latent, "N_SETS", 3)
    return few_digits


def rows(path):
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


def test_the_penalty_is_chosen_on_a_seed_that_is_not_reported(
    tiny, monkeypatch
):
    def measure(run):
        design, gamma, seed, marks = run
        assert marks["long"] == round(2_000 / (1 + (design != latent.PLAIN)))
        row = {"kind": "design", "design": design, "gamma": gamma}
        reading = {"steps": 1, "fcd": abs(gamma - 10)}
        return row | {"seed": seed, "marks": {"long": reading}}

    def cost():
        for design in latent.DESIGNS:
            row = {"kind": "cost", "design": design, "gamma": 10.0}
            yield row | {"seed": 0, "ratio": 1 + (design != latent.PLAIN)}

    monkeypatch.setattr(latent, "measure", measure)
    monkeypatch.setattr(latent, "cost", cost)
    monkeypatch.setattr(latent.checkpoints, "available", list)
    latent.main()
    found = [row for row in rows(tiny) if row["kind"] == "design"]
    tuned = [row for row in found if row["seed"] == latent.TUNING]
    assert len(tuned) == len(latent.TUNED) * len(latent.GAMMAS)
    kept = [row for row in found if row["seed"] != latent.TUNING]
    assert {row["gamma"] for row in kept} == {10.0}
    assert len(kept) == len(latent.DESIGNS) * len(latent.REPORTED)
    before = tiny.read_text(encoding="utf-8")
    latent.main()
    assert tiny.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("design", latent.DESIGNS)
def test_each_design_trains_and_is_judged(tiny, design, monkeypatch):
    monkeypatch.setattr(latent, "read", lambda gan: {})
    row = latent.measure((design, 3.0, 0, {"short": 1, "long": 2}))
    assert row["marks"]["long"]["steps"] == 2
    assert row["marks"]["long"]["fcd"] > 0


def test_swaps_are_counted_where_the_digits_differ(monkeypatch):
    model = stylegan.build_generator(8, 8)
    w = np.random.default_rng(0).normal(size=(200, 8))
    digits = iter([0, 1, *[0] * len(latent.SWAPS)])  # as the receiver's

    def named(images):
        return np.full(len(images), next(digits))

    monkeypatch.setattr(latent.conditional, "named", named)
    found = {tuple(row["sizes"]): row for row in latent.swaps(model, w)}
    assert set(found) == set(latent.SWAPS)
    for row in found.values():
        assert (row["receiver"], row["donor"]) == (1.0, 0.0)
    all_but_one = found[0, 1]["ink"], found[2,]["ink"]
    assert np.isfinite(all_but_one).all()


def test_a_move_that_is_none_changes_nothing():
    def draw(codes):
        return np.tanh(codes.reshape(-1, 28, 28, 1)).astype("float32")

    codes = np.random.default_rng(0).normal(size=(20, 784))
    row = latent.moves(draw, codes, np.zeros(784), 1.0)
    assert row["kept"] == [1.0] * len(latent.FAR)
    assert row["shift"] == [0.0] * len(latent.FAR)


# --------------------------------------------------- what lesson 08 says of it


def reported():
    return lesson.runs(mixed=True)


def test_the_record_is_whole():
    found = reported()
    assert set(found["way"]) == set(latent.DESIGNS)
    counts = found.groupby("way")["seed"].nunique()
    assert (counts == len(latent.REPORTED)).all()
