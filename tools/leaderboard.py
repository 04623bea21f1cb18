"""Write the leaderboard of the README: python -m tools.leaderboard.

The table stands between two marks and comes from the cards of the
checkpoints; a test compares it.
"""

from pathlib import Path

from helpers import runtime
from helpers.lessons import evaluation
from tools import tables

README = runtime.ROOT / "README.md"
BEGIN = "<!-- leaderboard: python -m tools.leaderboard -->\n"
END = "<!-- end -->\n"


def render() -> str:
    """Return the leaderboard as a Markdown table."""
    table = evaluation.leaderboard().drop(columns="rarest")
    return tables.markdown(table.reset_index()) + "\n"


def write(path: Path = README) -> None:
    """Put the table between its marks; the rest of the file stays.

    Args:
        path: the file.

    Raises:
        ValueError: the marks are not there, once each and in order.
    """
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended) or BEGIN in after or END in after + before:
        raise ValueError(
            f"{path}: expected the lines {BEGIN.strip()!r} and "
            f"{END.strip()!r}, once each and in this order."
        )
    path.write_text(before + BEGIN + render() + END + after, encoding="utf-8")


if __name__ == "__main__":
    write()
