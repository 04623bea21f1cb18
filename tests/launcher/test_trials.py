"""Trials of both commands: each is done once, and a failure stays."""

import json

import pytest

from tools import trials

pytest.importorskip("fcntl")  # Windows has none, and no trials
TWO = ["one thread", "Python 3.13"]
FAILS = ("run", "Python 3.13")


@pytest.fixture
def attempts(tmp_path, monkeypatch):
    """Every trial is made up; one of them fails. The list of those done."""
    made = []

    def attempt(task, condition, slot):
        made.append((task, condition))
        return {
            "task": task,
            "condition": condition,
            # The first time alone.
            "status": int(made[-1] == FAILS and made.count(FAILS) == 1),
            "seconds": 7,
            "versions": {"Python": "3.13.0"},
            "machine": "a machine",
        }

    for name in ("BUILD", "RESULTS", "REPORT"):
        monkeypatch.setattr(trials, name, tmp_path / name)
    monkeypatch.setattr(trials, "attempt", attempt)
    return made


def test_a_trial_is_done_once_and_a_failure_stays(attempts):
    assert trials.main(TWO[:1]) == 0
    assert trials.main(TWO) == 1
    assert trials.main(TWO) == 1
    assert attempts == [
        (task, name) for name in TWO for task in ("test", "run")
    ]
    lines = trials.RESULTS.read_text(encoding="utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 4
    told = trials.REPORT.read_text(encoding="utf-8")
    assert "4 runs, 1 failed" in told
    assert "| Python 3.13 | 3.13.0 | passed, 7 s | FAILED, 7 s |" in told


def test_a_fault_that_was_fixed_is_told_and_tried_again(attempts):
    assert trials.main(TWO) == 1
    rows = trials.done()
    rows[3]["fault"] = "a typing error"
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    trials.RESULTS.write_text(text, encoding="utf-8")
    trials.main(TWO[:1])  # which has nothing left to do
    assert "a typing error" in trials.REPORT.read_text(encoding="utf-8")
    assert trials.main(TWO[1:]) == 0
    told = trials.REPORT.read_text(encoding="utf-8")
    assert "5 runs, 1 failed" in told
    assert "- run, Python 3.13: a typing error" in told


def test_two_calls_share_the_work(attempts):
    trials.BUILD.mkdir()
    with trials.claimed("test_one thread") as free:
        assert free
        trials.main(TWO[:1])
    assert attempts == [("run", "one thread")]


def test_a_condition_that_is_not_there(attempts, capsys):
    assert trials.main(["three threads"]) == 2
    assert "one thread" in capsys.readouterr().err
    assert not attempts


def test_a_python_that_is_not_there_is_no_failed_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "BUILD", tmp_path)
    with pytest.raises(SystemExit, match=r"python3\.99"):
        trials.checkout("3.99", "a")
    assert not list(tmp_path.iterdir())


def test_nothing_of_the_course_reaches_a_trial(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_MNIST", "somewhere")
    monkeypatch.setenv("VIRTUAL_ENV", "elsewhere")
    home = tmp_path / "home"
    found = trials.environment(home, {"TZ": "UTC"})
    assert found["HOME"] == str(home) and not list(home.iterdir())
    assert found["TZ"] == "UTC"
    assert not {"COURSE_MNIST", "VIRTUAL_ENV"} & set(found)


def test_the_record_and_its_report_agree():
    rows = trials.done()
    if rows:
        assert trials.REPORT.read_text(encoding="utf-8") == trials.report(rows)
