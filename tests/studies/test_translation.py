"""The study of lesson 07: what it runs, and that calling it again goes on."""

import json

import numpy as np
import pytest

from helpers import data, metrics
from helpers.lessons import repairs, scans
from helpers.lessons import translation as lesson
from studies import translation


@pytest.fixture
def tiny(few_digits, monkeypatch):
    """A step or two on few digits; the path of the record."""
    monkeypatch.setattr(repairs, "RECORD", few_digits)
    monkeypatch.setattr(translation, "N_STEPS", 2)
    monkeypatch.setattr(translation, "MARK_STEPS", 2)
    monkeypatch.setattr(translation, "GUESS_STEPS", 3)
    return few_digits


def rows(path):
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


def test_the_penalty_is_chosen_on_a_seed_that_is_not_reported(
    tiny, monkeypatch
):
    def measure(run):
        kind, setting, weight, gamma, seed = run
        row = {"kind": kind, "setting": setting, "weight": weight}
        return row | {"gamma": gamma, "seed": seed, "fcd": abs(gamma - 3)}

    cost = {"kind": "cost", "setting": "D", "weight": 0.0, "gamma": 0.0}
    monkeypatch.setattr(translation, "measure", measure)
    monkeypatch.setattr(translation, "cost", lambda: [cost | {"seed": 0}])
    translation.main()
    found = rows(tiny)
    tuned = [row for row in found if row["seed"] == repairs.TUNING]
    assert [row["gamma"] for row in tuned] == list(translation.GAMMAS)
    chosen = {
        row["gamma"]
        for row in found
        if row["kind"] == "repair" and row["seed"] != repairs.TUNING
    }
    assert chosen == {3.0}
    seeds = {row["seed"] for row in found if row["kind"] == "guesses"}
    assert seeds == set(translation.MORE_SEEDS)
    before = tiny.read_text(encoding="utf-8")
    translation.main()
    assert tiny.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    "setting",
    [
        "half",
        "square" + repairs.ALONE,
        "places",
        "sum of places",
        "squared error",
        "no mask",
    ],
)
def test_each_kind_of_repair_is_judged(tiny, setting):
    weight = 1.0 if "places" in setting or "alone" in setting else 0.0
    row = translation.measure(("repair", setting, weight, 1.0, 0))
    assert 0 < row["mse"] < 4 and 0 <= row["agreement"] <= 1
    assert ("d_loss" in row) == (weight > 0)


def test_marks_are_counted(tiny, monkeypatch):
    class Perfect:
        def draw(self, given):
            return given

    monkeypatch.setattr(translation, "fitted", lambda *_: Perfect())
    row = translation.marks(("marks", "", 0.5, 0.0, 0))
    assert row["marked"] == 150
    assert row["erased"] == row["invented"] == 0
    blank = Perfect()
    blank.draw = lambda given: np.full_like(given, -1)
    monkeypatch.setattr(translation, "fitted", lambda *_: blank)
    row = translation.marks(("marks", "", 0.5, 0.0, 0))
    assert row["erased"] == 150 and row["invented"] == 0


def test_guesses_are_counted_by_digit_at_both_lengths(tiny):
    row = translation.guesses(("guesses", "", 0.9, 0.0, 0))
    _, y = data.load("holdout")
    assert row["3"] == (y == 3).sum() and row["7"] == (y == 7).sum()
    shown = [k for k in row if k.endswith("shown")]
    assert len(shown) == 8


def test_the_record_says_what_the_lesson_says():
    middle = repairs.medians()
    fcd, psnr = middle["fcd"]["half"], middle["psnr"]["half"]
    assert fcd[0] / fcd[0.3] > 4 and psnr[0] - psnr[0.3] < 0.4
    assert fcd[10] > fcd[1] and psnr[10] < psnr[1]
    sick, well = (middle["fcd"][way, 1] for way in ("sum of places", "places"))
    assert sick > 2 * well
    ink = middle["ink"]
    assert ink["half", 0] < 0.9 < ink["squared error", 0]
    table = repairs.runs("marks").query("setting == ''")
    share = (table["erased"] / table["marked"]).groupby(table["weight"])
    assert share.min()[0.3] > 0.95 and share.max()[0.6] < 0.02
    table = repairs.runs("guesses").query("weight == 0.9")
    invented = table["7 without, step 1200: shown"] / table["7"]
    best, _ = scans.best_guess(0.9, scans.FAINT, scans.NOISE)
    assert invented.min() > best


def test_scores_agree_with_the_metrics():
    x, y = data.load("holdout", 300)
    given = lesson.damaged(x, "half")
    real = metrics.judge(x)
    half = np.concatenate([x[:, :, :14], -x[:, :, 14:]], axis=2)
    found = repairs.scores(half, given, x, y, real)
    ssim = metrics.ssim(half, x).mean()
    assert found["ssim"] == pytest.approx(ssim, abs=1e-4)
    fake = metrics.judge(half).features
    fcd = metrics.frechet_distance(fake, real.features)
    assert found["fcd"] == pytest.approx(fcd, abs=1e-4)
