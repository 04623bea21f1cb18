"""The glossary: every term that a notebook defines, and where it does so."""

import functools
import re
from collections import Counter
from pathlib import Path

import pytest
import reader

ROOT = Path(__file__).resolve().parent.parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
CORE = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DEEPER = sorted((ROOT / "notebooks" / "deeper").glob("*.ipynb"))
LONGEST = 5  # words of a term; what is longer is a sentence, set apart
ITALIC = re.compile(
    r"(?<![\w*\\])([*_])(?=[^\s*_])((?:(?!\n\s*\n)[^*_])+?)(?<=\S)\1(?![\w*])"
)
# Code, formulas (which may go over lines) and bold.
DROPPED = (
    r"(?ms)^\s*(```|~~~).*?^\s*\1[^\n]*$",
    r"(``?)(?!`).+?\1",
    r"(?s)\$\$.*?\$\$",
    r"\$[^$]+\$",
    r"(?s)(\*\*\*?).*?\1",
)
# Names that Chinese papers leave as they are.
AS_IT_IS = {"InfoGAN", "PatchGAN", "StyleGAN", "U-Net", "pix2pix"}
# Italics that stress a word, or name a row of a table or of a figure.
STRESSED = """
above; after; all; alone; and; any; at the same places;
average; away; before; behind; better;
bold; both; by FCD; can; careful; do; drawn; everywhere; every; exactly;
exact; faint; falls; farther; fell; first; flat at the data; for its digit;
G; generated; half; here; how many; in judge 1's features; invents; is;
its original; its own digit; learn; less; linear; looks; loud;
lower; may; mean; mean over images; mean over places; means; means alone;
more upright lines, fewer spots; narrow; new; none; not; number; objects;
of this kind; one; opponent; other; other hands; overlap; overwrites; pairs;
perfect; picture; pixels; place; precise; random; real; real digits;
remaining; rose; set; shape; smiling; some; square; steps; strong;
study; test;
that; the; the same digit; the same mean and the same standard deviation;
there and back; these weights; this; this generator; this recipe; those;
through; time; tinted; to it; trained; training digits; true; two; unseen;
upper; was; what it looks like there; where; which; whole; with; writers;
your

all background; best of 1,000; blur; brick; copies; covariances;
distributions; joint; judge of digits; labels alone; lesson 09; mortar;
noise; normal; same loss; shifted; ten
"""


def plainly(text: str) -> str:
    """Return text in lower case, on one line, without plurals and 's."""
    words = " ".join(text.casefold().split())
    return re.sub(r"'s\b|(?<=[a-rt-z])s\b", "", words)


def prose(path: Path) -> str:
    """Return a notebook's headings and text up to its references."""
    nb = reader.Notebook(path.read_text(encoding="utf-8"), path)
    parts, heading = [], ""
    for block in nb.blocks:
        if block.kind == "heading":
            heading = block.text
        if block.kind != "code" and heading != "References":
            parts.append(block.text)
    return "\n\n".join(parts)


def italics_of(text: str) -> list[str]:
    """Return what stands in italics, sentences and formulas left out."""
    for pattern in DROPPED:
        text = re.sub(pattern, " ", text)
    found = [" ".join(m.group(2).split()) for m in ITALIC.finditer(text)]
    return [
        phrase
        for phrase in found
        if len(phrase.split()) <= LONGEST and phrase[-1] not in ".?!:"
    ]


@functools.cache
def italics(path: Path) -> list[str]:
    """Return what stands in italics in a notebook."""
    return italics_of(prose(path))


def stressed() -> set[str]:
    """Return the list above, one phrase each."""
    return {plainly(phrase) for phrase in re.split(r";|\n\n", STRESSED)}


def rows() -> list[list[str]]:
    """Return names, Chinese, meaning and link of each term."""
    [table] = reader.tables(GLOSSARY.read_text(encoding="utf-8"))
    assert table[0] == ["term", "中文", "meaning", "lesson"]
    return table[1:]


def names(term: str) -> list[str]:
    """Return the names of a term, in the form in which they are compared."""
    return [plainly(name) for name in term.split(", ")]


