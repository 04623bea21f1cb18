"""Right answers, read from the solutions, beside which wrong ones are set."""

import ast
import re
from typing import Any

import nbformat
import pytest

from helpers import runtime

DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef)


def solved(number: str) -> dict[int, Any]:
    """Return the right answer of each exercise of a lesson.

    Only imports and functions of the solutions are executed, and what sets
    `answer` before a checker is called.
    """
    folder = runtime.ROOT / "notebooks" / "solutions"
    notebook = nbformat.read(folder / f"{number}_solutions.ipynb", 4)
    cells = [
        cell.source for cell in notebook.cells if cell.cell_type == "code"
    ]
    names: dict[str, Any] = {}
    found = {}
    for node in ast.parse("\n".join(cells)).body:
        text = ast.unparse(node)
        if isinstance(node, DEFINES) or text.startswith("answer = "):
            exec(text, names)
        called = re.fullmatch(r"lesson_\d\d\.exercise_(\d+)\(answer\)", text)
        if called:
            found[int(called[1])] = names["answer"]
    return found


def judge(
    checker: Any, right: Any, wrong: list, capsys: pytest.CaptureFixture
) -> None:
    """Hold a checker to its verdict on a right answer and on wrong ones."""
    checker(...)
    checker(right)
    assert capsys.readouterr().out == "not attempted\nPASS\n"
    assert len(wrong) >= 2
    for answer in wrong:
        checker(answer)
        assert capsys.readouterr().out.startswith("not yet: "), answer
