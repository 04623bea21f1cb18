"""The benchmark: recipes as stated, clock, marks, resume, and its tables."""

import dataclasses
import json
import signal
import time

import numpy as np
import pandas as pd
import pytest

from helpers import data, metrics, runtime, training
from helpers.backend import layers, ops
from helpers.lessons import dcgan
from studies import recipes, time_to_quality
from studies.record import Record
from tools.alone import alone

ENTRIES = list(recipes.ENTRIES)
RECORD = runtime.ROOT / "studies" / "record"


def rows_of(**runs):
    """Rows of runs given as recipe=[(seed, seconds, fcd), ...]."""
    return pd.DataFrame(
        [
            {"recipe": name, "seed": seed, "seconds": seconds, "fcd": fcd}
            for name, rows in runs.items()
            for seed, seconds, fcd in rows
        ]
    )


def rows_in(folder):
    text = (folder / "runs.json").read_text(encoding="utf-8")
    return pd.DataFrame(json.loads(text)["runs"])


@pytest.fixture
def tiny(monkeypatch):
    """A benchmark of three steps, one a mark, on 24 images."""
    x = data.load("train")[0][:24]
    monkeypatch.setattr(data, "load", lambda split: (x, None))
    recipe = dcgan.Recipe(
        seed=0, latent_dim=4, width=8, d_width=8, batch_size=24
    )
    entry = dataclasses.replace(
        recipes.ENTRIES["course"], recipe=recipe, epochs=3
    )
    monkeypatch.setitem(recipes.ENTRIES, "course", entry)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_step_moves_both_networks_and_draws_in_range(name):
    entry = recipes.ENTRIES[name]
    gan = entry.build(entry.recipe)
    x = data.load("train")[0][:6]
    x = (x + 1) / 2 if entry.unit else x
    networks = gan.generator, gan.discriminator
    before = [network.get_weights() for network in networks]
    stats = ops.convert_to_numpy(entry.take_step(gan, x))
    assert stats.shape == (4,) and np.isfinite(stats).all()
    for network, weights in zip(networks, before, strict=True):
        pairs = zip(weights, network.get_weights(), strict=True)
        assert not all(np.array_equal(*pair) for pair in pairs)
    drawn = training.generate(
        gan.generator, training.sample_z(4, entry.recipe.latent_dim, 0, 0)
    )
    assert drawn.shape == (4, 28, 28, 1)
    assert (drawn.min() >= 0) == entry.unit
    assert (gan.average is gan.generator) == (entry.recipe.ema_decay == 0)


def test_the_tutorial_is_as_published():
    entry = recipes.ENTRIES["tensorflow_tutorial"]
    gan = entry.build(entry.recipe)
    assert gan.generator.count_params() == 2_330_944
    assert gan.discriminator.count_params() == 212_865
    rates = [
        layer.rate
        for layer in gan.discriminator.layers
        if isinstance(layer, layers.Dropout)
    ]
    assert rates == [0.3, 0.3]
    assert entry.recipe.batch_size == 256 and entry.take_step.at_once
    marks = time_to_quality.marks_of(entry, 54_000, 1)
    assert marks[0] == ("step", 211) and len(marks) == 10


def test_losses_of_targets_have_their_closed_forms():
    logits = np.array([[0.0], [2.0]], "float32")
    real = np.log1p(np.exp(-logits)).mean()
    assert float(recipes.cross_entropy(logits, 1)) == pytest.approx(real)
    fake = np.log1p(np.exp(logits)).mean()
    assert float(recipes.cross_entropy(logits, 0)) == pytest.approx(fake)
    assert float(recipes.squares(logits, 1)) == pytest.approx(1.0)


def test_at_once_and_in_turn_differ():
    entry = recipes.ENTRIES["tensorflow_tutorial"]
    x = data.load("train")[0][:4]
    moved = []
    for at_once in (True, False):
        gan = entry.build(entry.recipe)
        recipes.PublishedStep(at_once=at_once)(gan, x)
        moved.append(gan.generator.get_weights()[0])
    assert not np.array_equal(*moved)


def test_the_benchmark_goes_on_where_it_was_interrupted(
    tiny, tmp_path, monkeypatch, uncompiled, capsys
):
    arguments = ["--recipes", "course", "--profile", "ci"]
    arguments += ["--out", str(tmp_path)]
    real_fit, calls = training.fit, []

    def interrupted_once(*args):
        calls.append(args)
        return False if len(calls) == 2 else real_fit(*args)

    monkeypatch.setattr(training, "fit", interrupted_once)
    assert time_to_quality.main(arguments) == 130
    first = rows_in(tmp_path)
    assert len(first) == 1
    assert time_to_quality.main(arguments) == 0
    rows = rows_in(tmp_path)
    assert len(rows) == 3 and rows.iloc[:1].equals(first)
    assert rows["step"].tolist() == [1, 2, 3]
    assert rows["images"].tolist() == [24, 48, 72]
    assert rows["seconds"].is_monotonic_increasing
    assert rows.drop(columns="recipe").notna().all().all()
    for name in ("report.md", "time_to_quality.png"):
        assert (tmp_path / name).stat().st_size
    calls.clear()
    assert time_to_quality.main(arguments) == 0
    assert not calls, "a finished run is not trained again"
    found = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))
    (tmp_path / "runs.json").write_text(
        json.dumps(found | {"code": "x"}), encoding="utf-8"
    )
    with pytest.raises(time_to_quality.StaleError, match="--out"):
        time_to_quality.main(arguments)
    with alone(tmp_path), pytest.raises(SystemExit, match="Another run"):
        time_to_quality.main(arguments)


