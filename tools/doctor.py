"""Look for what is wrong with the course on this machine.

Prints the reports of the helpers and a remedy for each finding that is not
ok. It must speak even where the helpers or TensorFlow cannot be imported.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REINSTALL = (
    "A package is missing or damaged. Delete the folder .venv and run: "
    "python3 course.py run\n  In an environment of your own: "
    "pip install -r requirements.txt"
)


def table(report: Any) -> str:
    """Format a report.

    Args:
        report: a DataFrame, columns item, value, ok (bool), remedy.

    Returns:
        One line a finding, then the remedies of those that are not ok.
    """
    width = report["item"].astype(str).str.len().max() + 2
    lines, remedies = [], []
    for item, value, ok, remedy in report[
        ["item", "value", "ok", "remedy"]
    ].itertuples(index=False):
        lines.append(f"{'ok ' if ok else 'BAD'}  {item:<{width}}{value}")
        if not ok:
            remedies.append(f"{item}: {remedy}")
    if remedies:
        lines += ["", "What to do:", *(f"  {text}" for text in remedies)]
    else:
        lines += ["", "All is well."]
    return "\n".join(lines)


def culprit(error: BaseException) -> Path | None:
    """Return the file of the course that an error comes from, if one does."""
    if isinstance(error, ImportError):
        first, *rest = (error.name or "").split(".")
        if first not in ("helpers", "tools"):
            return None
        module = ROOT.joinpath(first, *rest)
        return module if module.is_dir() else module.with_suffix(".py")
    frames = traceback.extract_tb(error.__traceback__)
    names = [frame.filename for frame in frames]
    if isinstance(error, SyntaxError | OSError) and error.filename:
        names.append(str(error.filename))
    for path in map(Path, reversed(names)):
        if "site-packages" in path.parts:
            return None
        if path.is_relative_to(ROOT):
            return path
    return None


def remedy(error: BaseException) -> str:
    """Say what to do about an error that keeps the course from starting."""
    if hasattr(error, "remedy"):  # a setting that the course refuses
        return error.remedy
    while error.__cause__:
        error = error.__cause__
    if isinstance(error, MemoryError):
        return "Close other programs; a lesson needs up to 3 GB."
    path = culprit(error)
    if path is None:
        return REINSTALL
    name = path.relative_to(ROOT).as_posix()
    return (
        f"{name} is missing, damaged or changed. Correct it, or get it back "
        f"as shipped (changes of yours are lost): git restore {name}"
    )


def main() -> int:
    """Print the report; 1 if something in it is not ok."""
    try:
        import pandas as pd

        from helpers import checkpoints, data, runtime

        modules = (runtime, data, checkpoints)
        report = pd.concat([module.report() for module in modules])
    # Whatever a broken installation raises, the user needs a sentence.
    except Exception as error:
        print(
            f"The course's own code does not run here: "
            f"{type(error).__name__}: {error}\n\nWhat to do:\n"
            f"  {remedy(error)}"
        )
        return 1
    print(table(report))
    return 0 if report["ok"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
