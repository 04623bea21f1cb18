"""Which exercises in your copies say PASS: python -m tools.progress [--json].

Reads the saved outputs of the notebooks in my/ and runs nothing, so save a
notebook before you look. What lies in my/teach and my/solutions does not
count. The status is 1 if a notebook could not be read.
"""

import argparse
import io
import json
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import nbformat

from tools import choose

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = choose.NOTEBOOKS
MY = ROOT / "my"
STATES = ("no copy yet", "not run", "not yet", "PASS")  # the last one counts
ASIDE = {"teach", "solutions", ".ipynb_checkpoints"}
CALL = re.compile(r"\blesson_(\d\d)\.exercise_(\d+)\(")
VERDICT = re.compile(r"PASS$|not (?:yet|attempted|judged)\b")
NO_FOLDER = (
    "There is no folder my/ yet. This makes your copies of the lessons and "
    "opens them: python3 course.py lab"
)
OURS = "Get it back as shipped: git restore {}"
YOURS = (
    "Move it out of my/. If it was a copy of a lesson, `python3 course.py "
    "lab` makes a new one; an earlier state may lie in .ipynb_checkpoints "
    "beside it."
)
WIDTH = 79
GONE = "its cell is gone"
UNREAD = "the copy cannot be read"


def cells(path: Path, remedy: str, faults: list[dict]) -> list[Any]:
    """Return the code cells of a notebook; none, and a fault, if it has none.

    Args:
        path: the file.
        remedy: what to do if it cannot be read.
        faults: gets an entry of file, reason and remedy then.
    """
    name = path.relative_to(ROOT).as_posix()
    try:
        with warnings.catch_warnings(action="ignore"):
            notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), 4)
            nbformat.validate(notebook)
    except OSError as error:
        reason = error.strerror or str(error)
    except UnicodeDecodeError:
        reason = "not a text file"
    except nbformat.reader.NotJSONError:
        reason = "not a notebook, or a damaged one: it is not JSON"
    except Exception:  # nbformat has many for JSON that is no notebook
        reason = "JSON, but not that of a notebook"
    else:
        return [c for c in notebook.cells if c.cell_type == "code"]
    faults.append(
        {"file": name, "reason": reason, "remedy": remedy.format(name)}
    )
    return []


def calls(cell: Any) -> list[tuple[str, int]]:
    """Return lesson and number of each exercise that a cell calls."""
    source = re.sub("#.*", "", cell.source)
    return [(lesson, int(k)) for lesson, k in CALL.findall(source)]


def read(cell: Any) -> Iterator[tuple[tuple[str, int], str, str]]:
    """Yield exercise, state and what was said, for each call in a cell."""
    asked, printed, error = calls(cell), "", ""
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            printed += output.text
        elif output.output_type == "error":
            error = f"{output.ename}: {output.evalue}"
    said = [s for s in printed.splitlines() if VERDICT.match(s)]
    said += [error] * (len(asked) - len(said))  # it came after the verdicts
    if len(set(asked)) == 1:  # of several tries the last one counts
        asked, said = asked[:1], [s for s in said if s][-1:] or [""]
    for call, words in zip(asked, said, strict=False):
        if words == "PASS":
            yield call, "PASS", ""
        else:
            first = words.partition("\n")[0].removeprefix("not yet: ")
            yield call, "not yet" if words else "not run", shorten(first)


def shorten(text: str, width: int = 60) -> str:
    """Return one line of printable text, at most so many characters."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return textwrap.shorten(text, width, placeholder="...")


def collect() -> dict[str, Any]:
    """Compare what the lessons ask with what the copies say."""
    faults: list[dict] = []
    found: dict[tuple[str, int], tuple[str, str]] = {}
    copied = {}  # name or number of a lesson -> why an exercise is not found
    for path in sorted(MY.rglob("*.ipynb")):
        if ASIDE & set(path.relative_to(MY).parts[:-1]):
            continue
        known = len(faults)
        code = cells(path, YOURS, faults)
        copied[path.name] = GONE if len(faults) == known else UNREAD
        for call, state, said in chain.from_iterable(map(read, code)):
            copied[call[0]] = GONE
            best = found.get(call, (STATES[0],))[0]
            if STATES.index(state) >= STATES.index(best):
                found[call] = state, said
    lessons, states = [], []
    for path in choose.choose([], NOTEBOOKS):
        code = cells(path, OURS, faults)
        rows = []
        for call in dict.fromkeys(c for cell in code for c in calls(cell)):
            why = copied.get(call[0]) or copied.get(path.name)
            missing = ("not run", why) if why else ("no copy yet", "")
            state, said = found.get(call, missing)
            rows.append({"exercise": call[1], "state": state, "said": said})
            states.append(state)
        if rows:
            lessons.append({"lesson": path.stem, "exercises": rows})
    return {
        "passed": states.count("PASS"),
        "asked": len(states),
        "lessons": lessons,
        "note": "" if MY.is_dir() else NO_FOLDER,
        "faults": faults,
    }


def table(report: dict[str, Any]) -> str:
    """Write what `collect` returns as a table."""
    names = [entry["lesson"] for entry in report["lessons"]]
    wide = max(map(len, ["lesson", *names])) + 2
    lines = [f"{'lesson':<{wide}}exercise  state        it said"]
    for entry in report["lessons"]:
        name = entry["lesson"]
        for row in entry["exercises"]:
            head = f"{name:<{wide}}{row['exercise']:>8}  {row['state']:<13}"
            room = max(WIDTH - len(head), 20)
            lines.append((head + shorten(row["said"], room)).rstrip())
            name = ""
    total = f"{report['passed']} of {report['asked']} exercises say PASS."
    lines += ["", total]
    notes = [report["note"]] if report["note"] else []
    for fault in report["faults"]:
        notes.append("{file} is left out: {reason}. {remedy}".format(**fault))
    for note in notes:
        lines += ["", textwrap.fill(note, WIDTH, break_long_words=False)]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if a notebook could not be read."""
    parser = argparse.ArgumentParser(
        prog="python3 course.py progress", description=__doc__
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args(arguments).json
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    report = collect()
    print(json.dumps(report, indent=2) if as_json else table(report))
    return 1 if report["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
