"""Two runs at once: the second is told, and nothing is lost."""

import subprocess
import sys

import pytest

from helpers import runtime
from studies import live_runs, model_study
from tools import calibrate
from tools.alone import alone

CODE = """
import sys
from pathlib import Path
from tools.alone import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(record):
    """Start a process that holds a record."""
    holder = subprocess.Popen(
        [sys.executable, "-c", CODE, str(record)],
        cwd=runtime.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline().strip() == b"held"
    return holder


def test_the_second_run_is_told_who_has_the_record(tmp_path):
    record = tmp_path / "results" / "record.json"
    holder = hold(record)
    try:
        with (
            pytest.raises(SystemExit, match=rf"process {holder.pid}\b"),
            alone(record),
        ):
            pytest.fail("it ran")
        with alone(tmp_path / "results" / "other.json"):
            pass
        holder.kill()  # no chance to tidy up
        holder.wait()
        with alone(record), pytest.raises(SystemExit, match="Wait until"):
            alone(record).__enter__()
    finally:
        holder.kill()
        holder.communicate()
    with alone(record):
        pass


@pytest.mark.parametrize("study", [live_runs, model_study])
def test_a_study_has_its_record_alone(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "RESULTS", tmp_path / "record.json")
    monkeypatch.setattr(study, "go_on", lambda: pytest.fail("it ran"))
    with (
        alone(study.RESULTS),
        pytest.raises(SystemExit, match="Another run"),
    ):
        study.main()


def test_a_calibration_has_its_record_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(calibrate.data, "source", lambda: "data/mnist.npz")
    monkeypatch.setattr(calibrate, "RESULTS", tmp_path)
    monkeypatch.setattr(calibrate, "BUILD", tmp_path / "build")
    monkeypatch.setattr(calibrate, "record", lambda *_: pytest.fail("it ran"))
    with (
        alone(tmp_path / "03_checks.json"),
        pytest.raises(SystemExit, match="Another run"),
    ):
        calibrate.calibrate("3")
