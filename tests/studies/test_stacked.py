"""Stacked digits: built as asked, counted as stated; the study goes on."""

import json

import numpy as np
import pytest

from helpers import data, metrics
from helpers.backend import ops
from studies import stacked


@pytest.fixture(scope="module")
def digits():
    return data.load("holdout", 600)


@pytest.mark.parametrize("n_modes", stacked.N_MODES)
def test_stacks_hold_what_was_asked_for(digits, n_modes):
    modes = stacked.chosen_modes(n_modes)
    assert len(set(modes.tolist())) == n_modes
    x, drawn = stacked.stack(*digits, modes, 300, 5)
    assert x.shape == (300, 28, 28, 3) and np.isin(drawn, modes).all()
    assert (stacked.read(x) == drawn).mean() > 0.9


def test_counts_follow_their_rule():
    modes = np.arange(4)
    found = stacked.count(np.repeat([0, 1, 2, 7], [40, 10, 1, 49]), modes)
    # A fair share is 25, a quarter of it 6.25.
    assert (found["modes"], found["once"], found["share"]) == (2, 3, 0.51)
    even = stacked.count(np.repeat(modes, 5), modes)
    assert even["kl"] == 0 and even["modes"] == 4
    assert stacked.count(np.zeros(9, int), modes)["kl"] == pytest.approx(
        np.log(4), abs=1e-4
    )


def test_minibatch_deviation_and_packing():
    x = np.random.default_rng(0).normal(size=(6, 2, 2, 3)).astype("float32")
    more = ops.convert_to_numpy(stacked.MinibatchDeviation()(x))
    assert np.array_equal(more[..., :3], x)
    assert more[..., 3] == pytest.approx(x.std(axis=0).mean(), rel=1e-4)
    packed = ops.convert_to_numpy(stacked.Packing()(x))
    assert np.array_equal(packed[1], np.concatenate(x[2:4], axis=-1))


@pytest.mark.parametrize("way", stacked.WAYS)
def test_each_way_learns_stacks(digits, way):
    gan = stacked.build(way, 0.5, 1)
    x, _ = stacked.stack(*digits, stacked.chosen_modes(100), 8, 5)
    before = [w.numpy().copy() for w in gan.generator.trainable_variables]
    logits = gan.discriminator(x)
    assert logits.shape == (4 if way == "packing" else 8, 1)
    gan.compiled(x)
    after = [w.numpy() for w in gan.generator.trainable_variables]
    assert not any(map(np.array_equal, before, after))
    assert gan.draw(np.zeros((2, 64), "float32")).shape == (2, 28, 28, 3)


def test_the_study_goes_on(tmp_path, monkeypatch, digits):
    path = tmp_path / "r.json"
    monkeypatch.setattr(stacked, "RECORD", path)
    monkeypatch.setattr(data, "load", lambda split: digits)
    monkeypatch.setattr(data, "need_full", lambda work: None)
    for name, value in {
        "N_MODES": (100,),
        "WAYS": ("plain",),
        "SEEDS": (0,),
        "N_TRAIN": 8,
        "N_SAMPLES": 20,
        "N_STEPS": 1,
        "LONGER": ((100, "plain", 2),),
    }.items():
        monkeypatch.setattr(stacked, name, value)
    stacked.training_images.cache_clear()
    stacked.main()
    stacked.training_images.cache_clear()
    before = path.read_text(encoding="utf-8")
    rows = json.loads(before)["runs"]
    assert [row["way"] for row in rows] == ["plain"] * 3 + ["real"]
    assert [row["steps"] for row in rows] == [1, 2, 1, 0]
    monkeypatch.setattr(stacked, "measure", None)
    stacked.main()
    assert path.read_text(encoding="utf-8") == before


def test_a_judge_reads_the_channels_in_order(monkeypatch):
    def judge(x):
        return metrics.Judgement(x[:, 0, 0], np.eye(10)[x[:, 0, 0, 0]])

    monkeypatch.setattr(metrics, "judge", judge)
    x = np.zeros((1, 28, 28, 3), int)
    x[0, 0, 0] = 3, 0, 9
    assert stacked.read(x).tolist() == [309]
