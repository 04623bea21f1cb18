"""The stored form of a notebook: what the repository holds, and no more.

`course.py refresh` brings a notebook into this form, and a test asks of every
notebook that doing so again changes nothing.
"""

import copy
import re
from typing import Any

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    # What exporters need, and no version: `nbconvert --to script` writes .py.
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
WIDGET = "application/vnd.jupyter.widget-view+json"
ROOTS = "home|tmp|root|usr|var|opt|mnt|media|private|Users|content|work"
# A folder of one machine: /home/ann, ~/data, C:\data.
LOCAL = re.compile(rf"(?<![\w.:/~-])(/({ROOTS})/|~/|[A-Za-z]:(\\|/(?!/)))")


class Refused(Exception):
    """An executed notebook that must not be stored, and why."""


def code_cells(notebook: Any) -> list[Any]:
    """Return the code cells that hold code; Jupyter skips empty ones."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    ]


def tidy(notebook: Any) -> Any:
    """Return the stored form: what every execution gives alike.

    The metadata are the course's own, cells keep their tags alone, every cell
    has an id of its own, executed cells are counted from 1, empty cells are
    dropped, line ends are those of Unix, and what a cell prints is one text.
    Done twice, it changes nothing the second time.
    """
    made = copy.deepcopy(notebook)
    made.nbformat, made.nbformat_minor = 4, 5
    made.metadata = nbformat.from_dict(METADATA)
    made.cells = [cell for cell in made.cells if cell.source.strip()]
    taken: set[str] = set()
    for place, cell in enumerate(made.cells, start=1):
        cell.id = own_id(cell.get("id", ""), place, taken)
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
        cell.source = source.lstrip("\n").rstrip()
    for count, cell in enumerate(code_cells(made), start=1):
        cell.execution_count = count
        # A widget lives in its kernel; stored, it is a dead reference.
        cell.outputs = [
            o for o in cell.outputs if WIDGET not in o.get("data", {})
        ]
        for output in cell.outputs:
            output.pop("transient", None)
            if output.output_type == "execute_result":
                output.execution_count = count
    CoalesceStreamsPreprocessor().preprocess(made, {})
    return made


def own_id(given: str, place: int, taken: set[str]) -> str:
    """Return the id of a cell, or a new one if it has none of its own."""
    new = given
    while not re.fullmatch(r"[\w-]{1,64}", new, re.ASCII) or new in taken:
        new = f"cell-{place}"
        place += 1
    taken.add(new)
    return new


def refuse_noise(notebook: Any) -> None:
    """Raise Refused where an error, stderr or a local path would be stored."""
    for count, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                raise Refused(f"code cell {count} stores an error")
            if output.get("name") == "stderr":
                line = output.text.strip().splitlines()[:1] or [""]
                raise Refused(f"code cell {count} wrote to stderr: {line[0]}")
            data = output.get("data", {})
            texts = [output.get("text", "")]
            texts += [
                data.get(kind, "") for kind in ("text/plain", "text/html")
            ]
            for line in "\n".join(texts).splitlines():
                if LOCAL.search(line):
                    raise Refused(
                        f"code cell {count} shows a path of this machine: "
                        f"{line.strip()[:80]}"
                    )


def text_of(notebook: Any) -> str:
    """Return the text of a notebook's file.

    Raises:
        ValidationError: it is no valid notebook.
    """
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, indent=1, ensure_ascii=False)
    return text.rstrip("\n") + "\n"
