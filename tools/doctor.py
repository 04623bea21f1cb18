"""Look for what is wrong with the course on this machine.

Prints the reports of the helpers and a remedy for each finding that is not
ok. It must speak even where the helpers or TensorFlow cannot be imported.
"""

import sys
from typing import Any


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
            "  Delete the folder .venv and run: python3 course.py run"
        )
        return 1
    print(table(report))
    return 0 if report["ok"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
