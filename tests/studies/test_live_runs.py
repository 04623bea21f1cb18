"""What the live run of lesson 03 promises, and the rows that it rests on.

`pytest -m lecture` trains again and holds each run to these promises; here
the recorded runs are held to them.
"""

import dataclasses
import json

import pytest

from helpers import runtime, training
from helpers.lessons import dcgan
from studies import live_runs

# Of 5,000 samples after the live run, judged against holdout.
PROMISES = {
    "seconds": (0, 60),
    "fcd / fcd_untrained": (0, 0.2),
    "rarest": (0.05, 0.1),
    "score": (7, 10),
    "named": (0.6, 1),
}
LESSON = runtime.ROOT / "notebooks" / "03_mnist_dcgan_training.ipynb"
RECORD = json.loads(live_runs.RESULTS.read_text(encoding="utf-8"))
RUNS = RECORD["runs"]
OURS = [run for run in RUNS if run["change"] == live_runs.OURS]


def broken_promises(run: dict[str, float]) -> list[str]:
    """Say which promises a run does not keep."""
    found = []
    for name, (low, high) in PROMISES.items():
        value = run[name.split(" / ")[0]]
        if " / " in name:
            value /= run[name.split(" / ")[1]]
        if not low <= value <= high:
            found.append(f"{name}: {value:.3g} is outside [{low}, {high}]")
    return found


def test_every_change_has_its_seeds():
    found = {(run["change"], run["seed"]) for run in RUNS}
    wanted = {
        (change, k)
        for change in (*live_runs.CHANGES, *live_runs.WITHOUT)
        for k in live_runs.seeds_of(change)
    }
    assert found == wanted and len(RUNS) == len(wanted)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["change"])
def test_a_row_is_of_the_present_recipe(run):
    recipe = live_runs.recipe_of(run["change"], run["seed"])
    assert run["recipe"] == dataclasses.asdict(recipe)


def test_the_lesson_trains_that_recipe_for_as_long(settings_of):
    names = settings_of(
        LESSON, SEED=live_runs.LESSON, dcgan=dcgan, dataclasses=dataclasses
    )
    assert names["recipe"] == live_runs.recipe_of(live_runs.OURS, 0)
    assert names["n_steps"] == live_runs.N_STEPS == RECORD["steps"]


@pytest.mark.parametrize("run", OURS, ids=lambda run: f"seed {run['seed']}")
def test_the_recorded_runs_keep_the_promises(run):
    assert not broken_promises(run)


def test_a_worse_run_breaks_them():
    good = OURS[0]
    for change in (
        {"seconds": 61},
        {"fcd": 0.25 * good["fcd_untrained"]},
        {"rarest": 0.04},
        {"score": 6.9},
        {"named": 0.5},
    ):
        assert len(broken_promises(good | change)) == 1


def test_half_a_run_is_no_record(monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *rest: False)
    with pytest.raises(KeyboardInterrupt):
        live_runs.measure(dcgan.Recipe(0, latent_dim=2, width=2), 2)
