"""Copies of the lessons to work in: python -m tools.copies [--teach].

Students get my/, outputs cleared, so that a prediction is one. Instructors
get my/teach/: there the cells to type live are empty, with their text folded
below, the code of votes and checks is folded too, and the notes of each
lesson lie beside it. A file that is there already stays as it is.
"""

import argparse
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
NOTES = ROOT / "docs" / "instructor"
MY = ROOT / "my"
FOLDED = {"jupyter": {"source_hidden": True}}


def cleared(notebook: Any) -> Any:
    """Return a notebook without outputs."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def for_teaching(notebook: Any) -> Any:
    """Return an instructor's copy of a notebook."""
    notebook = cleared(notebook)
    notebook.cells = [made for cell in notebook.cells for made in staged(cell)]
    return notebook


def staged(cell: Any) -> Iterator[Any]:
    """Yield what an instructor has in place of a cell."""
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code":
        yield cell
    elif "live" in tags:
        answer = copy.deepcopy(cell)
        answer.id = f"{cell.id}-text"
        answer.metadata.update(FOLDED)
        cell.source = "# Type this one; its text is folded below."
        yield cell
        yield answer
    else:
        if "predict" in tags or "check(" in cell.source:
            cell.metadata.update(FOLDED)
        yield cell


def put(target: Path, text: str) -> bool:
    """Write a new file; False, and nothing done, where one is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = target.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(text)
    except BaseException:  # no half a lesson, which would stay
        target.unlink()
        raise
    return True


def make(change: Callable[[Any], Any], folder: Path) -> list[str]:
    """Copy what a folder lacks.

    Args:
        change: makes a copy of a notebook.
        folder: where to; solutions and deeper notebooks go to folders in it.

    Returns:
        The names of the new copies.
    """
    copied = []
    for source in sorted(NOTEBOOKS.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in source.parts:
            target = folder / source.relative_to(NOTEBOOKS)
            if not target.exists():
                text = nbformat.writes(change(nbformat.read(source, 4)))
                put(target, text)
                copied.append(source.stem)
    return copied


def main(arguments: list[str] | None = None) -> None:
    """Make the copies and say which are new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teach", action="store_true")
    teach = parser.parse_args(arguments).teach
    folder = MY / "teach" if teach else MY
    copied = make(for_teaching if teach else cleared, folder)
    for notes in sorted(NOTES.glob("*.md")) if teach else []:
        put(
            folder / f"{notes.stem}_notes.md",
            notes.read_text(encoding="utf-8"),
        )
    if copied:
        name = folder.relative_to(ROOT).as_posix()
        print(f"New in {name}/: {', '.join(copied)}")


if __name__ == "__main__":
    main()
