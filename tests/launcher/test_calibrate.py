"""Ranges of checks: recorded, wide enough, and refused without a record."""

import json
import math
import re

import nbformat
import pytest

from helpers.checks import check
from tools import calibrate, lessons
from tools.choose import choose, deeper

PRINTED = re.compile(
    r"^ok  (?P<claim>.+): \S+ \((?P<low>\S+) to (?P<high>\S+)\)$", re.M
)
NOTEBOOKS = [
    notebook for lesson in choose([]) for notebook in (lesson, *deeper(lesson))
]


def printed_ranges(notebook):
    """Claim -> ends of the range, as a stored lesson prints them."""
    cells = lessons.code_cells(nbformat.read(notebook, as_version=4))
    text = "\n".join(
        output.text
        for cell in cells
        for output in cell.outputs
        if output.get("name") == "stdout"
    )
    found = list(PRINTED.finditer(text))
    ranges = {
        match["claim"]: (float(match["low"]), float(match["high"]))
        for match in found
    }
    assert len(ranges) == len(found), "two checks have the same words"
    return ranges


def missing(printed, claims):
    """Claims of a lesson whose range has no record, or another one."""
    for claim, ends in printed.items():
        entry = claims.get(claim)
        if entry is None:
            yield f"{claim}: no record"
        elif not all(
            math.isclose(a, b, rel_tol=1e-5)
            for a, b in zip(ends, (entry["low"], entry["high"]), strict=True)
        ):
            yield f"{claim}: recorded for another range"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_range_of_a_lesson_has_its_record(notebook):
    printed = printed_ranges(notebook)
    file = calibrate.target(notebook)
    again = f"python -m tools.calibrate {notebook.stem[:2]}"
    claims = json.loads(file.read_text(encoding="utf-8"))["claims"]
    assert not list(missing(printed, claims)), f"Run: {again}"
    assert set(claims) == set(printed), f"old claims; run: {again}"
    for entry in claims.values():
        assert set(entry["values"]) == set(calibrate.RUNS)
    assert not calibrate.faults(claims)


def test_a_range_without_its_record_is_found():
    entry = {"low": 0, "high": 1, "values": {}}
    assert not list(missing({"a": (0, 1)}, {"a": entry}))
    assert list(missing({"b": (0, 1)}, {"a": entry})) == ["b: no record"]
    assert list(missing({"a": (0, 2)}, {"a": entry})) == [
        "a: recorded for another range"
    ]


@pytest.mark.parametrize(
    ("values", "low", "high", "n_faults"),
    [
        ((0.4, 0.6), 0, 1, 0),
        ((0.1, 0.6), 0.05, 1, 1),  # no room below
        ((0.1, 0.6), 0, 1, 0),  # 0 lies far off on a logarithmic scale
        ((0.02, 0.6), 0, 1, 1),  # it may as well fall below 0
        ((-0.1, 0.1), 0, 1, 1),
        ((0, 0), 0, 1, 0),
        ((0.4, 0.9), 0, 1, 1),  # no room above
        ((0.4, 1.2), 0, 1, 1),  # outside
        ((0.4, 1.0), 0, 1, 0),  # the end of a scale
        ((0.5, 0.5), 0, 1, 0),
        ((2, 8), 1, 20, 0),  # a factor of two to either side
        ((2, 8), 1.5, 20, 1),
        ((2, 8), 1, 10, 1),
    ],
)
def test_a_range_needs_room_to_either_side(values, low, high, n_faults):
    runs = {k: [["claim", v, low, high]] for k, v in enumerate(values)}
    claims = calibrate.gather(runs)
    assert len(calibrate.faults(claims)) == n_faults


def test_claims_of_one_value_need_no_range():
    rows = [["claim", 4, 4, 4]]
    assert calibrate.gather({"seed 0": rows + rows}) == {}


def test_two_values_of_one_claim_are_refused():
    rows = [["claim", 1, 0, 2], ["claim", 2, 0, 2]]
    with pytest.raises(ValueError, match="seed 0: 'claim' is checked twice"):
        calibrate.gather({"ci": rows[:1], "seed 0": rows})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_recorded_value_that_is_not_finite_is_a_fault(value):
    for values in ((0.4, value, 0.5), (value, 0.4)):
        runs = {k: [["claim", v, 0, 1]] for k, v in enumerate(values)}
        [fault] = calibrate.faults(calibrate.gather(runs))
        assert "claim: a value is not finite" in fault


def test_what_a_lesson_says_is_read_in_any_locale(tmp_path, monkeypatch):
    notebook = tmp_path / "07_toy.ipynb"
    cell = nbformat.v4.new_code_cell("raise ValueError('5 σ')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    monkeypatch.setattr(calibrate, "BUILD", tmp_path)
    real, asked = calibrate.subprocess.run, {}

    def run(command, **options):
        asked.update(options)
        return real(command, **options)

    monkeypatch.setattr(calibrate.subprocess, "run", run)
    with pytest.raises(RuntimeError, match=r"07_toy_seed_1: .*ValueError: 5"):
        calibrate.run_once(notebook, "seed 1")
    assert (asked["encoding"], asked["errors"]) == ("utf-8", "replace")


def test_a_check_writes_itself_down_and_goes_on(tmp_path, monkeypatch, capsys):
    record = tmp_path / "record.jsonl"
    monkeypatch.setenv("COURSE_CHECKS", str(record))
    check("inside", 0.5, 0, 1)
    check("outside", 2, 0, 1)
    with pytest.raises(AssertionError, match="outside"):
        check("one value", 2, 1, 1)
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(AssertionError, match=r"finite: (nan|-?inf) is"):
            check("not finite", value, 0, 1)
    rows = [
        json.loads(line)
        for line in record.read_text(encoding="utf-8").splitlines()
    ]
    assert rows == [
        ["inside", 0.5, 0, 1],
        ["outside", 2.0, 0, 1],
        ["one value", 2.0, 1, 1],
    ]


def test_a_run_is_kept_until_the_lesson_changes(tmp_path, monkeypatch):
    notebook = tmp_path / "07_toy.ipynb"
    # It writes as `check` does; TensorFlow would take seconds to start.
    cell = nbformat.v4.new_code_cell(
        "import os, pathlib\n"
        "record = pathlib.Path(os.environ['COURSE_CHECKS'])\n"
        "record.write_text('[\"claim\", 0.5, 0, 1]\\n')"
    )
    page = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(page, notebook)
    monkeypatch.setattr(calibrate, "BUILD", tmp_path)
    rows = calibrate.run_once(notebook, "seed 1")
    assert rows == [["claim", 0.5, 0, 1]]
    monkeypatch.setattr(calibrate.subprocess, "run", None)  # not called
    assert calibrate.run_once(notebook, "seed 1") == rows
    page.cells[0].source += "  # changed"
    nbformat.write(page, notebook)
    with pytest.raises(TypeError):
        calibrate.run_once(notebook, "seed 1")
