"""The notation: names that exist, and every symbol of the formulas."""

import functools
import re
from html.entities import html5
from pathlib import Path

import pytest
import reader

ROOT = Path(__file__).resolve().parent.parent.parent
NOTATION = ROOT / "docs" / "notation.md"
CORE = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DEEPER = sorted((ROOT / "notebooks" / "deeper").glob("*.ipynb"))
HELPERS = sorted((ROOT / "helpers").rglob("*.py"))
# Letters that every reader of formulas knows, and words in formulas.
KNOWN = {"e": "Euler's number", "i": "an index", "d": "of dx, an integral"}
WORDS = {"mean", "tr"}
COMMON = {"features", "weights"}  # code that is also an everyday word
# Letters of one derivation, the reused ones too: lesson -> letter -> meaning.
LOCAL = {
    "01": {
        "f": "what V adds up at one x, as a function of D's answer d there",
        "t": "argument of the sigmoid",
    },
    "02": {
        "r": "of the same example: a guess's variance over the true one",
        "s": "of the example with one number: deviation of x given z",
        "t": "argument of the sigmoid",
        "w": "of the same example: slope of x in z",
        "π": "the number",
    },
    "03": {
        "g": "exercise 2: a gradient",
        "m": "exercise 2: running mean of gradients",
        "v": "exercise 2: running mean of their squares",
        "w": "exercise 1: weights of a logit",
    },
    "04": {
        "k": "how many numbers an interval is made of",
        "t": "Student's t",
        "u": "a standard normal number",
        "y": "a class",
    },
    "05": {
        "a": "half the step h",
        "p": "probability that a run fails",
        "π": "the number",
    },
    "06": {
        "a": "weights of a classifier of real pairs",
        "b": "weights of one of drawn pairs",
        "c": "weights of the code in D's last layer",
        "s": "what a softmax subtracts from each logit",
        "r": "of the slant: columns from the centre of the ink",
        "t": "exercise 2: share of the way from one label to another",
        "w": "weights of D's last layer",
    },
    "07": {
        "a": "the one number that a network draws at a pixel",
        "g": "the one answer of a generator without dice",
        "l": "a logit of a PatchGAN",
        "m": "mean of all right halves that go with a left half",
        "s": "deviation of v",
        "v": "mean of the scan's pixels at the mark",
        "Δ": "distance between black and mark",
    },
    "08": {
        "a": "where an arc begins",
        "b": "where an arc ends",
        "m": "what the mixture measures",
        "r": "what the receiver measures",
        "s": "a property, such as the slant",
        "t": "share of the way along an arc",
        "α": "weight of the receiver",
        "β": "weight of the donor",
    },
    "09": {
        "a": "features at a place of the style",
        "b": "features at a place of the painting",
        "c": "a channel",
        "p": "a place",
        "q": "a place",
        "π": "a shuffle of the places",
    },
}


def rows() -> list[list[str]]:
    """Return symbol, code, meaning, unit and lesson of each row."""
    [table] = reader.tables(NOTATION.read_text(encoding="utf-8"))
    assert table[0] == ["symbol", "code", "meaning", "unit or range", "lesson"]
    return table[1:]


ROWS = rows()


@functools.cache
def book(path: Path) -> reader.Notebook:
    """Return a notebook."""
    return reader.Notebook(path.read_text(encoding="utf-8"), path)


