"""Weights and cards: whole, named, and refused when they differ."""

import dataclasses
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from helpers import checkpoints, data, runtime, training
from helpers.backend import keras
from helpers.lessons import (
    conditional,
    dcgan,
    segmentation,
    style,
    stylegan,
    translation,
)
from tools import plans

CARD = {"builder": "dcgan.build_generator", "arguments": {"latent_dim": 4}}


@pytest.fixture
def folder(tmp_path):
    model = dcgan.build_generator(4)
    checkpoints.save("toy", model, CARD, tmp_path)
    return tmp_path


def test_a_saved_network_comes_back(tmp_path):
    runtime.seed(0)
    model = dcgan.build_generator(4)
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
    change_card(folder, builder="dcgan.build_spaceship")


def name_a_module(folder):
    change_card(folder, builder="keras")


def name_no_module(folder):
    change_card(folder, builder="build_generator")


def name_another_lesson(folder):
    change_card(folder, builder="os.build_generator")


def name_a_path(folder):
    change_card(folder, builder="..dcgan.build_generator")


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
    name_no_module: "'build_generator'",
    name_another_lesson: "os.build_generator",
    name_a_path: "dcgan.build_generator",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_checkpoint_that_differs_is_refused(folder, fault):
    fault(folder)
    wanted = pytest.raises(checkpoints.CheckpointError, match=FAULTS[fault])
    with wanted as found:
        checkpoints.load("toy", folder)
    assert "\n" not in str(found.value)


def test_a_failed_save_leaves_the_old_checkpoint(folder, monkeypatch):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    model = dcgan.build_generator(4)

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
    assert not row["ok"] and checkpoints.REMEDY in row["remedy"]


WRITTEN_BY = {
    "digit_classifier": "digit_classifier",
    "second_judge": "second_judge",
    "dcgan_generator": "dcgan",
    "dcgan_discriminator": "dcgan",
    "conditional_generator": "conditional",
    "style_generator": "style",
    "inpainting_l1": "inpainting_l1",
    "inpainting_gan": "inpainting_gan",
    "photo_inpainting": "photo_inpainting",
    "digit_segmentation": "digit_segmentation",
    "style_features": "style_features",
    "vae2": "vae2",
    "vae10": "vae10",
}


def test_every_checkpoint_has_a_plan():
    assert set(checkpoints.available()) == set(WRITTEN_BY)
    assert set(plans.PLANS) == set(WRITTEN_BY.values())


@pytest.mark.parametrize("name", sorted(WRITTEN_BY))
def test_a_card_tells_how_it_is_made(name):
    card, plan = checkpoints.card(name), WRITTEN_BY[name]
    wanted = json.loads(json.dumps(dataclasses.asdict(plans.PLANS[plan])))
    assert card["plan"] == wanted
    assert card["command"].endswith(plan)


def test_the_generator_is_measured_on_three_splits():
    metrics = checkpoints.card("dcgan_generator")["metrics"]
    splits = [name.split(",")[0] for name in metrics]
    assert splits == ["validation", "holdout", "test"]
    for scores in metrics.values():
        for interval in scores.values():
            assert interval["low"] < interval["estimate"] < interval["high"]


# ------------------------------------------------- how a classifier is made


TOY = plans.ClassifierPlan(seed=1, epochs=2, batch_size=32)


