"""A new lesson has every part, runs, and overwrites nothing."""

import ast
import sys

import nbformat
import pytest

from helpers import runtime
from tools import new_lesson

sys.path.insert(0, str(runtime.ROOT / "tests" / "notebooks"))
import rules


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(new_lesson, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def test_a_layout_misses_only_what_is_to_be_written(root, capsys):
    new_lesson.main(["19", "what_next"])
    path = root / "notebooks" / "19_what_next.ipynb"
    found = {name for name, _ in rules.findings(path.read_text("utf-8"), path)}
    # What only a text, or its outputs, can put right.
    unwritten = {"at_a_glance", "pictures", "references"}
    unwritten |= {"checkpoints", "exercises"}
    assert found == unwritten
    for file in root.rglob("*.py"):
        ast.parse(file.read_text("utf-8"))
    for file in root.rglob("*.ipynb"):
        nbformat.validate(nbformat.read(file, 4))
    said = capsys.readouterr().out
    assert "notebooks/solutions/19_solutions.ipynb" in said
    assert "README.md" in said


def test_nothing_is_overwritten(root):
    mine = root / "docs" / "instructor" / "19.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    new_lesson.main(["19", "what_next"])
    assert mine.read_text(encoding="utf-8") == "mine"
    with pytest.raises(SystemExit, match="has that number"):
        new_lesson.main(["19", "another"])


@pytest.mark.parametrize(("number", "name"), [("7", "a"), ("07", "A b")])
def test_strange_names_are_refused(root, number, name):
    with pytest.raises(SystemExit, match="expected"):
        new_lesson.main([number, name])
    assert not [*root.rglob("*.*")]
