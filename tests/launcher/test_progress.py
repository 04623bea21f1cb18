"""What the student's own copies say about the exercises."""

import importlib
import json
import pkgutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers import checks, exercises
from tools import progress


@checks.exercise
def verdict(answer):
    """Be a checker: True is right, and 0 stops it."""
    assert 1 / answer == 1, "it is not one"


def ran(source, *printed, error=""):
    """Return a cell that was run."""
    outputs = [new_output("stream", text=text) for text in printed]
    if error:
        outputs.append(new_output("error", ename=error, evalue="it broke"))
    return new_code_cell(source, outputs=outputs, execution_count=1)


def ask(k, lesson="01"):
    return f"answer = 1\nlesson_{lesson}.exercise_{k}(answer)"


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


@pytest.fixture
def my(tmp_path, monkeypatch):
    """A course of three lessons, two with exercises; the student's folder."""
    monkeypatch.setattr(progress, "ROOT", tmp_path)
    monkeypatch.setattr(progress, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(progress, "MY", tmp_path / "my")
    asked = {"00_z": [], "02_b": [("1", "02")], "01_a": "12"}
    for name, calls in asked.items():
        cells = [ran(ask(*call), "PASS\n") for call in calls]
        write(tmp_path / "notebooks" / f"{name}.ipynb", *cells)
    (tmp_path / "my").mkdir()
    return tmp_path / "my"


def rows(capsys, status=0):
    """Run the tool; return lesson, exercise, state and words of each row."""
    assert progress.main(["--json"]) == status
    report = json.loads(capsys.readouterr().out)
    return [
        (entry["lesson"], *row.values())
        for entry in report["lessons"]
        for row in entry["exercises"]
    ]


def state(my, capsys, *cells):
    """Return state and words of exercise 1 where these cells are a copy."""
    write(my / "01_a.ipynb", *cells)
    return rows(capsys)[0][2:]


def test_what_a_checker_prints_is_understood(my, capsys):
    for answer, expected in (
        (True, ("PASS", "")),
        (2, ("not yet", "it is not one")),
        (0, ("not yet", "it stops with ZeroDivisionError: division by zero")),
        (..., ("not yet", "not attempted")),
    ):
        verdict(answer)
        printed = "my own PASS\n" + capsys.readouterr().out
        assert state(my, capsys, ran(ask(1), printed)) == expected


def test_what_was_said_is_cut_to_a_line(my, capsys):
    said = f"not yet: {'word ' * 30}\x1b[31m\nnext"
    _, words = state(my, capsys, ran(ask(1), said))
    assert words.startswith("word word") and words.endswith("word...")
    assert len(words) <= 60
    error = nbformat.from_dict(ran(ask(1), error="NameError"))
    error.outputs[0].evalue = "\x1b[31mred\nnext"
    assert state(my, capsys, error) == ("not yet", "NameError: [31mred")


def test_a_cell_that_stops_is_not_there_yet(my, capsys):
    stopped = ("not yet", "NameError: it broke")
    cell = ran(ask(1), "mine\n", error="NameError")
    assert state(my, capsys, cell) == stopped
    cell = ran(f"{ask(1)}\n{ask(1)}", "PASS\n", error="NameError")
    assert state(my, capsys, cell) == stopped
    cell = ran(f"{ask(1)}\nplot()", "PASS\n", error="NameError")
    assert state(my, capsys, cell) == ("PASS", "")


def test_a_cell_without_a_verdict_has_not_run(my, capsys):
    assert state(my, capsys, new_code_cell(ask(1))) == ("not run", "")
    assert state(my, capsys, ran(ask(1), "mine\n")) == ("not run", "")
    cell = ran(ask(1))
    cell.outputs = [new_output("stream", name="stderr", text="PASS\n")]
    assert state(my, capsys, cell) == ("not run", "")


def test_a_cell_that_is_gone_has_not_run(my, capsys):
    gone = ("not run", progress.GONE)
    assert state(my, capsys, ran("# " + ask(1, "01")[11:], "PASS")) == gone
    assert state(my, capsys, ran(ask(2), "PASS\n")) == gone


def test_a_lesson_without_a_copy(my, capsys):
    write(my / "01_a.ipynb", ran(ask(1), "PASS\n"), ran(ask(2), "PASS\n"))
    assert rows(capsys) == [
        ("01_a", 1, "PASS", ""),
        ("01_a", 2, "PASS", ""),
        ("02_b", 1, "no copy yet", ""),
    ]


def test_the_last_try_in_a_cell_counts_and_the_best_cell(my, capsys):
    twice = f"{ask(1)}\n{ask(1)}"
    wrong = ran(twice, "PASS\nnot yet: b\n")
    assert state(my, capsys, wrong) == ("not yet", "b")
    right = ran(twice, "not yet: a\n", "PASS\n")
    for cells in ((right, wrong), (wrong, right)):
        assert state(my, capsys, *cells) == ("PASS", "")
    assert state(my, capsys, ran(twice, "PASS\n")) == ("PASS", "")
    later = ran(ask(1), "not yet: c\n")
    assert state(my, capsys, wrong, later) == ("not yet", "c")


def test_two_exercises_in_one_cell(my, capsys):
    both = f"%time\n{ask(1)}; {ask(2)[11:]}"
    write(my / "01_a.ipynb", ran(both, "PASS\nnot yet: a\n"))
    assert [row[2] for row in rows(capsys)][:2] == ["PASS", "not yet"]
    write(my / "01_a.ipynb", ran(both, "PASS\n", error="NameError"))
    assert [row[2] for row in rows(capsys)][:2] == ["PASS", "not yet"]


def test_any_name_counts_and_what_others_wrote_does_not(my, capsys):
    write(my / "deep" / "mine.ipynb", ran(ask(2), "PASS\n"))
    for folder in ("teach", "solutions", "deep/.ipynb_checkpoints"):
        cells = [ran(ask(1), "PASS\n"), ran(ask(1, "02"), "PASS\n")]
        write(my / folder / "02_b.ipynb", *cells)
    assert [row[2] for row in rows(capsys)] == [
        "not run",
        "PASS",
        "no copy yet",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<<<<<<< HEAD\n{}", "it is not JSON"),
        (b"", "it is not JSON"),
        (b"\xff\xfe", "not a text file"),
        (b"[]", "not that of a notebook"),
        (b"{}", "not that of a notebook"),
        (b'{"nbformat": 4, "metadata": {}, "cells": [1]}', "not that of"),
        (b'{"nbformat": 4, "metadata": {}, "cells": []}', "not that of"),
        (None, ""),  # a folder; the system has its own words
    ],
)
def test_what_is_no_notebook_is_named_and_the_rest_shown(
    my, capsys, content, reason
):
    write(my / "02_b.ipynb", ran(ask(1, "02"), "PASS\n"))
    file = my / "01_a.ipynb"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    assert [row[2:] for row in rows(capsys, status=1)] == [
        ("not run", progress.UNREAD),
        ("not run", progress.UNREAD),
        ("PASS", ""),
    ]
    assert progress.main([]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "my/01_a.ipynb is left out: " in told and reason in told
    assert "Move it out of my/." in told and "1 of 3" in told
    assert ("JSON" in told) == (content not in (None, b"\xff\xfe"))


def test_a_mark_of_byte_order_and_twin_ids_do_no_harm(my, capsys, recwarn):
    cells = [ran(ask(1), "PASS\n"), ran(ask(2), "PASS\n")]
    text = nbformat.writes(new_notebook(cells=cells))
    text = text.replace(cells[1].id, cells[0].id)
    (my / "01_a.ipynb").write_text(text, encoding="utf-8-sig")
    assert rows(capsys)[1][2] == "PASS" and not recwarn.list


def test_a_broken_lesson_is_told_apart_from_a_broken_copy(my, capsys):
    (my.parent / "notebooks" / "00_z.ipynb").write_text("")
    assert progress.main([]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "git restore notebooks/00_z.ipynb" in told


def test_no_folder_is_no_error(my, capsys):
    my.rmdir()
    assert progress.main([]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "no folder my/ yet" in told and "python3 course.py lab" in told
    assert [row[2] for row in rows(capsys)] == ["no copy yet"] * 3
    my.mkdir()
    progress.main([])
    assert "no folder" not in capsys.readouterr().out


def test_both_formats_say_the_same(my, capsys):
    said = "it is not one"
    cells = [ran(ask(1), "PASS\n"), ran(ask(2), f"not yet: {said}\n")]
    write(my / "01_a.ipynb", *cells)
    assert progress.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "passed": 1,
        "asked": 3,
        "lessons": [
            {
                "lesson": "01_a",
                "exercises": [
                    {"exercise": 1, "state": "PASS", "said": ""},
                    {"exercise": 2, "state": "not yet", "said": said},
                ],
            },
            {
                "lesson": "02_b",
                "exercises": [
                    {"exercise": 1, "state": "no copy yet", "said": ""}
                ],
            },
        ],
        "note": "",
        "faults": [],
    }
    assert progress.main([]) == 0
    head, *lines, blank, total = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["lesson", "exercise", "state"]
    assert [line.split()[:3] for line in lines] == [
        ["01_a", "1", "PASS"],
        ["2", "not", "yet"],
        ["02_b", "1", "no"],
    ]
    assert (blank, total) == ("", "1 of 3 exercises say PASS.")
    assert lines[1].endswith(f"not yet      {said}")


def test_the_table_fits_a_terminal(my, capsys):
    name = "01_a_lesson_of_quite_a_long_name.ipynb"
    (my.parent / "notebooks" / "01_a.ipynb").rename(
        my.parent / "notebooks" / name
    )
    write(my / name, ran(ask(1), f"not yet: {'so ' * 40}\n"))
    (my / "x.ipynb").write_text("")
    assert progress.main([]) == 1
    out = capsys.readouterr().out
    assert "so so..." in out
    assert max(map(len, out.splitlines())) <= 79


def test_every_exercise_of_the_course_is_found(capsys):
    expected = [
        (module.name[-2:], int(name.removeprefix("exercise_")))
        for module in pkgutil.iter_modules(exercises.__path__)
        for name in dir(
            importlib.import_module(f"helpers.exercises.{module.name}")
        )
        if name.startswith("exercise_")
    ]
    report = progress.collect()
    assert len(expected) > 20 and expected == [
        (entry["lesson"][:2], row["exercise"])
        for entry in report["lessons"]
        for row in entry["exercises"]
    ]
