"""The instructor's kit: its links, its sums, its questions."""

import functools
import re
from itertools import pairwise
from pathlib import Path

import pytest
import reader

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "instructor"
KIT = FOLDER / "README.md"
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
TEXT = KIT.read_text(encoding="utf-8")
PARTS = dict(re.findall(r"(?ms)^#{2,3} ([^\n]+)\n(.*?)(?=^#{2,3} |\Z)", TEXT))
# A plan's heading says how long it is, or each week of it.
PLANS = [h for h in PARTS if re.search(r"\d+ minutes|of \d+ minutes", h)]
# A link to a notebook, or a title in italics, which is one of its headings.
LINK_OR_TITLE = r"\]\(([^)]+\.ipynb)\)|(?<!\*)\*([^*|]+)\*"


@functools.cache
def headings(path: Path) -> set[str]:
    """Return the headings of a notebook."""
    nb = reader.Notebook(path.read_text(encoding="utf-8"), path)
    return {heading.text for heading in nb.headings}


@functools.cache
def clock(number: str) -> list[int]:
    """Return where the rows of a lesson's minute plan begin, and its end."""
    text = (FOLDER / f"{number}.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \|", text)
    [end] = re.findall(r"(?m)^(\d+) minutes in class", text)
    return sorted({*map(int, rows), int(end)})


def rows(plan: str) -> list[dict[str, str]]:
    """Return the rows of a plan by the names of their columns."""
    [[names, *found]] = reader.tables(PARTS[plan])
    return [dict(zip(names, row, strict=True)) for row in found]


def spans(row: dict[str, str]) -> list[tuple[int, int]]:
    """Return from where to where a row takes a lesson's minute plan."""
    found = re.findall(r"(\d+)-(\d+)", row["rows"])
    return [(int(start), int(end)) for start, end in found]


def test_links_lead_to_files() -> None:
    """Copies in my/teach lie as deep, so each link goes up to the root."""
    targets = reader.link_targets(TEXT)
    lost = [t for t in targets if not (FOLDER / t).is_file()]
    low = [t for t in targets if not t.startswith("../../")]
    assert not lost, f"no such file: {lost}"
    assert not low, f"begin with ../../: {low}"


def test_titles_in_tables_are_headings_of_the_notebook() -> None:
    """Italics in a table are titles, of the notebook linked before them."""
    wrong, checked = [], 0
    for line in filter(lambda line: line.startswith("|"), TEXT.splitlines()):
        path = None
        for link, title in re.findall(LINK_OR_TITLE, line):
            path = (FOLDER / link).resolve() if link else path
            checked += bool(title)
            if title and (path is None or title not in headings(path)):
                wrong.append(f"{path and path.name}: {title}")
    assert checked > len(LESSONS)
    assert not wrong, f"not a heading there: {wrong}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_has_its_exit_questions(lesson: Path) -> None:
    """Two or three, each with an answer, and a figure to print."""
    [table] = reader.tables(PARTS["Exit questions"])
    mine = [row for row in table if row[0] == lesson.name[:2]]
    assert len(mine) in (2, 3), f"{len(mine)} exit questions, not 2 or 3"
    for _, question, answer in mine:
        assert "?" in question and answer, f"no question or answer: {question}"
    assert lesson.name in PARTS["What to print"], "no figure to print"


def test_there_are_three_plans() -> None:
    """Half a day, a day, a term."""
    assert len(PLANS) == 3, PLANS


@pytest.mark.parametrize("plan", PLANS)
def test_minutes_add_up_to_the_heading(plan: str) -> None:
    """Of the plan, or of each of its weeks; its clock agrees."""
    [promised] = re.findall(r"(\d+) minutes", plan)
    sums: dict[str, int] = {}
    for row in rows(plan):
        week = row.get("week", "")
        passed = sums.get(week, 0)
        if "at" in row:
            now = f"{passed // 60}:{passed % 60:02}"
            assert row["at"] == now, f"{row['at']} should be {now}"
        sums[week] = passed + int(row["minutes"])
    assert set(sums.values()) == {int(promised)}, f"minutes: {sums}"
    weeks = re.findall(r"(\d+) weeks", plan) or [1]
    assert len(sums) == int(weeks[0]), f"weeks: {list(sums)}"


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_keeps_to_the_minute_plans(plan: str) -> None:
    """Spans begin and end with rows there, in order, and give the minutes."""
    for row in rows(plan):
        lesson = re.match(r"\[(\d\d)\]", row["lesson and sections"])
        taken = spans(row)
        assert bool(lesson) == bool(taken), f"a lesson without rows: {row}"
        if not lesson:
            continue
        number = lesson[1]
        ends = [minute for span in taken for minute in span]
        strange = set(ends) - set(clock(number))
        assert not strange, f"{number}.md has no row at minute {strange}"
        assert all(a <= b for a, b in pairwise(ends)), f"order: {row['rows']}"
        length = sum(end - start for start, end in taken)
        said = f"{number}: rows give {length} minutes, not {row['minutes']}"
        assert length == int(row["minutes"]), said
