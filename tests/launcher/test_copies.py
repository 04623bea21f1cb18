"""What students and instructors get of a lesson, and keep."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import copies


def code(source, *tags):
    shown = nbformat.v4.new_output("stream", text="5")
    cell = new_code_cell(source, outputs=[shown], execution_count=3)
    cell.metadata["tags"] = list(tags)
    return cell


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A course of one lesson and its solutions."""
    monkeypatch.setattr(copies, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(copies, "MY", tmp_path / "my")
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "NOTES", tmp_path / "notes")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "01.md").write_text("say it", encoding="utf-8")
    cells = [
        new_markdown_cell("<details>answer</details>"),
        code("a = 1", "live"),
        code("plot(a)", "predict"),
        code('check("a", a, 1, 1)'),
        code("b = 2"),
    ]
    for name in ("01_a.ipynb", "solutions/01_solutions.ipynb"):
        path = tmp_path / "notebooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(cells=cells), path)
    return tmp_path / "my"


def read(path):
    return nbformat.read(path, 4).cells


def test_a_students_copy_has_no_output(lesson, capsys):
    copies.main([])
    assert capsys.readouterr().out == "New in my/: 01_a, 01_solutions\n"
    cells = read(lesson / "01_a.ipynb")
    assert [cell.source for cell in cells][1:3] == ["a = 1", "plot(a)"]
    assert not any(cell.get("outputs") for cell in cells)
    assert not any(cell.get("execution_count") for cell in cells)
    assert (lesson / "solutions" / "01_solutions.ipynb").exists()


def test_an_instructors_copy_leaves_the_live_cells_to_type(lesson):
    copies.main(["--teach"])
    path = lesson / "teach" / "01_a.ipynb"
    nbformat.validate(nbformat.read(path, 4))
    _, live, text, vote, claim, plain = read(path)
    assert "a = 1" not in live.source and "jupyter" not in live.metadata
    assert text.source == "a = 1"
    for cell in (text, vote, claim):
        assert cell.metadata["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in plain.metadata and not plain.outputs
    notes = lesson / "teach" / "01_notes.md"
    assert notes.read_text(encoding="utf-8") == "say it"


def test_half_a_copy_does_not_stay(lesson, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def write(self, text):
            raise OSError(28, "No space left on device")

    real = copies.Path.open

    def full(path, *mode, **options):
        real(path, *mode, **options).close()
        return Full()

    monkeypatch.setattr(copies.Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        copies.put(lesson / "a.ipynb", "text")
    assert not list(lesson.iterdir())


def test_what_is_there_stays(lesson, capsys):
    copies.main([])
    mine = lesson / "01_a.ipynb"
    mine.write_text("mine", encoding="utf-8")
    (lesson / "solutions" / "01_solutions.ipynb").unlink()
    capsys.readouterr()
    copies.main([])
    assert mine.read_text(encoding="utf-8") == "mine"
    assert capsys.readouterr().out == "New in my/: 01_solutions\n"
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not [p for p in lesson.rglob("*") if p.name.startswith(".")]