def test_an_interrupt_at_a_mark_keeps_its_row_and_stops(
    tiny, tmp_path, monkeypatch, uncompiled, capsys
):
    real_save, saved = training.save_state, []

    def pressed_while_saving(run, path):
        saved.append(path)
        signal.raise_signal(signal.SIGINT)
        real_save(run, path)

    monkeypatch.setattr(training, "save_state", pressed_while_saving)
    arguments = ["--recipes", "course", "--profile", "ci"]
    arguments += ["--out", str(tmp_path)]
    for rows in (1, 2):
        assert time_to_quality.main(arguments) == 130
        assert len(rows_in(tmp_path)) == rows == len(saved)


def test_judging_is_not_on_the_clock(tiny, tmp_path, monkeypatch, uncompiled):
    real_judge = metrics.judge

    def slow(images):
        time.sleep(0.3)
        return real_judge(images)

    monkeypatch.setattr(metrics, "judge", slow)
    x, _ = data.load("train")
    start = time.perf_counter()
    rows = list(
        time_to_quality.measure(
            "course", 0, 1, x, real_judge(x), tmp_path / "state.npz"
        )
    )
    elapsed = time.perf_counter() - start
    assert 0 < rows[-1]["seconds"] < elapsed - 3 * 0.3


def test_marks_at_fixed_seconds(tiny, monkeypatch, uncompiled):
    entry = recipes.ENTRIES["light"]
    marks = time_to_quality.marks_of(entry, 54_000, 4)
    assert [value for _, value in marks] == [1, 1.5, 2, 3, 4]
    gan = dcgan.build_gan(recipes.ENTRIES["course"].recipe)
    x, _ = data.load("train")
    assert time_to_quality.train_until(gan, x, "seconds", 0.01)
    assert len(gan.history) == 1 and gan.history[0][1] >= 0.01
    assert time_to_quality.train_until(gan, x, "seconds", 0.01)
    assert len(gan.history) == 1, "a mark that is passed needs no step"


def test_samples_come_from_the_z_that_a_recipe_trains_with(monkeypatch):
    seen = {}

    def keep(model, z):
        seen[model.name] = np.asarray(z)
        return data.load("validation")[0][: len(z)]

    monkeypatch.setattr(training, "generate", keep)
    real = metrics.judge(data.load("validation")[0][:40])
    for name in ("course", "dcgan_paper"):
        entry = recipes.ENTRIES[name]
        gan = entry.build(entry.recipe)
        gan.average.name = name
        time_to_quality.judged(gan, entry, real)
    assert np.abs(seen["course"]).max() > 2
    assert 0.9 < np.abs(seen["dcgan_paper"]).max() <= 1


def test_seconds_to_a_level_are_the_median_over_seeds():
    rows = rows_of(
        course=[(0, 1, 50), (0, 2, 9), (1, 1, 8), (2, 1, 50), (2, 5, 9)],
        light=[(0, 3, 50), (0, 300, 40)],
    )
    table = time_to_quality.seconds_to(rows, (10, 45))
    assert table.loc["course"].tolist() == [2, 2]
    assert table.loc["light"].tolist() == [np.inf, 300]


def test_the_comparison_names_both_goals():
    rows = rows_of(
        course=[(0, 2, 90), (0, 4, 70), (0, 60, 20)],
        tensorflow_tutorial=[(0, 300, 80), (0, 600, 120)],
        light=[(0, 60, 90), (0, 300, 60)],
    )
    text = time_to_quality.compare(rows)
    assert "ten epochs of 600 s is 80.0" in text
    assert "after 4.0 s" in text and "1/150 of the time" in text
    assert "FCD of 20.0" in text and "60.0 after 300 s" in text


def test_fcd_after_seconds_is_the_median_and_range_over_seeds():
    rows = rows_of(
        course=[(0, 5.1, 50), (0, 10.0, 9), (1, 5.0, 40), (2, 5.2, 60)],
        light=[(0, 4.9, 70), (0, 10.5, 65)],
    )
    table = time_to_quality.fcd_after(rows, (5, 10))
    assert table.loc["course"].tolist() == ["50.0 (40.0 to 60.0)", "9.0"]
    assert table.loc["light"].tolist() == ["", "65.0"]


def test_the_record_is_what_its_rows_say(tmp_path):
    record = Record(RECORD / "runs.json", {}, ("recipe", "seed", "step"))
    said = (RECORD / "report.md").read_text(encoding="utf-8")
    found = time_to_quality.report(record, tmp_path) + "\n"
    assert said == found
    assert (RECORD / "time_to_quality.png").stat().st_size > 10_000


def test_the_record_keeps_what_the_course_promises():
    runs = {
        name: [run for _, run in group.groupby("seed")]
        for name, group in rows_in(RECORD).groupby("recipe")
    }
    assert set(runs) == set(ENTRIES) - {"course"}  # it came later
    mains = [runs[n] for n in ("momentum", "light", "tensorflow_tutorial")]
    assert [len(seeds) for seeds in mains] == [3, 3, 3]
    course, light, tutorial = mains
    lowest = np.median([run["fcd"].min() for run in tutorial])
    last = np.median([run["seconds"].max() for run in tutorial])
    reached = np.median(
        [time_to_quality.first_below(run, lowest) for run in course]
    )
    assert reached <= last / 150
    after = [
        np.median([run.loc[run["seconds"] >= k, "fcd"].iloc[0] for run in x])
        for x, k in ((course, 60), (light, 300))
    ]
    assert after[0] <= after[1]
