"""Every translation says what its original says, and says it today.

A folder of two letters in notebooks/, such as zh/, holds translations: the
same names, the same code, other words. README.zh.md translates the README.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from reader import Cell, image_links, link_targets, split, without_code

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"
LANGUAGE = re.compile(r"[a-z]{2}")
FILES = sorted(NOTEBOOKS.glob("[a-z][a-z]/**/[0-9]*.ipynb"))
READMES = sorted(ROOT.glob("README.[a-z][a-z].md"))
# What no text in this language lacks; a new language adds its line.
SCRIPTS = {"zh": ("Chinese characters", r"[\u4e00-\u9fff]")}
DIGITS = re.compile(r"\d(?:[\d,.]*\d)?", re.ASCII)
FORMULA = re.compile(r"(?s)\$\$.+?\$\$|\$[^$\n]+\$")
SPAN = re.compile(r"(?s)(?<!`)(``?)(?!`)(.+?)(?<!`)\1(?!`)")
BOARD = re.compile(r"(?s)<!-- leaderboard.*?<!-- end -->")

Content = dict[str, Any]


def original_of(path: Path) -> Path:
    """Return the notebook that a notebook in notebooks/zh translates."""
    return NOTEBOOKS.joinpath(*path.relative_to(NOTEBOOKS).parts[1:])


def text_of(cell: Content) -> str:
    """Return the source of a cell."""
    return "".join(cell["source"])


def levels(text: str) -> list[int]:
    """Return the levels of the headings."""
    blocks = split(Cell(0, "markdown", text, frozenset(), []))
    return [block.level for block in blocks if block.kind == "heading"]


def home(target: str, folder: Path) -> str:
    """Return where a link leads, in the root's and the original's terms.

    A link to a translation leads to its original. Its anchor is left out:
    headings differ.
    """
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return re.sub(r"^#.*", "#", target)
    name, _, anchor = target.partition("#")
    path = (folder / name).resolve()
    if path.parent == ROOT and path.name.startswith("README."):
        return "README.md"
    if not path.is_relative_to(ROOT):
        return target
    parts = path.relative_to(ROOT).parts
    if parts[0] == "notebooks" and len(parts) > 2:
        parts = parts[:1] + parts[1 + bool(LANGUAGE.fullmatch(parts[1])) :]
    if path.suffix == ".ipynb":
        anchor = ""
    return "/".join(parts) + f"#{anchor}" * bool(anchor)


def targets(text: str, folder: Path) -> Counter[str]:
    """Count where the links and images of a text lead."""
    text = without_code(text)
    found = [target for _, target in image_links(text)] + link_targets(text)
    return Counter(home(target, folder) for target in found)


def spans(text: str) -> Counter[str]:
    """Count the pieces of inline code, however they are wrapped."""
    fenceless = re.sub(r"(?ms)^\s*(```|~~~).*?^\s*\1[^\n]*$", " ", text)
    return Counter(" ".join(s.split()) for _, s in SPAN.findall(fenceless))


def formulas(text: str) -> Counter[str]:
    """Count the formulas, however they are wrapped."""
    return Counter(" ".join(f.split()) for f in FORMULA.findall(text))


def numbers(text: str) -> Counter[str]:
    """Count the numbers written in digits, those of targets left out."""
    return Counter(DIGITS.findall(re.sub(r"\]\([^)]*\)", "]", text)))


def blocks(text: str) -> list[str]:
    """Return the lines of the indented and fenced code."""
    fences = re.findall(r"(?ms)^```[^\n]*\n(.*?)^```", text)
    lines = re.findall(r"(?m)^ {4}(\S.*)$", text)
    return lines + [line for fence in fences for line in fence.splitlines()]


def differ(mine: Counter[str], theirs: Counter[str]) -> str:
    """Say what one of two lists has more of; empty where they agree."""
    more, less = sorted(mine - theirs), sorted(theirs - mine)
    return f"lacks {less}, has in excess {more}" if more or less else ""


def pair_faults(
    cell: Content, wanted: Content, folders: tuple[Path, Path], language: str
) -> Iterator[str]:
    """Yield what is wrong with the translation of one Markdown cell."""
    text, original = text_of(cell), text_of(wanted)
    if levels(text) != levels(original):
        yield (
            f"headings of levels {levels(text)}; expected: "
            f"{levels(original)}, as in the original. Translate each heading."
        )
    for what, found, expected in (
        (
            "links",
            targets(text, folders[0]),
            targets(original, folders[1]),
        ),
        ("formulas", formulas(text), formulas(original)),
        # A name may come twice where English says "it".
        ("inline code", Counter({*spans(text)}), Counter({*spans(original)})),
        ("numbers", numbers(text), numbers(original)),
    ):
        if said := differ(found, expected):
            yield (
                f"{what}: it {said}; expected: those of the original. "
                "Read the original and correct the translation."
            )
    name, script = SCRIPTS.get(language, ("words", r"\w"))
    if re.search(r"[^\W\d_]", original) and not re.search(script, text):
        yield f"no {name}; expected: a translation. Translate the cell."


def faults(
    made: Content, original: Content, folders: tuple[Path, Path], language: str
) -> Iterator[str]:
    """Yield where a translation differs from its original, and what to do.

    Args:
        made: the translated notebook.
        original: the notebook that it translates.
        folders: where the two lie, for their links.
        language: two letters.
    """
    cells, wanted = made["cells"], original["cells"]
    ids = [[cell["id"] for cell in each] for each in (cells, wanted)]
    if ids[0] != ids[1]:
        pairs = enumerate(zip(*ids, strict=False), start=1)
        off = next((n for n, (a, b) in pairs if a != b), len(ids[0]))
        yield (
            f"cell {off}: {len(ids[0])} cells, ids {ids[0]}; expected: "
            f"{len(ids[1])} cells, ids {ids[1]}. Give the translation the "
            "original's cells in their order, with their ids."
        )
        return
    for number, (cell, other) in enumerate(zip(cells, wanted, strict=True), 1):
        place = f"cell {number} ({other['id']})"
        kind, expected = cell["cell_type"], other["cell_type"]
        if kind != expected:
            yield f"{place}: type {kind}; expected: {expected}. Change it."
            continue
        tags, right = (c["metadata"].get("tags", []) for c in (cell, other))
        if tags != right:
            yield f"{place}: tags {tags}; expected: {right}. Copy them."
        if kind == "code" and text_of(cell) != text_of(other):
            yield (
                f"{place}: other code; expected: {text_of(other)!r}. Copy it "
                "from the original and store the outputs again."
            )
        if kind == "markdown":
            for fault in pair_faults(cell, other, folders, language):
                yield f"{place}: {fault}"


def lessons(text: str, folder: Path = ROOT) -> list[str]:
    """Return where the rows of the table of lessons lead, in order."""
    rows = re.findall(r"(?m)^\| \d\d \|.*$", text)
    return [home(t, folder) for row in rows for t in link_targets(row)]


def readme_faults(text: str, original: str) -> Iterator[str]:
    """Yield where a translated README differs from the README."""
    if blocks(text) != blocks(original):
        yield (
            f"commands {blocks(text)}; expected: {blocks(original)}. "
            "Copy the code blocks from README.md."
        )
    commands, wanted = (
        Counter(s for s in spans(page).elements() if "course.py" in s)
        for page in (text, original)
    )
    if said := differ(commands, wanted):
        yield f"commands in the text: it {said}; expected: README.md's. Copy."
    if lessons(text) != lessons(original):
        yield (
            f"lessons {lessons(text)}; expected: {lessons(original)}. "
            "Give the table README.md's rows."
        )
    if levels(text) != levels(original):
        yield (
            f"headings of levels {levels(text)}; expected: "
            f"{levels(original)}. Give it README.md's headings."
        )
    said = differ(numbers(text), numbers(BOARD.sub("", original)))
    if said:
        yield f"numbers: it {said}; expected: README.md's. Correct them."


# --- the translations


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_translation_equals_its_original(path: Path) -> None:
    """Same code, same skeleton, same numbers, in another language."""
    original = original_of(path)
    assert original.is_file(), (
        f"{path.relative_to(ROOT)} translates nothing; expected: a file "
        f"{original.relative_to(ROOT)}. Give both the same name."
    )
    made, wanted = (
        json.loads(file.read_text(encoding="utf-8"))
        for file in (path, original)
    )
    language = path.relative_to(NOTEBOOKS).parts[0]
    folders = (path.parent, original.parent)
    found = [*faults(made, wanted, folders, language)]
    assert not found, f"{path.relative_to(ROOT)}:\n" + "\n".join(found)


@pytest.mark.parametrize("path", READMES, ids=lambda p: p.name)
def test_a_translated_readme_equals_the_readme(path: Path) -> None:
    """Same commands, lessons, headings and numbers; linked both ways."""
    text, original = (
        file.read_text(encoding="utf-8") for file in (path, ROOT / "README.md")
    )
    found = [*readme_faults(text, original)]
    assert not found, f"{path.name}:\n" + "\n".join(found)
    first = text.splitlines()[0]
    assert "](README.md)" in first, (
        f"{path.name}: first line {first!r}; expected: a link to README.md."
    )
    assert f"]({path.name})" in original, (
        f"README.md: no link to {path.name}; expected: one near the top."
    )


# --- a small course to break

MADE = NOTEBOOKS / "zh"
LINK = "[x](01_gan_theory.ipynb)"
WORDS = f"# One\n\nSee {LINK}, `x = 1` and $x^2$: 5,000 pictures."
SAID = f"# 一\n\n看{LINK}、`x = 1` 和 $x^2$：5,000 张图片。"
SAID = SAID.replace("(01", "(../01")


def course(words: str) -> Content:
    """Return a notebook of two cells."""
    cells = [("markdown", "a", words), ("code", "b", "x = 1")]
    return {
        "cells": [
            {"cell_type": kind, "id": name, "source": text, "metadata": {}}
            for kind, name, text in cells
        ]
    }


def reworded(old: str, new: str, at: int = 0) -> Callable[[Content], None]:
    """Return a change of the text of a cell."""

    def change(notebook: Content) -> None:
        cell = notebook["cells"][at]
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new)

    return change


def found(made: Content, original: Content) -> list[str]:
    """Return the faults of a small translation."""
    return [*faults(made, original, (MADE, NOTEBOOKS), "zh")]


def test_a_good_translation_has_no_fault() -> None:
    """What the changes below break is whole before."""
    assert not found(course(SAID), course(WORDS))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n["cells"].pop(), r"cells, ids .*ids"),
        (lambda n: n["cells"].reverse(), r"cell 1: 2 cells, ids"),
        (lambda n: n["cells"][1].update(id="c"), r"cell 2: .*with their ids"),
        (lambda n: n["cells"][1].update(cell_type="raw"), r"\(b\): type "),
        (
            lambda n: n["cells"][1].update(metadata={"tags": ["live"]}),
            r"cell 2 \(b\): tags .*Copy",
        ),
        (reworded("1", "2", at=1), r"cell 2 \(b\): other code"),
        (reworded("# One", "## One"), r"cell 1 \(a\): headings of levels"),
        (reworded("# One\n", "# One\n\n## Two\n"), r"headings of levels"),
        (reworded("01_gan_theory", "03_mnist"), r"links: it lacks .*excess"),
        (reworded("$x^2$", "$x^3$"), r"formulas: it lacks"),
        (reworded("`x = 1`", "`y = 1`"), r"inline code: it lacks"),
        (reworded("5,000", "6,000"), r"numbers: it lacks \['6,000'\]"),
    ],
)
def test_a_changed_original_is_noticed(
    change: Callable[[Content], Any], said: str
) -> None:
    """The original is changed, the translation is not."""
    original = copy.deepcopy(course(WORDS))
    change(original)
    lines = found(course(SAID), original)
    assert any(re.search(said, line) for line in lines), lines


def test_what_is_left_in_english_is_noticed() -> None:
    """A cell without a Chinese character is not translated."""
    made = course(WORDS.replace("(01", "(../01"))
    assert found(made, course(WORDS)) == [
        "cell 1 (a): no Chinese characters; expected: a translation. "
        "Translate the cell."
    ]


def test_a_translation_may_link_to_translations() -> None:
    """00_start_here in zh may name its neighbours in either language."""
    words = "a [b](00_start_here.ipynb) [c](../README.md#lessons)"
    said = "一 [b](00_start_here.ipynb) [c](../../README.zh.md#课程)"
    assert [home(t, MADE) for t in link_targets(said)] == [
        home(t, NOTEBOOKS) for t in link_targets(words)
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    python3 course.py test", "    python3 course.py", "commands ["),
        ("`python3 course.py lab`", "`lab`", "commands in the text"),
        ("](notebooks/01_gan", "](notebooks/02_gan", "lessons ["),
        ("## Licence", "Licence", "headings of levels"),
        ("12 minutes", "13 minutes", "numbers: it lacks ['13']"),
    ],
)
@pytest.mark.parametrize("path", READMES, ids=lambda p: p.name)
def test_a_changed_readme_is_noticed(
    path: Path, old: str, new: str, said: str
) -> None:
    """The README is changed, its translation is not."""
    original = (ROOT / "README.md").read_text(encoding="utf-8")
    assert old in original
    text = path.read_text(encoding="utf-8")
    lines = [*readme_faults(text, original.replace(old, new, 1))]
    assert any(said in line for line in lines), lines