def test_a_stopped_classifier_goes_on_exactly(tmp_path):
    x, y = data.load("train", 100)
    *_, (straight, _) = TOY.epochs_from(tmp_path / "straight.json", x, y)
    stopped = TOY.epochs_from(tmp_path / "state.json", x, y)
    next(stopped), next(stopped)  # as it is found, after one epoch
    *_, (resumed, seconds) = TOY.epochs_from(tmp_path / "state.json", x, y)
    assert seconds > 0
    pairs = zip(straight.get_weights(), resumed.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    other = dataclasses.replace(TOY, epochs=1)
    *_, (anew, _) = other.epochs_from(tmp_path / "state.json", x, y)
    assert int(anew.optimizer.iterations) == 4  # of 32 images, once


def test_shifted_images_keep_their_digit():
    x, _ = data.load("holdout", 50)
    rng = np.random.default_rng(0)
    moved = plans.shifted(x, 1, rng)
    assert moved.shape == x.shape and moved.dtype == x.dtype
    inside = [
        any(
            np.array_equal(m[2:-2, 2:-2], a[2 + i : 26 + i, 2 + j : 26 + j])
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        )
        for m, a in zip(moved, x, strict=True)
    ]
    assert all(inside)
    assert not np.array_equal(moved, x)


def test_calibration_error_of_known_sets():
    error = plans.calibration_error
    sure = np.eye(2)[[0, 0, 0, 0]]
    assert error(sure, np.array([0, 0, 0, 0])) == 0
    assert error(sure, np.array([0, 1, 0, 1])) == pytest.approx(0.5)
    honest = np.array([[0.75, 0.25]] * 4)
    assert error(honest, np.array([0, 0, 0, 1])) == pytest.approx(0)


# ------------------------------------------------------- how a pair is made


def test_a_stopped_pair_is_no_checkpoint_and_goes_on(tmp_path, monkeypatch):
    plan = plans.GanPlan(
        dcgan.Recipe(seed=1, latent_dim=4, width=2), n_steps=5
    )
    started = []

    def stopped_at_once(gan, x_train, goal, y_train):
        assert y_train is None
        started.append(int(gan.step))
        gan.step.assign_add(2)
        gan.history.extend([(k, 0.1, 1, 1, 0.5, 0.5) for k in (1, 2)])
        return False

    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(training, "fit", stopped_at_once)
    assert plan.train("toy") is None
    assert plan.train("toy") is None
    assert started == [0, 2]


def test_an_interrupt_while_a_state_is_saved_loses_nothing(
    tmp_path, monkeypatch, uncompiled
):
    recipe = dcgan.Recipe(seed=1, latent_dim=4, width=2, d_width=2)
    save = training.save_state

    def pressed_before_and_after(run, path):
        signal.raise_signal(signal.SIGINT)
        save(run, path)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(plans, "SAVE_EVERY", 1)
    monkeypatch.setattr(training, "save_state", pressed_before_and_after)
    for step in (1, 2):
        gan = dcgan.build_gan(recipe)
        assert not plans.train_run("toy", gan, 3, lambda run: "saved")
        assert int(gan.step) == len(gan.history) == step


def test_a_temporary_name_carries_the_process(tmp_path, monkeypatch):
    # Two processes that write one checkpoint would share a file otherwise.
    seen = []
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    monkeypatch.setattr(
        Path, "replace", lambda part, target: seen.append(part.name)
    )
    checkpoints.save("toy", model, {}, tmp_path)
    assert len(seen) == 2
    assert all(f".{os.getpid()}." in name for name in seen)
    assert not list(tmp_path.iterdir())


def test_a_generator_that_takes_orders_is_made_and_measured(
    tmp_path, monkeypatch, uncompiled
):
    x, y = data.load("holdout", 100)
    recipe = dcgan.Recipe(seed=1, latent_dim=4, width=2, d_width=2)
    plan = plans.ConditionalPlan(recipe, n_steps=2)
    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    [(name, (model, entries))] = plan.train("toy").items()
    assert name == "toy_generator" and model.input_shape == (None, 14)
    assert entries["arguments"] == {"latent_dim": 14, "width": 2}
    monkeypatch.setattr(checkpoints, "load", lambda name: model)
    drawn = []

    def draw(generator, z, labels):
        drawn.append(labels)
        return x  # real digits, under their own labels

    monkeypatch.setattr(conditional, "draw", draw)
    named, report = plan.measure("toy")
    assert named == name and len(drawn) == 3 * 10
    assert all(np.array_equal(labels, y) for labels in drawn)
    agreed = report.pop("agreement of the judge with the label asked for")
    assert list(agreed) == list(report)
    assert all(share["estimate"] > 0.95 for share in agreed.values())


def test_a_generator_with_styles_is_made_and_measured(
    tmp_path, monkeypatch, uncompiled
):
    x, y = data.load("holdout", 70)
    recipe = stylegan.Recipe(seed=1, latent_dim=4, width=4, d_width=2)
    plan = plans.StylePlan(recipe, n_steps=2)
    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    [(name, (model, entries))] = plan.train("toy").items()
    assert name == "toy_generator" and model.input_shape == (None, 4)
    built = checkpoints.builder(entries["builder"])(**entries["arguments"])
    built.set_weights(model.get_weights())  # of the same shapes
    monkeypatch.setattr(checkpoints, "load", lambda name: model)
    named, report = plan.measure("toy")
    assert named == name and len(report) == 3


def test_features_of_photographs_are_made_and_measured(
    tmp_path, monkeypatch, uncompiled
):
    small = data.Images(16, 1), data.Images(16, 3)
    recipe = style.Recipe(seed=1, widths=(2, 2, 2), batch_size=8, n_crops=24)
    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(style, "GREY", small[0])
    monkeypatch.setattr(style, "COLOUR", small[1])
    plan = plans.FeaturePlan(recipe, n_steps=2)
    [(name, (model, entries))] = plan.train("toy").items()
    built = checkpoints.builder(entries["builder"])(**entries["arguments"])
    built.set_weights(model.get_weights())  # of the same shapes
    assert "skimage.data" in entries["trained_on"]
    monkeypatch.setattr(checkpoints, "load", lambda name: model)
    named, report = plan.measure("toy")
    [errors] = report.values()
    assert named == name and len(errors) == 4
    json.dumps(report, allow_nan=False)


SMALL = translation.Recipe(seed=1, width=2, d_width=2, batch_size=8)
PICTURE_PLANS = {
    "digits": plans.RepairPlan(SMALL, n_steps=2, title="toy"),
    "photographs": plans.PhotoPlan(
        SMALL, n_steps=2, title="toy", n_patches=24
    ),
    "masks": plans.SegmentationPlan(
        segmentation.Recipe(seed=1, width=2, batch_size=8), n_steps=2
    ),
}


@pytest.mark.parametrize("kind", PICTURE_PLANS)
def test_a_network_from_picture_to_picture_is_made_and_measured(
    kind, tmp_path, monkeypatch, uncompiled
):
    x, y = data.load("holdout", 70)
    plan = PICTURE_PLANS[kind]
    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(data, "load", lambda split: (x, y))
    [(name, (model, entries))] = plan.train("toy").items()
    channels = 1 if kind == "masks" else 2
    assert name == "toy" and model.input_shape[-1] == channels
    built = checkpoints.builder(entries["builder"])(**entries["arguments"])
    built.set_weights(model.get_weights())  # of the same shapes
    assert built.layers[-1].get_config()["activation"] == (
        "linear" if kind == "masks" else "tanh"
    )
    assert (kind == "photographs") == ("trained_on" in entries)
    monkeypatch.setattr(checkpoints, "load", lambda name: model)
    named, report = plan.measure("toy")
    assert named == "toy"
    n_parts = {"digits": 9, "photographs": 1, "masks": 6}
    assert len(report) == n_parts[kind]
    json.dumps(report, allow_nan=False)


def test_a_card_may_say_that_its_data_were_others():
    card = checkpoints.card("photo_inpainting")
    assert "skimage.data" in card["trained_on"]
    assert "CC BY-SA" not in card["licence"]
    assert "MNIST" in checkpoints.card("inpainting_l1")["trained_on"]