def target(link: str) -> Path:
    """Return the notebook that a row links."""
    return (GLOSSARY.parent / link.partition("](")[2].rstrip(")")).resolve()


ROWS = rows()
TERMS = {name for row in ROWS for name in names(row[0])}


@pytest.mark.parametrize("path", [*CORE, *DEEPER], ids=lambda p: p.stem)
def test_what_is_in_italics_is_in_the_glossary(path: Path) -> None:
    """A new term belongs into docs/glossary.md, a stress into STRESSED."""
    strange = {
        phrase
        for phrase in italics(path)
        if plainly(phrase) not in TERMS | stressed()
    }
    assert not strange, (
        "put each into docs/glossary.md if the notebook defines it, else "
        "into STRESSED of this test"
    )


def test_a_term_is_not_also_a_stress() -> None:
    """One phrase on both lists would hide a missing definition."""
    assert not TERMS & stressed()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_term_is_in_its_notebook_and_not_defined_earlier(
    row: list[str],
) -> None:
    """Each name occurs there; no earlier lesson has it in italics."""
    path = target(row[3])
    assert path in CORE + DEEPER
    number, deep = path.name[:2], path.parent.name == "deeper"
    words = path.stem[3:].replace("_", " ")
    label = f"{number}, {words}" if deep else number
    assert row[3].startswith(f"[{label}]("), "the label is another notebook's"
    text = plainly(prose(path))
    before = [p for p in CORE if deep or p.name[:2] < number]
    for name in names(row[0]):
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        assert re.search(pattern, text), f"{path.name} does not say {name}"
        earlier = [p.stem for p in before if name in map(plainly, italics(p))]
        assert not earlier, f"{name} is defined in {earlier[0]}"


def test_terms_are_in_order_and_appear_once() -> None:
    """Alphabetical by first name; no name stands twice."""
    first = [row[0].casefold() for row in ROWS]
    assert first == sorted(first)
    every = Counter(name for row in ROWS for name in names(row[0]))
    assert max(every.values()) == 1, every.most_common(3)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_whole(row: list[str]) -> None:
    """Chinese, and a meaning of one sentence."""
    assert re.search(r"[\u4e00-\u9fff]", row[1]) or row[1] in AS_IT_IS
    assert re.match(r"[A-Z0-9]", row[2]), "begin with a capital"
    ends = re.findall(r"[.!?](?=\s|$)", row[2])
    assert len(ends) == 1 and row[2][-1] in ".?", "one sentence"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a *mode\ncollapse* and *R1*:", ["mode collapse", "R1"]),
        ("**bold** and ***both*** and *one*", ["one"]),
        (
            "$a * b * c$ and $$x *\ny* z$$ `a *b* c` *q* $\nf^*(t) + g^*\n$",
            "q",
        ),
        ("2 * 3 * 4, a\\*b\\* c, snake_case_name, _this_", ["this"]),
        ("*Who says so?* *It is.* *a b c d e f*", []),
        ("*a\n\nb* c", []),
        ("- *item*\n* *star*", ["item", "star"]),
        ("$a\n* b$ *x* $c *\nd$\n```\n*a*\n```\n*y*", ["x", "y"]),
    ],
)
def test_italics_are_read_as_markdown_shows_them(text, found) -> None:
    """Neither formulas, code, bold nor products are italics."""
    assert italics_of(text) == list(found)


def test_references_hold_titles() -> None:
    """Their italics are no terms, and their text comes last."""
    path = CORE[0]
    nb = reader.Notebook(path.read_text(encoding="utf-8"), path)
    assert nb.section("References").text.strip()
    assert nb.section("References").text not in prose(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Feature\n maps", "feature map"),
        ("the judge's", "the judge"),
        ("Mode Collapse", "mode collapse"),
    ],
)
def test_forms_of_a_term_are_one(one: str, other: str) -> None:
    """Case, plural, genitive and line breaks do not matter."""
    assert plainly(one) == plainly(other)
    assert plainly("loss") != plainly("los")
