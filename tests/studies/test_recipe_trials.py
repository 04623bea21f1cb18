"""Trials of the recipe: each step trains, and a stopped run goes on."""

import json

import numpy as np
import pytest

from helpers import data, metrics, training
from helpers.lessons import dcgan
from studies import recipe_trials
from studies.recipe_trials import Step, Trial

TINY = {"latent_dim": 4, "width": 8, "d_width": 8, "batch_size": 8}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """One trial of two marks on 24 images; nothing is judged."""
    x = data.load("holdout", 24)[0]
    monkeypatch.setattr(data, "load", lambda split: (x, None))
    monkeypatch.setattr(recipe_trials, "RECORD", tmp_path / "r.json")
    monkeypatch.setattr(recipe_trials, "STATES", tmp_path / "states")
    monkeypatch.setattr(data, "need_full", lambda work: None)
    monkeypatch.setattr(recipe_trials, "judged", lambda gan, real: {"fcd": 1})
    monkeypatch.setattr(metrics, "judge", lambda x: None)
    trial = Trial(TINY, marks=(2, 4), n_seeds=2)
    monkeypatch.setattr(recipe_trials, "TRIALS", {"tiny": trial})
    return tmp_path / "r.json"


def rows(path):
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


@pytest.mark.parametrize(
    "step",
    [
        Step(),
        Step(both=True),
        Step(relativistic=True, both=True),
        Step(shift=2),
    ],
)
def test_a_step_moves_both_networks_and_repeats(step, uncompiled):
    x = data.load("holdout", 8)[0]
    ends = []
    for _ in range(2):
        trial = Trial(TINY, step)
        gan = trial.build(dcgan.Recipe(3, **TINY))
        networks = gan.generator, gan.discriminator
        before = [network.get_weights() for network in networks]
        assert training.fit(gan, x, 2)
        for network, weights in zip(networks, before, strict=True):
            pairs = zip(weights, network.get_weights(), strict=True)
            assert not all(np.array_equal(*pair) for pair in pairs)
        ends.append(gan.generator.get_weights()[0])
    assert np.array_equal(*ends)


def test_the_plain_step_is_that_of_the_lesson(uncompiled):
    x = data.load("holdout", 8)[0]
    runs = []
    for step in (None, Step()):
        gan = Trial(TINY, step).build(dcgan.Recipe(3, **TINY))
        training.fit(gan, x, 3)
        runs.append(np.array(gan.history)[:, 2:])
    assert np.allclose(*runs, rtol=1e-3)


def test_shifted_images_are_moved_as_a_whole():
    x = data.load("holdout", 30)[0]
    gan = Trial(TINY).build(dcgan.Recipe(3, **TINY))
    moved = np.array(Step(shift=2).moved(gan, x, 1))
    inner = [
        any(
            np.array_equal(m[2:-2, 2:-2], a[2 + i : 26 + i, 2 + j : 26 + j])
            for i in range(-2, 3)
            for j in range(-2, 3)
        )
        for m, a in zip(moved, x, strict=True)
    ]
    assert all(inner) and not np.array_equal(moved, x)
    assert moved.min() == -1


def test_the_rate_falls_to_nothing(uncompiled):
    trial = Trial(TINY, decays=True, marks=(4,))
    gan = trial.build(dcgan.Recipe(3, **TINY))
    training.fit(gan, data.load("holdout", 8)[0], 4)
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(0, abs=1e-9)


def test_a_stopped_trial_goes_on(tiny, monkeypatch, uncompiled):
    fit, calls = training.fit, []

    def stopped_once(*arguments):
        calls.append(arguments)
        return False if len(calls) == 2 else fit(*arguments)

    monkeypatch.setattr(training, "fit", stopped_once)
    with pytest.raises(KeyboardInterrupt):
        recipe_trials.go_on([])
    assert [row["step"] for row in rows(tiny)] == [2]
    recipe_trials.go_on([])
    keys = [(row["seed"], row["step"]) for row in rows(tiny)]
    assert keys == [(0, 2), (0, 4), (1, 2), (1, 4)]
    n_calls = len(calls)
    recipe_trials.go_on(["tiny"])
    assert len(calls) == n_calls
    with pytest.raises(SystemExit, match="no trial big"):
        recipe_trials.go_on(["big"])