@functools.cache
def source(path: Path) -> str:
    """Return all text and code of a notebook or of a module."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in book(path).cells)


def formulas(text: str) -> list[str]:
    """Return what stands between dollar signs, code left out."""
    text = re.sub(r"(?s)```.*?```|`[^`]*`", " ", text)
    found = re.findall(r"(?s)\$\$(.+?)\$\$|\$([^$]+)\$", text)
    return [wide or narrow for wide, narrow in found]


def greek(command: str) -> set[str]:
    """Return the letter that a command writes, if it writes one."""
    letter = html5.get(f"{command.removeprefix('var')};", "")
    return {letter} if "Α" <= letter <= "ω" else set()


def symbols(formula: str) -> set[str]:
    r"""Return the letters of a formula and the names in \mathrm."""
    formula = re.sub(r"\\(begin|end)\{\w+\}", " ", formula)
    names = r"\\(?:mathrm|operatorname)\{(\w+)\}"
    found = set(re.findall(names, formula))
    # Upright words in \text are names only if they are one of capitals.
    found |= set(re.findall(r"\\text\{([A-Z]{2,})\}", formula))
    formula = re.sub(names, " ", formula)
    formula = re.sub(r"\\text\{[^}]*\}", " ", formula)
    formula = re.sub(r"\\mathbb\{(\w)\}", r" \1 ", formula)
    found = found.union(*map(greek, re.findall(r"\\([A-Za-z]+)", formula)))
    plain = re.sub(r"\\[A-Za-z]+", " ", formula)
    return found | set(re.findall("[A-Za-z]", plain))


def in_formulas(path: Path) -> set[str]:
    """Return all symbols in the formulas of a lesson."""
    texts = [cell.source for cell in book(path).markdown]
    every = [symbols(f) for text in texts for f in formulas(text)]
    return set().union(*every)


def tokens(text: str) -> set[str]:
    """Return letters and names: R_1, γ gives R and γ."""
    return set(re.findall(r"[^\W\d_]+", text))


def code_names(row: list[str]) -> list[str]:
    """Return the names in the second column."""
    return re.findall(r"`([^`]+)`", row[1])


def occurs(name: str, path: Path) -> bool:
    """Say whether all parts of a name occur in a file."""
    parts = re.findall(r"[^\W\d]\w*", name)
    return all(re.search(rf"\b{part}\b", source(path)) for part in parts)


def introduced(row: list[str], paths: list[Path]) -> bool:
    """Say whether notebooks use a row's code, or its symbol or word."""
    found = any(occurs(n, path) for n in code_names(row) for path in paths)
    letters = tokens(row[0])
    for path in paths:
        inside = in_formulas(path)
        found |= bool(letters) and letters - {"given", "x"} <= inside
        found |= bool(row[0]) and row[0].partition(",")[0] in source(path)
    return found


def label(row: list[str]) -> str:
    """Return a name for the test of a row."""
    return row[0] or row[1].strip("`")


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_code_of_a_row_exists(row: list[str]) -> None:
    """Each name of the second column occurs in a notebook or a helper."""
    for name in code_names(row):
        assert re.search(r"[^\W\d]", name)
        assert any(occurs(name, p) for p in CORE + DEEPER + HELPERS), name


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_row_is_whole(row: list[str]) -> None:
    """Five cells, a meaning, a symbol or code."""
    assert len(row) == 5 and row[2] and (row[0] or row[1])


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_lesson_of_a_row_is_the_first(row: list[str]) -> None:
    """It has the symbol or its code; no lesson before has a telling name."""
    number = row[4]
    here = [p for p in CORE + DEEPER if p.name[:2] == number]
    assert here and introduced(row, here)
    names = [n for n in code_names(row) if n not in COMMON]
    names = [n for n in names if re.search(r"\w[._]\w|^\w{7,}$", n)]
    names += [s for s in row[0].split(", ") if re.fullmatch("[A-Z]{2,}", s)]
    for path in [p for p in CORE if p.name[:2] < number]:
        words = re.findall(r"[\w.]+", source(path))
        assert not set(names) & set(words), path.stem


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.stem)
def test_symbols_of_a_lesson_are_in_the_sheet(path: Path) -> None:
    """A new symbol belongs into docs/notation.md, a passing one into LOCAL."""
    number = path.name[:2]
    known = WORDS | set(KNOWN) | set(LOCAL.get(number, {}))
    for row in ROWS:
        if row[4] <= number:
            known |= tokens(row[0])
    strange = in_formulas(path) - known
    assert not strange, (
        "put each into docs/notation.md, or into LOCAL of this test with "
        "what it is"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"$\mathrm{KL}(q \,\|\, p)$ and `$x$`", {"KL", "q", "p"}),
        (
            "$$\\text{ELBO} = \\text{some}\n\\sum_k \\log w_k$$",
            {"ELBO", "k", "w"},
        ),
        (r"$\theta' = \sigma(a\psi)$", {"θ", "σ", "a", "ψ"}),
        (r"$\varepsilon \lambda \Omega \leftarrow$", {"ε", "λ", "Ω"}),
        (
            r"$\begin{pmatrix}1&2\end{pmatrix}$ and $\mathbb{E}_x\,x$",
            {"E", "x"},
        ),
        ("no $a\n+ b$ but c $d$", {"a", "b", "d"}),
        (r"$\operatorname{mean}_x \nabla\bar l$", {"mean", "x", "l"}),
    ],
)
def test_symbols_are_found(text: str, found: set[str]) -> None:
    """Letters, Greek ones and names; no command and no word."""
    assert set().union(*map(symbols, formulas(text))) == found
