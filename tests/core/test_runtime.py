"""Profiles, seeds, and TensorFlow's silence."""

import json
import os
import subprocess
import sys

import keras
import pytest

from helpers import runtime, settings
from tools import doctor


def test_an_unknown_profile_lists_the_three():
    with pytest.raises(ValueError, match=r"ci, lecture, full\. Set COURSE"):
        settings.read_profile({"COURSE_PROFILE": "quick"})


@pytest.mark.parametrize(
    ("value", "near"), [("Lecture", "lecture"), ("CI", "ci"), ("ful", "full")]
)
def test_a_misspelt_profile_gets_the_likely_one(value, near):
    with pytest.raises(ValueError, match=f"Did you mean '{near}'?"):
        settings.read_profile({"COURSE_PROFILE": value})


def test_blanks_are_stripped_and_empty_is_unset():
    for value in ("", " ", "lecture", " lecture\t"):
        profile = settings.read_profile({"COURSE_PROFILE": value})
        assert profile == "lecture"
    assert settings.read_profile({"COURSE_PROFILE": "ci "}) == "ci"
    assert settings.read_profile({}) == "lecture"
    for value, seed in (("", 0), (" ", 0), (" 7 ", 7), ("0009", 9)):
        assert settings.read_seed({"COURSE_SEED": value}) == seed
    assert settings.read_seed({}) == 0


@pytest.mark.parametrize(
    "value", ["-1", "+1", "1.5", "ten", "10000", "1_0", "1 0", "٣", "１", "²"]
)
def test_a_bad_course_seed_is_named(value):
    with pytest.raises(ValueError, match="0 to 9999") as found:
        settings.read_seed({"COURSE_SEED": value})
    assert repr(value) in str(found.value)


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


def python(code, **environment):
    """Run code in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=runtime.ROOT,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.mark.parametrize(
    "light", ["from helpers import data, runtime", "import tools.score"]
)
def test_what_needs_no_tensorflow_does_not_wait_for_it(light):
    code = f"{light}; import sys; print('tensorflow' in sys.modules)"
    assert python(code).stdout == "False\n"


def test_a_seed_starts_keras_as_every_module_does():
    code = (
        "from helpers import runtime; runtime.seed(0); import keras; "
        "print(keras.config.backend())"
    )
    run = python(code, KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="0")
    assert (run.stdout, run.stderr) == ("tensorflow\n", "")


def test_tensorflow_is_silent_and_refuses_unseeded_draws():
    # One fresh process for both, because starting TensorFlow takes seconds.
    # The step compiles a Conv2D before a LeakyReLU, which prints red text
    # unless the log level is high enough.
    code = """
from helpers import training
from helpers.lessons import dcgan
import keras, numpy as np, tensorflow as tf
gan = dcgan.build_gan(dcgan.Recipe(seed=0))
training.fit(gan, np.zeros((4, 28, 28, 1), "float32"), 1)
tf.random.set_seed(None)
try:
    tf.random.normal((1,))
except RuntimeError:
    print("refused")
"""
    run = python(code, TF_CPP_MIN_LOG_LEVEL="0")
    assert (run.stdout, run.stderr) == ("refused\n", "")


OTHER_KERAS = {
    "floatx": "float64",
    "epsilon": 0.1,
    "backend": "jax",
    "image_data_format": "channels_first",
}

OTHER_STYLE = "text.usetex: True\nfont.family: Arial\nfont.size: 40\n"


@pytest.mark.parametrize(
    "first",
    ["import helpers.backend", "import keras; keras.config.dtype_policy()"],
)
def test_settings_of_the_user_change_nothing(tmp_path, first):
    file = tmp_path / "keras.json"
    file.write_text(json.dumps(OTHER_KERAS), encoding="utf-8")
    style = tmp_path / "matplotlibrc"
    style.write_text(OTHER_STYLE, encoding="utf-8")
    code = f"""
{first}
import helpers.backend, keras
from helpers import checkpoints, views
import os
model = checkpoints.load("digit_classifier")
print(keras.config.floatx(), keras.config.epsilon(), keras.config.backend())
print(keras.config.image_data_format(), model.dtype)
print(keras.config.max_epochs(), "KERAS_NNX_ENABLED" in os.environ)
style = views.plt.rcParams
print(style["text.usetex"], style["font.family"], style["font.size"])
print(style["backend"])
"""
    switches = {"KERAS_BACKEND": "tensorflow"}
    style = {"MATPLOTLIBRC": str(style), "MPLBACKEND": "svg"}
    if first == "import helpers.backend":
        switches = {
            "KERAS_BACKEND": "jax",
            "KERAS_MAX_EPOCHS": "1",
            "KERAS_NNX_ENABLED": "1",
            "TF_CPP_MAX_VLOG_LEVEL": "1",
        }
    run = python(code, KERAS_HOME=str(tmp_path), **switches, **style)
    assert run.stdout.splitlines() == [
        "float32 1e-07 tensorflow",
        "channels_last float32",
        "None False",
        "False ['sans-serif'] 13.0",
        "svg",
    ], run.stderr
    assert "keras" in first or not run.stderr


def test_a_file_that_keras_refuses_is_named_by_the_doctor(tmp_path):
    (tmp_path / "keras.json").write_text("[]", encoding="utf-8")
    code = "from tools import doctor; print(doctor.main())"
    run = python(code, KERAS_HOME=str(tmp_path))
    assert "Keras cannot read its settings" in run.stdout
    assert "Move its file keras.json away" in run.stdout
    assert ".venv" not in run.stdout and run.stdout.endswith("1\n")


def test_the_doctor_names_a_wrong_variable():
    code = "from tools import doctor; print(doctor.main())"
    run = python(code, COURSE_PROFILE="Lecture")
    assert "Did you mean 'lecture'?" in run.stdout
    assert "  Set COURSE_PROFILE to one of these, or unset it" in run.stdout
    assert ".venv" not in run.stdout and run.stdout.endswith("1\n")


def raised(error):
    """An error as a module of the course raises it."""
    try:
        raise error
    except Exception as found:
        return found


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (ModuleNotFoundError("pandas", name="pandas"), "Delete the folder"),
        (ImportError("x", name="tensorflow"), "pip install -r"),
        (ImportError("x", name="helpers.data"), "restore helpers/data.py"),
        (ModuleNotFoundError("x", name="helpers.exercises"), "exercises is m"),
        (MemoryError(), "Close other programs"),
        (
            SyntaxError("x", (str(doctor.ROOT / "helpers/a.py"), 1, 1, "")),
            "restore helpers/a.py",
        ),
        (
            SyntaxError("x", ("/v/site-packages/a.py", 1, 1, "")),
            "Delete the folder",
        ),
        (
            FileNotFoundError(2, "x", str(doctor.ROOT / "requirements.txt")),
            "restore requirements.txt",
        ),
        (NameError("x"), "restore tests/core/test_runtime.py"),
    ],
)
def test_the_doctor_has_a_remedy_for_each_cause(error, wanted):
    assert wanted in doctor.remedy(raised(error))
    cause = ImportError("TensorFlow cannot be imported")
    cause.__cause__ = raised(error)
    assert wanted in doctor.remedy(raised(cause))
