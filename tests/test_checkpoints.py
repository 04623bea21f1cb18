"""Weights and cards: whole, named, and refused when they differ."""

import dataclasses
import json

import numpy as np
import pytest

from helpers import checkpoints, models, runtime, training
from tools import make_checkpoints

CARD = {"builder": "build_generator", "arguments": {"latent_dim": 4}}


@pytest.fixture
def folder(tmp_path):
    model = models.build_generator(4)
    checkpoints.save("toy", model, CARD, tmp_path)
    return tmp_path


def test_a_saved_network_comes_back(tmp_path):
    runtime.seed(0)
    model = models.build_generator(4)
    checkpoints.save("toy", model, CARD, tmp_path)
    again = checkpoints.load("toy", tmp_path)
    z = training.sample_z(3, 4, 0, 0)
    assert np.array_equal(
        training.generate(model, z), training.generate(again, z)
    )
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["toy.json", "toy.weights.h5"], "leftovers"
    assert checkpoints.available(tmp_path) == ["toy"]


def change_a_byte(folder):
    file = folder / "toy.weights.h5"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def delete_the_weights(folder):
    (folder / "toy.weights.h5").unlink()


def delete_the_card(folder):
    (folder / "toy.json").unlink()


def cut_the_card(folder):
    file = folder / "toy.json"
    file.write_text(file.read_text(encoding="utf-8")[:20], encoding="utf-8")


def change_card(folder, **changes):
    file = folder / "toy.json"
    card = json.loads(file.read_text(encoding="utf-8")) | changes
    card = {key: value for key, value in card.items() if value is not None}
    file.write_text(json.dumps(card), encoding="utf-8")


def drop_the_sum(folder):
    change_card(folder, sha256=None)


def name_another_builder(folder):
    change_card(folder, builder="build_spaceship")


def name_a_module(folder):
    change_card(folder, builder="keras")


def change_an_argument(folder):
    change_card(folder, arguments={"latent_dim": 5})


def invent_an_argument(folder):
    change_card(folder, arguments={"latent_dim": 4, "colour": "red"})


FAULTS = {
    change_an_argument: "does not fit its weights",
    invent_an_argument: "does not fit its weights",
    change_a_byte: "expected sha256",
    delete_the_weights: "cannot be read",
    delete_the_card: "no checkpoint 'toy'",
    cut_the_card: "expected a JSON card",
    drop_the_sum: "sha256",
    name_another_builder: "build_spaceship",
    name_a_module: "'keras'",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_checkpoint_that_differs_is_refused(folder, fault):
    fault(folder)
    with pytest.raises(checkpoints.CheckpointError, match=FAULTS[fault]):
        checkpoints.load("toy", folder)


def test_a_failed_save_leaves_the_old_checkpoint(folder, monkeypatch):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    model = models.build_generator(4)

    def fail(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", fail)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save("toy", model, CARD, folder)
    assert before == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_every_shipped_checkpoint_is_what_its_card_says():
    report = checkpoints.report()
    assert len(report) >= 1
    assert report["ok"].all(), report.to_string()


def test_the_shipped_checkpoints_stay_small():
    files = checkpoints.FOLDER.parent.rglob("*")
    ignored = {".npz"}
    total = sum(
        file.stat().st_size
        for file in files
        if file.is_file() and file.suffix not in ignored
    )
    assert total < 25 * 2**20


def test_the_report_names_a_damaged_one(folder, monkeypatch):
    change_a_byte(folder)
    monkeypatch.setattr(checkpoints, "FOLDER", folder)
    monkeypatch.setattr(checkpoints, "available", lambda: ["toy"])
    real = checkpoints.load
    monkeypatch.setattr(checkpoints, "load", lambda name: real(name, folder))
    row = checkpoints.report().iloc[0]
    assert not row["ok"] and checkpoints.MEND in row["remedy"]


@pytest.mark.parametrize("name", sorted(make_checkpoints.PLANS))
def test_a_card_tells_how_it_is_made(name):
    card, plan = checkpoints.card(name), make_checkpoints.PLANS[name]
    assert card["recipe"] == dataclasses.asdict(plan.recipe)
    assert card["steps"] == plan.n_steps
    assert card["command"].endswith(name)
