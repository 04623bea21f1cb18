"""Profiles, seeds, and TensorFlow's silence."""

import json
import subprocess
import sys

import keras
import pytest

from helpers import runtime


def test_an_unknown_profile_lists_the_three():
    with pytest.raises(ValueError, match="ci, lecture, full"):
        runtime._read_profile({"COURSE_PROFILE": "fast"})
    assert runtime._read_profile({}) == "lecture"


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "10000", ""])
def test_a_bad_course_seed_is_named(value):
    with pytest.raises(ValueError, match="0 to 9999"):
        runtime._read_seed({"COURSE_SEED": value})


def test_by_profile_follows_the_profile(monkeypatch):
    for profile, value in (("ci", 1), ("lecture", 2), ("full", 3)):
        monkeypatch.setattr(runtime, "PROFILE", profile)
        assert runtime.by_profile(ci=1, lecture=2, full=3) == value


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "record.json"
    runtime.write_json(path, {"a": [1, 2]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [1, 2]}
    with pytest.raises(TypeError):
        runtime.write_json(path, {"a": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": [1, 2]}
    assert list(tmp_path.iterdir()) == [path]


def test_seed_repeats_and_course_seed_moves_it(monkeypatch):
    def draw():
        return runtime.seed(3), float(keras.random.normal((1,))[0])

    first = draw()
    assert draw() == first
    monkeypatch.setattr(runtime, "COURSE_SEED", 1)
    assert draw()[0] == 10_003
    assert draw()[1] != first[1]


@pytest.mark.parametrize("k", [-1, 10_000, 1.0, "3"])
def test_seed_refuses_other_numbers(k):
    with pytest.raises(ValueError, match="0 to 9999"):
        runtime.seed(k)


def test_a_package_that_differs_from_the_lock_is_found(tmp_path, monkeypatch):
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# comment\nnumpy==1.0\nno-such-package==2.0\n"
        "pandas==0.1 ; python_version < '3'\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    wrong = runtime._wrong_packages()
    assert len(wrong) == 2
    assert wrong[0].startswith("numpy") and "missing" in wrong[1]


def test_the_report_finds_this_machine_ready():
    report = runtime.report()
    assert list(report.columns) == ["item", "value", "ok", "remedy"]
    assert report["ok"].all(), report[~report["ok"]].to_string()


def test_tensorflow_is_silent_and_refuses_unseeded_draws():
    # One fresh process for both, because starting TensorFlow takes seconds.
    # The step compiles a Conv2D before a LeakyReLU, which prints red text
    # unless the log level is high enough.
    code = """
import helpers, keras, numpy as np, tensorflow as tf
from helpers import training
gan = training.build_gan(training.Recipe(seed=0))
training.fit(gan, np.zeros((4, 28, 28, 1), "float32"), 1)
tf.random.set_seed(None)
try:
    tf.random.normal((1,))
except RuntimeError:
    print("refused")
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=runtime.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (run.stdout, run.stderr) == ("refused\n", "")
