"""Which notebooks the number of a lesson means; standard library only."""

from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


class NoSuchLesson(ValueError):
    """A number that no lesson has."""


def choose(numbers: list[str], folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the lessons of these numbers, or all, in the course's order.

    Raises:
        NoSuchLesson: a number that no lesson has.
    """
    paths = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    known = {path.name[:2] for path in paths}
    asked = {number.zfill(2) for number in numbers}
    if asked - known:
        raise NoSuchLesson(
            f"There is no lesson {', '.join(sorted(asked - known))}. "
            f"The lessons are: {', '.join(path.stem for path in paths)}"
        )
    return [path for path in paths if not asked or path.name[:2] in asked]


def deeper(lesson: Path) -> list[Path]:
    """Return the deeper notebooks of a lesson, in order."""
    return sorted(lesson.parent.glob(f"deeper/{lesson.name[:2]}_*.ipynb"))


def with_companions(lesson: Path) -> list[Path]:
    """Return a lesson, its deeper notebooks, solutions and translations."""
    number = lesson.name[:2]
    solutions = lesson.parent.glob(f"solutions/{number}_solutions.ipynb")
    translated = lesson.parent.glob(f"[a-z][a-z]/**/{number}_*.ipynb")
    return [lesson, *deeper(lesson), *solutions, *sorted(translated)]
