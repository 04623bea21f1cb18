"""The rules that every notebook of the course keeps.

A rule takes a notebook and yields what is wrong: the number of a cell (from
1, in the order of the file; 0 is the whole file) and a sentence that says
what to do about it. The rules read the file and run nothing.
"""

import ast
import builtins
import contextlib
import copy
import functools
import html
import io
import itertools
import json
import re
import statistics
import tokenize
import urllib.parse
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from nbconvert.filters import markdown2html

from tools.lessons import METADATA

Fault = tuple[int, str]

HEAD = (
    "At a glance",
    "Learning goals",
    "First picture",
    "Set-up",
    "Settings",
)
TAIL = {
    "lesson": (
        "Broken on purpose",
        "Limits",
        "Responsible use",
        "Exercises",
        "Summary",
        "References",
        "Where to go next",
    ),
    "start": (
        "Broken on purpose",
        "Summary",
        "References",
        "Where to go next",
    ),
}
BODY = {"lesson": (3, 5), "start": (2, 99)}
CELLS = {"lesson": (40, 80), "start": (15, 30)}

TAGS = {"nbval-ignore-output", "long-cell", "live", "predict"}
CODE_TAGS = TAGS - {"predict"}
MEGABYTE = 1_000_000

# IPython puts `display` into every notebook.
GIVEN = {*dir(builtins), "__name__", "display"}
NETWORK_MODULES = {
    "aiohttp",
    "ftplib",
    "getpass",
    "http",
    "httpx",
    "pip",
    "requests",
    "socket",
    "subprocess",
    "urllib",
    "urllib3",
    "webbrowser",
    "wget",
}
NETWORK_CALLS = {
    "get_file",
    "hf_hub_download",
    "load_dataset",
    "urlopen",
    "urlretrieve",
}
SHELL_CALLS = {"input", "os.popen", "os.system"}
RANDOM = ("np.random.", "numpy.random.", "keras.random.", "tf.random.")
TRAINING = {"GradientTape", "fit", "train_live", "train_step"}
BANNED_WORDS = re.compile(
    r"\b(simply|obviously|easy|easily|clearly|of\s+course|just)\b", re.I
)
VAGUE_VERBS = re.compile(
    r"\W*(understand|know|learn|appreciate|be|become|see)\b", re.I
)
CHECKPOINT = re.compile(r"Checkpoint (\d+)$")
LESSON_EXERCISE = re.compile(r"Exercise (\d+): .+ \([★☆]+, \d+ min\)$")
SOLVED_EXERCISE = re.compile(r"Exercise (\d+): .+")
ROOTS = "home|tmp|root|usr|var|opt|mnt|media|private|Users|content|work"
ABSOLUTE = re.compile(rf"(?<![\w.:/~-])(/({ROOTS})/|~/|[A-Za-z]:(\\|/(?!/)))")
ROOTED = re.compile(r"(/[\w.-]+){2,}/?")
UNSTABLE = {
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
    "a path of one machine": ABSOLUTE,
    "a speed": re.compile(r"\d\s*[mµu]?s/(step|epoch|it)\b|\bit/s\b"),
}


MARKDOWN = MarkdownIt("commonmark").enable("table")
BLOCKS = {
    "blockquote_open": "quote",
    "bullet_list_open": "list",
    "fence": "block of code",
    "heading_open": "heading",
    "hr": "rule",
    "ordered_list_open": "list",
    "table_open": "table",
}
BLOCK_TAGS = re.compile(r"<(ul|ol|li|h[1-6]|blockquote|table|tr|hr|pre)\b")


# ---------------------------------------------------------------- the reading


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell; `number` counts all cells of the file from 1."""

    number: int
    kind: str
    source: str
    metadata: dict[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None

    @property
    def tags(self) -> set[str]:
        """Tags of the cell."""
        return set(self.metadata.get("tags", []))

    @property
    def ignored(self) -> bool:
        """Whether nbval runs the cell without comparing its output."""
        return "nbval-ignore-output" in self.tags

    @property
    def lines(self) -> int:
        """Lines of the source, blank ones included."""
        return len(self.source.splitlines())

    @functools.cached_property
    def tree(self) -> ast.Module | None:
        """Syntax tree, or None where the source is not Python."""
        try:
            return ast.parse(self.source)
        except (SyntaxError, ValueError):
            return None

    @property
    def body(self) -> list[ast.stmt]:
        """Top-level statements; none where the source is not Python."""
        return self.tree.body if self.tree else []

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree in the order of the text."""
        nodes = list(ast.walk(self.tree)) if self.tree else []
        placed = [node for node in nodes if hasattr(node, "lineno")]
        return sorted(placed, key=lambda n: (n.lineno, n.col_offset))

    @functools.cached_property
    def calls(self) -> list[ast.Call]:
        """All calls in the order of the text."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    def called(self) -> set[str]:
        """Last parts of the names that are called: `np.mean()` is mean."""
        return {last_part(call.func) for call in self.calls}

    def figures(self) -> list[dict[str, Any]]:
        """Stored outputs that hold a picture."""
        return [
            output
            for output in self.outputs
            if any(mime.startswith("image/") for mime in output_data(output))
        ]

    def printed(self) -> str:
        """Stored text that nbval compares, HTML left out."""
        parts = [stored(output, "text") for output in self.outputs]
        parts += [
            "".join(output_data(output).get("text/plain", ""))
            for output in self.outputs
        ]
        return "\n".join(part.rstrip("\n") for part in parts if part)


@dataclass(frozen=True)
class Block:
    """A heading, the text up to the next heading, or a code cell."""

    kind: str
    cell: Cell
    text: str
    level: int = 0


@dataclass(frozen=True)
class Section:
    """An H2 heading and all blocks up to the next H1 or H2."""

    title: str
    cell: Cell
    blocks: list[Block]

    def text(self) -> str:
        """Markdown of the section without its headings."""
        parts = [block.text for block in self.blocks if block.kind == "text"]
        return "\n".join(parts)

    def code(self) -> list[Cell]:
        """Code cells of the section."""
        return [block.cell for block in self.blocks if block.kind == "code"]

    def parts(self, level: int = 3) -> list["Section"]:
        """Cut the section at its headings of a level."""
        return cut(self.blocks, level)


class Notebook:
    """A notebook as the rules see it."""

    def __init__(self, content: dict[str, Any], path: Path) -> None:
        self.content = content
        self.path = path
        self.cells = [
            Cell(
                number,
                cell["cell_type"],
                "".join(cell["source"]),
                cell.get("metadata", {}),
                cell.get("outputs", []),
                cell.get("execution_count"),
            )
            for number, cell in enumerate(content["cells"], start=1)
        ]
        self.code = [cell for cell in self.cells if cell.kind == "code"]
        self.markdown = [c for c in self.cells if c.kind == "markdown"]
        self.blocks = [block for cell in self.cells for block in split(cell)]
        self.headings = [b for b in self.blocks if b.kind == "heading"]
        self.sections = cut(self.blocks, 2)

    @property
    def kind(self) -> str:
        """`lesson`, `start` (lesson 00) or `solutions`."""
        if self.path.parent.name == "solutions":
            return "solutions"
        return "start" if self.path.name.startswith("00") else "lesson"

    @property
    def number(self) -> str:
        """The two digits of the file name."""
        return self.path.name[:2]

    def section(self, title: str) -> Section:
        """Return the section of that title, an empty one if it is missing."""
        for section in self.sections:
            if section.title == title:
                return section
        return Section("", Cell(0, "markdown", "", {}), [])

    def body(self) -> list[Section]:
        """Return the sections whose titles the lesson chooses."""
        fixed = {*HEAD, *TAIL.get(self.kind, ())}
        return [s for s in self.sections if s.title not in fixed]

    def settings(self) -> dict[str, ast.stmt]:
        """Names that the settings cell assigns, with the statement."""
        code = self.section("Settings").code()
        if not code:
            return {}
        return {name: s for s in code[0].body for name in assigned(s)}


def split(cell: Cell) -> Iterator[Block]:
    """Cut a cell into blocks; a # inside a fence is no heading."""
    if cell.kind != "markdown":
        yield Block(cell.kind, cell, cell.source)
        return
    lines: list[str] = []
    fenced = False
    for line in cell.source.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        heading = re.match(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$", line)
        if heading and not fenced:
            if any(text.strip() for text in lines):
                yield Block("text", cell, "\n".join(lines))
            lines = []
            level = len(heading.group(1))
            yield Block("heading", cell, heading.group(2), level)
        else:
            lines.append(line)
    if any(text.strip() for text in lines):
        yield Block("text", cell, "\n".join(lines))


def cut(blocks: list[Block], level: int) -> list[Section]:
    """Return the parts that begin with a heading of this level."""
    parts: list[Section] = []
    inside = False
    for block in blocks:
        if block.kind == "heading" and block.level <= level:
            inside = block.level == level
            if inside:
                parts.append(Section(block.text, block.cell, []))
        elif inside:
            parts[-1].blocks.append(block)
    return parts


def output_data(output: dict[str, Any]) -> dict[str, Any]:
    """Return the mime bundle of an output, empty for a stream."""
    return output.get("data", {})


def stored(output: dict[str, Any], key: str) -> str:
    """Return a text field of an output."""
    return "".join(output.get(key, ""))


def without_code(text: str) -> str:
    """Drop code and formulas, where brackets are no links."""
    for pattern in (
        r"(?ms)^\s*(```|~~~).*?^\s*\1[^\n]*$",
        r"(``?)(?!`).+?\1",
        r"(?s)\$\$.*?\$\$",
        r"\$[^$\n]+\$",
    ):
        text = re.sub(pattern, " ", text)
    return text


def plain(text: str) -> str:
    """Drop what is not prose: code, formulas, targets, tags, comments."""
    text = re.sub(r"(?s)<!--.*?-->", " ", without_code(text))
    text = re.sub(r"(?<=\])\([^)]*\)", " ", text)
    return re.sub(r"https?://\S+|<[^<>\n]*>", " ", text)


def list_items(text: str, marker: str = r"(?:[-*+]|\d+[.)])") -> list[str]:
    """Return the items of the outer lists, each with the lines it goes on."""
    items: list[str] = []
    for line in text.splitlines():
        item = re.match(rf" ?{marker}\s+(.*)", line)
        if item:
            items.append(item.group(1))
        elif items and line.strip():
            items[-1] += " " + line.strip()
    return items


def table_rows(text: str) -> list[str]:
    """Return the lines of tables, the ruling lines left out."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if not re.fullmatch(r"[|:\s-]+", row)]


def dotted(node: ast.AST) -> str:
    """Return `np.random.normal` for that expression, '' for another."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def last_part(node: ast.AST) -> str:
    """Return the name after the last dot, whatever stands before it."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def imports(cell: Cell) -> Iterator[tuple[ast.stmt, str, str]]:
    """Yield statement, module and imported name ('' for a whole module)."""
    for node in cell.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, node.module or "", alias.name


SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
DEFINITIONS = SCOPES[:3]
FUNCTIONS = SCOPES[:2]


def outer_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a node without entering an inner scope."""
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from outer_nodes(child)


def names_bound(node: ast.AST) -> set[str]:
    """Return the names that this one node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(a.asname or a.name).partition(".")[0] for a in node.names}
    if isinstance(node, (*DEFINITIONS, ast.ExceptHandler)):
        return {node.name} if node.name else set()
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return {node.name} if node.name else set()
    return set()


def defined_by(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement leaves behind."""
    return {n for node in outer_nodes(statement) for n in names_bound(node)}


def assigned(statement: ast.stmt) -> set[str]:
    """Return the variables that a top-level statement assigns."""
    nodes = [n for n in outer_nodes(statement) if isinstance(n, ast.Name)]
    return {n.id for n in nodes if not isinstance(n.ctx, ast.Load)}


def free_names(nodes: Iterable[ast.AST], bound: set[str]) -> set[str]:
    """Return the names that are read and not bound anywhere inside."""
    inside = [inner for node in nodes for inner in ast.walk(node)]
    reads = {
        node.id
        for node in inside
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return reads - bound - {n for node in inside for n in names_bound(node)}


def function_names(node: ast.stmt) -> set[str]:
    """Return the outer names that the body of a function needs."""
    bound = {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
    return free_names(node.body, bound)


# --------------------------------------------------------------- the registry


@dataclass(frozen=True)
class Finding:
    """One breach of one rule; cell 0 is the whole file."""

    rule: str
    cell: int
    text: str

    def __str__(self) -> str:
        where = f"cell {self.cell}" if self.cell else "file"
        return f"{self.rule} {where}: {self.text}"


@dataclass(frozen=True)
class Rule:
    """A rule: its id, what it says, and the kinds of notebook it is for."""

    id: str
    name: str
    text: str
    kinds: tuple[str, ...]
    find: Callable[[Notebook], Iterable[Fault]]


RULES: dict[str, Rule] = {}
ALL = ("lesson", "start", "solutions")
TAUGHT = ("lesson", "start")


def rule(
    number: int, kinds: tuple[str, ...]
) -> Callable[[Callable[[Notebook], Iterable[Fault]]], Callable]:
    """Enter a function into the registry; its docstring is the rule."""

    def enter(find: Callable[[Notebook], Iterable[Fault]]) -> Callable:
        key = f"R{number:02d}"
        if key in RULES:
            raise ValueError(f"{key} is taken by {RULES[key].name}")
        text = (find.__doc__ or "").strip()
        RULES[key] = Rule(key, find.__name__, text, kinds, find)
        return find

    return enter


def findings(content: dict[str, Any], path: Path) -> list[Finding]:
    """Apply every rule.

    Args:
        content: the notebook, nbformat 4, as a dictionary.
        path: where it lies; its folder and its name say what it is, and
            links are looked up from there.

    Returns:
        One finding a breach, in the order of the rules.
    """
    notebook = Notebook(content, path)
    return [
        Finding(entry.id, cell, text)
        for entry in RULES.values()
        if notebook.kind in entry.kinds
        for cell, text in entry.find(notebook)
    ]


def read(path: Path) -> dict[str, Any]:
    """Read a notebook as it is stored, nothing repaired."""
    return json.loads(path.read_text(encoding="utf-8"))


# ------------------------------------------------------------ R01-R19: anatomy


@rule(1, ALL)
def title(nb: Notebook) -> Iterator[Fault]:
    """One H1, and it opens the first cell."""
    first = nb.blocks[0] if nb.blocks else None
    if not first or first.kind != "heading" or first.level != 1:
        yield 1, "begin the notebook with its title, a line `# ...`"
    for heading in [h for h in nb.headings if h.level == 1][1:]:
        yield heading.cell.number, f"a second H1, {heading.text!r}; use ##"


@rule(2, TAUGHT)
def promise(nb: Notebook) -> Iterator[Fault]:
    """A sentence that promises something follows the title in its cell."""
    texts = [b for b in nb.blocks if b.kind == "text" and b.cell.number == 1]
    words = re.split(r"\n\s*\n", texts[0].text.strip())[0] if texts else ""
    if not re.match(r"[*_]*\w", words) or words.rstrip("*_")[-1] not in ".!?":
        yield 1, "put one sentence under the title: what the reader will make"


@rule(3, ALL)
def heading_levels(nb: Notebook) -> Iterator[Fault]:
    """Heading levels do not skip."""
    level = 1  # where the first heading belongs
    for heading in nb.headings:
        if heading.level > level + 1:
            yield (
                heading.cell.number,
                f"{heading.text!r} is H{heading.level} below H{level}; "
                f"make it H{level + 1}",
            )
        level = heading.level


@rule(4, ALL)
def sentence_case(nb: Notebook) -> Iterator[Fault]:
    """Headings are in sentence case; proper nouns and acronyms keep theirs."""
    for heading in nb.headings:
        words = re.findall(r"[^\W\d_][\w'’-]*", plain(heading.text))[1:]
        capital = [w for w in words if w[0].isupper() and w[1:].islower()]
        if len(capital) > max(1, len(words) / 2):
            yield (
                heading.cell.number,
                f"{heading.text!r}: write {', '.join(capital)} small",
            )


@rule(5, TAUGHT)
def section_order(nb: Notebook) -> Iterator[Fault]:
    """The H2 sections of house-style.md, in their order."""
    tail = TAIL[nb.kind]
    titles = [section.title for section in nb.sections]
    wrong = [t for t in (*HEAD, *tail) if titles.count(t) != 1]
    for name in wrong:
        count = titles.count(name)
        yield 0, f"{count} sections `## {name}`; write exactly one"
    body = [section.title for section in nb.body()]
    low, high = BODY[nb.kind]
    if not low <= len(body) <= high:
        yield 0, f"{len(body)} body sections; {low} to {high} are wanted"
    if wrong:
        return
    wanted = [*HEAD, *body, *tail]
    for section, name in zip(nb.sections, wanted, strict=True):
        if section.title != name:
            yield (
                section.cell.number,
                f"`## {section.title}` stands where `## {name}` belongs",
            )
            return


@rule(6, TAUGHT)
def at_a_glance(nb: Notebook) -> Iterator[Fault]:
    """At a glance is a table: minutes to read, to run, for exercises."""
    section = nb.section("At a glance")
    table = " ".join(table_rows(section.text())).lower()
    words = ("read", "run") + ("exercises",) * (nb.kind == "lesson")
    missing = [w for w in words if not re.search(rf"\b{w}\b", table)]
    if section.title and missing:
        yield (
            section.cell.number,
            f"the table lacks {', '.join(missing)}; add the minutes",
        )


@rule(7, TAUGHT)
def goals(nb: Notebook) -> Iterator[Fault]:
    """3 to 5 numbered goals, each with the checkpoint that tests it."""
    section = nb.section("Learning goals")
    items = list_items(section.text(), r"\d+[.)]")
    number = section.cell.number
    if section.title and not 3 <= len(items) <= 5:
        yield number, f"{len(items)} numbered goals; write 3 to 5"
    matches = [CHECKPOINT.match(h.text) for h in nb.headings]
    there = {match.group(1) for match in matches if match}
    for item in items:
        named = re.findall(r"\(checkpoint (\d+)\)", item)
        if not named:
            yield number, f"{item!r}: add its test, `(checkpoint k)`"
        for k in set(named) - there:
            yield number, f"{item!r}: there is no `### Checkpoint {k}`"


@rule(8, TAUGHT)
def testable_goals(nb: Notebook) -> Iterator[Fault]:
    """A goal begins with a verb that can be tested."""
    section = nb.section("Learning goals")
    for item in list_items(section.text(), r"\d+[.)]"):
        vague = VAGUE_VERBS.match(item)
        if vague:
            yield (
                section.cell.number,
                f"{item!r}: nobody can test {vague.group(1)!r}; say what "
                "the reader does (compute, predict, train, explain ...)",
            )


@rule(9, TAUGHT)
def checkpoints(nb: Notebook) -> Iterator[Fault]:
    """Each body section ends with a checkpoint: folded answer, check line."""
    for section in nb.body():
        parts = section.parts()
        last = parts[-1] if parts else section
        where = last.cell.number
        if not CHECKPOINT.match(last.title):
            yield where, f"end {section.title!r} with `### Checkpoint k`"
            continue
        if "<details" not in last.text():
            yield where, f"{last.title}: fold its answer into <details>"
        folded = [b.cell.number for b in last.blocks if "<details" in b.text]
        after = [c for c in last.code() if c.number > min(folded, default=0)]
        if not any(proves(c) for c in after if not c.ignored):
            yield where, f"{last.title}: add a code cell with check(...)"


@rule(10, TAUGHT)
def checkpoint_numbers(nb: Notebook) -> Iterator[Fault]:
    """Checkpoints are `### Checkpoint k`, numbered from 1."""
    named = [h for h in nb.headings if h.text.lower().startswith("checkpoint")]
    for k, heading in enumerate(named, start=1):
        if heading.text != f"Checkpoint {k}" or heading.level != 3:
            yield heading.cell.number, f"write `### Checkpoint {k}` here"


@rule(11, TAUGHT)
def first_picture(nb: Notebook) -> Iterator[Fault]:
    """First picture holds the first code cell and a stored figure."""
    section = nb.section("First picture")
    code = section.code()
    if not section.title:
        return
    if not code or code[0] != nb.code[0]:
        yield section.cell.number, "the first code cell belongs here"
    if not any(cell.figures() for cell in code):
        yield section.cell.number, "show a figure here, and store it"


@rule(12, ("lesson",))
def broken_on_purpose(nb: Notebook) -> Iterator[Fault]:
    """Broken on purpose is diagnosed from a stored figure."""
    section = nb.section("Broken on purpose")
    if section.title and not any(c.figures() for c in section.code()):
        yield section.cell.number, "run the failure and show its plot"


@rule(13, TAUGHT)
def settings_table(nb: Notebook) -> Iterator[Fault]:
    """A table beside the settings gives unit and source of each."""
    section = nb.section("Settings")
    rows = table_rows(section.text())
    head = rows[0].lower() if rows else ""
    for word in ("unit", "source"):
        if section.title and not re.search(rf"\b{word}s?\b", head):
            yield section.cell.number, f"the table needs a column {word!r}"
    parameters = [
        parameter
        for name, statement in nb.settings().items()
        for parameter in parameters_of(name, statement)
    ]
    missing = [n for n in parameters if f"`{n}`" not in "".join(rows)]
    if rows and missing:
        yield section.cell.number, f"no table row for {', '.join(missing)}"


@rule(14, ("lesson",))
def responsible_use(nb: Notebook) -> Iterator[Fault]:
    """Responsible use is three lines."""
    section = nb.section("Responsible use")
    text = section.text()
    lines = list_items(text) or [x for x in text.splitlines() if x.strip()]
    if section.title and len(lines) != 3:
        yield section.cell.number, f"{len(lines)} lines; write three"


@rule(15, TAUGHT)
def references(nb: Notebook) -> Iterator[Fault]:
    """Each reference is a list item with a DOI, an arXiv id or a link."""
    section = nb.section("References")
    items = list_items(section.text())
    if section.title and not items:
        yield section.cell.number, "list the sources, one item each"
    for item in items:
        if not re.search(
            r"\b10\.\d{4,}/\S|arxiv:\s?\d{4}\.\d{4,5}|https://\S", item, re.I
        ):
            yield (
                section.cell.number,
                f"{item[:50]!r}: add the DOI or `arXiv:NNNN.NNNNN`",
            )


@rule(16, TAUGHT)
def summary(nb: Notebook) -> Iterator[Fault]:
    """The summary lists the goals again, each with its evidence."""
    wanted = len(list_items(nb.section("Learning goals").text(), r"\d+[.)]"))
    section = nb.section("Summary")
    found = list_items(section.text()) or table_rows(section.text())[1:]
    if section.title and len(found) < wanted:
        yield (
            section.cell.number,
            f"{len(found)} items for {wanted} goals; give each its evidence",
        )


@rule(17, TAUGHT)
def next_lessons(nb: Notebook) -> Iterator[Fault]:
    """Where to go next links to the lessons before and after."""
    section = nb.section("Where to go next")
    lessons = sorted(p.name for p in nb.path.parent.glob("[0-9]*_*.ipynb"))
    if not section.title or nb.path.name not in lessons:
        return
    at = lessons.index(nb.path.name)
    for name in lessons[max(0, at - 1) : at] + lessons[at + 1 : at + 2]:
        if f"]({name}" not in section.text():
            yield section.cell.number, f"link to {name}"


@rule(18, ("lesson",))
def exercises(nb: Notebook) -> Iterator[Fault]:
    """At least two exercises, each with stars, minutes and a stub."""
    section = nb.section("Exercises")
    parts = section.parts()
    if section.title and len(parts) < 2:
        yield section.cell.number, f"{len(parts)} exercises; write two or more"
    for k, part in enumerate(parts, start=1):
        match = LESSON_EXERCISE.match(part.title)
        if not match or match.group(1) != str(k):
            yield (
                part.cell.number,
                f"write the heading as `### Exercise {k}: ... (★, 10 min)`",
            )
        elif not any(is_stub(cell, k) for cell in part.code()):
            yield (
                part.cell.number,
                f"add a stub, `answer = ...` and `exercise_{k}(answer)`, "
                "whose stored output is 'not attempted'",
            )


@rule(19, ("lesson",))
def instructor_page(nb: Notebook) -> Iterator[Fault]:
    """docs/instructor/NN.md holds the minute plan of the lesson."""
    page = f"docs/instructor/{nb.number}.md"
    if not (nb.path.parent.parent / page).is_file():
        yield 0, f"write {page}: the minute plan"


def parameters_of(name: str, statement: ast.stmt) -> list[str]:
    """Return the hyper-parameters of a setting.

    `recipe = Recipe(width=64)` sets the width; by_profile sets the name.
    """
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and last_part(value.func) != "by_profile":
        return [k.arg for k in value.keywords if k.arg] or [name]
    return [name]


def proves(cell: Cell) -> bool:
    """Whether a cell proves a claim."""
    return bool({"check", "raises"} & cell.called())


def is_stub(cell: Cell, k: int) -> bool:
    """Whether a cell is the unsolved stub of exercise k, and ran as one."""
    blank = any(
        isinstance(statement, (ast.Assign, ast.AnnAssign))
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is Ellipsis
        for statement in cell.body
    )
    unsolved = "not attempted" in cell.printed()
    return blank and unsolved and f"exercise_{k}" in cell.called()


# -------------------------------------------------------- R20-R21: solutions


@rule(20, ("lesson",))
def solutions_exist(nb: Notebook) -> Iterator[Fault]:
    """The solutions notebook has the exercises of the lesson."""
    path = nb.path.parent / "solutions" / f"{nb.number}_solutions.ipynb"
    if not path.is_file():
        yield 0, f"write solutions/{path.name}"
        return
    other = Notebook(read(path), path)
    solved = [section.title.partition(":")[0] for section in other.sections]
    asked = [
        part.title.partition(":")[0]
        for part in nb.section("Exercises").parts()
    ]
    if solved != asked:
        yield 0, f"solutions/{path.name} has {solved}, the lesson {asked}"


@rule(21, ("solutions",))
def solutions_pass(nb: Notebook) -> Iterator[Fault]:
    """Each solution: the question, code whose output says PASS, and why."""
    if not nb.sections:
        yield 0, "write one `## Exercise k: ...` an exercise"
    for k, part in enumerate(nb.sections, start=1):
        number = part.cell.number
        match = SOLVED_EXERCISE.match(part.title)
        if not match or match.group(1) != str(k):
            yield number, f"write the heading as `## Exercise {k}: ...`"
        kinds = [block.kind for block in part.blocks if block.kind != "raw"]
        order = "".join(kind[0] for kind in kinds)
        if not re.match(r"h*t.*c.*t", order):
            yield number, "give the question, then the code, then why"
        if not any("PASS" in cell.printed() for cell in part.code()):
            yield number, "no stored output says PASS; solve, then refresh"


# ------------------------------------------------------------- R22-R29: size


@rule(22, TAUGHT)
def cell_count(nb: Notebook) -> Iterator[Fault]:
    """40 to 80 cells; lesson 00 has 15 to 30."""
    low, high = CELLS[nb.kind]
    if not low <= len(nb.cells) <= high:
        yield 0, f"{len(nb.cells)} cells; {low} to {high} are wanted"


@rule(23, TAUGHT)
def prose_leads(nb: Notebook) -> Iterator[Fault]:
    """At least 0.9 markdown cells a code cell."""
    markdown, code = len(nb.markdown), len(nb.code)
    if markdown < 0.9 * code:
        yield 0, f"{markdown} markdown cells for {code} code cells; explain"


@rule(24, TAUGHT)
def typical_length(nb: Notebook) -> Iterator[Fault]:
    """Code cells: median at most 8 lines, nine in ten at most 18."""
    lines = [cell.lines for cell in nb.code] or [0]
    median = statistics.median(lines)
    if median > 8:
        yield 0, f"the median code cell has {median:g} lines; 8 at most"
    over = sum(n > 18 for n in lines)
    if over > 0.1 * len(lines):
        yield 0, f"{over} of {len(lines)} code cells pass 18 lines; cut some"


@rule(25, TAUGHT)
def longest_cells(nb: Notebook) -> Iterator[Fault]:
    """No code cell over 25 lines; two tagged long-cell may have 40."""
    tagged = [cell for cell in nb.code if "long-cell" in cell.tags]
    for cell in tagged[2:]:
        yield cell.number, "a third long-cell; two are allowed"
    for cell in nb.code:
        most = 40 if cell in tagged else 25
        if cell.lines > most:
            yield cell.number, f"{cell.lines} lines; cut it to {most}"


@rule(26, ALL)
def columns(nb: Notebook) -> Iterator[Fault]:
    """Code has at most 79 columns."""
    for cell in nb.code:
        widest = max(map(len, cell.source.splitlines()), default=0)
        if widest > 79:
            yield cell.number, f"line of {widest} columns; wrap at 79"


@rule(27, ALL)
def file_size(nb: Notebook) -> Iterator[Fault]:
    """The file has at most 1 MB."""
    text = json.dumps(nb.content, indent=1, ensure_ascii=False)
    size = len(text.encode())
    if size > MEGABYTE:
        yield 0, f"{size / MEGABYTE:.1f} MB; show smaller or fewer figures"


@rule(28, TAUGHT)
def text_before_code(nb: Notebook) -> Iterator[Fault]:
    """No two code cells in a row, unless the second only shows or checks."""
    for before, cell in itertools.pairwise(nb.cells):
        if before.kind == cell.kind == "code" and not only_shows(cell):
            yield cell.number, "code follows code; say first what it does"


@rule(29, TAUGHT)
def defines_or_runs(nb: Notebook) -> Iterator[Fault]:
    """A cell defines or runs."""
    for cell in nb.code:
        defines = any(isinstance(s, DEFINITIONS) for s in cell.body)
        if defines and not all(map(may_define, cell.body)):
            yield cell.number, "it defines and runs; cut it in two"


def only_shows(cell: Cell) -> bool:
    """Whether a cell is one short expression, or nothing but checks.

    The claim of a check and the alt text of a figure may need more lines.
    """
    names = [shown_by(statement) for statement in cell.body]
    if set(names) <= {"check", "raises"}:
        return True
    most = 8 if names == ["show"] else 3
    short = len(names) == 1 and cell.lines <= most
    return short and isinstance(cell.body[0], ast.Expr)


def shown_by(statement: ast.stmt) -> str:
    """Return the name that a statement calls, `with raises(...)` included."""
    if isinstance(statement, ast.With):
        called = [item.context_expr for item in statement.items]
        names = {last_part(getattr(node, "func", node)) for node in called}
        return "raises" if names == {"raises"} else ""
    value = getattr(statement, "value", None)
    is_call = isinstance(statement, ast.Expr) and isinstance(value, ast.Call)
    return last_part(value.func) if is_call else ""


def may_define(statement: ast.stmt) -> bool:
    """Whether a statement may stand in a cell that defines."""
    if isinstance(statement, (*DEFINITIONS, ast.Import, ast.ImportFrom)):
        return True
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(value, ast.Constant)


# ----------------------------------------------------- R30-R41: stored state


@rule(30, ALL)
def execution_counts(nb: Notebook) -> Iterator[Fault]:
    """Every code cell was executed, once, from top to bottom."""
    for count, cell in enumerate(nb.code, start=1):
        if cell.execution_count != count:
            yield (
                cell.number,
                f"execution count {cell.execution_count}, not {count}; "
                "run `course.py refresh`",
            )
            return


@rule(31, ALL)
def clean_output(nb: Notebook) -> Iterator[Fault]:
    """No error and nothing on stderr is stored."""
    for cell in nb.code:
        for output in cell.outputs:
            if output["output_type"] == "error":
                yield cell.number, "it stores an error; use raises(...)"
            elif output.get("name") == "stderr":
                yield cell.number, "it stores stderr; remove the cause"


@rule(32, ALL)
def stable_text(nb: Notebook) -> Iterator[Fault]:
    """Stored text has no address, no path of a machine, no speed."""
    for cell in nb.code:
        pages = [
            "".join(output_data(output).get("text/html", ""))
            for output in cell.outputs
        ]
        text = "\n".join([cell.printed(), *pages])
        for what, pattern in UNSTABLE.items():
            match = pattern.search(text)
            if match:
                yield cell.number, f"stored {what}, {match.group()!r}"


@rule(33, ALL)
def notebook_metadata(nb: Notebook) -> Iterator[Fault]:
    """The metadata of the notebook are the four normal entries."""
    if nb.content.get("metadata") != METADATA:
        yield 0, f"set the metadata to {json.dumps(METADATA)}"


@rule(34, ALL)
def cell_metadata(nb: Notebook) -> Iterator[Fault]:
    """Cells have no metadata but tags."""
    for cell in nb.cells:
        other = sorted(set(cell.metadata) - {"tags"})
        if other:
            yield cell.number, f"remove the metadata {', '.join(other)}"


@rule(35, ALL)
def valid_format(nb: Notebook) -> Iterator[Fault]:
    """Valid nbformat 4.5; each cell has an id of its own."""
    version = (nb.content.get("nbformat"), nb.content.get("nbformat_minor"))
    if version != (4, 5):
        yield 0, f"nbformat {version}; store 4.5"
        return
    ids = [cell.get("id") for cell in nb.content["cells"]]
    double = [n for n, i in enumerate(ids, 1) if not i or ids.count(i) > 1]
    for number in double:
        yield number, f"id {ids[number - 1]!r} is missing or used twice"
    if double:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # A copy, since the validator may repair what it is given.
            nbformat.validate(copy.deepcopy(nb.content))
    except (nbformat.ValidationError, Warning) as error:
        yield 0, f"not valid: {str(error).splitlines()[0]}"


@rule(36, ALL)
def closed_tags(nb: Notebook) -> Iterator[Fault]:
    """Tags are from the closed list, and none skips or permits an error."""
    for cell in nb.cells:
        for tag in sorted(cell.tags - TAGS):
            yield cell.number, f"tag {tag!r}; allowed: {sorted(TAGS)}"
        if cell.kind != "code" and cell.tags & CODE_TAGS:
            wrong = sorted(cell.tags & CODE_TAGS)
            yield cell.number, f"{wrong} belong on code cells"


@rule(37, ALL)
def nbval_comments(nb: Notebook) -> Iterator[Fault]:
    """No nbval comments; a tag can be seen in a review."""
    for cell in nb.code:
        if re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
            yield cell.number, "remove the nbval comment; use a tag"


@rule(38, TAUGHT)
def live_cells(nb: Notebook) -> Iterator[Fault]:
    """At most 6 cells to type live, of at most 12 lines."""
    live = [cell for cell in nb.cells if "live" in cell.tags]
    for cell in live[6:]:
        yield cell.number, "more than 6 live cells; untag one"
    for cell in live:
        if cell.lines > 12:
            yield cell.number, f"{cell.lines} lines to type live; 12 at most"


@rule(39, ALL)
def ignored_then_checked(nb: Notebook) -> Iterator[Fault]:
    """After an ignored cell a compared check comes before the next heading."""
    for at, block in enumerate(nb.blocks):
        if block.kind != "code" or not block.cell.ignored:
            continue
        proved = False
        for later in nb.blocks[at + 1 :]:
            if later.kind == "heading":
                break
            if later.kind == "code" and not later.cell.ignored:
                proved |= proves(later.cell) or solves(nb, later.cell)
        if not proved:
            yield (
                block.cell.number,
                "its output is not compared: add a cell with check(...) "
                "before the next heading",
            )


@rule(40, ALL)
def short_output(nb: Notebook) -> Iterator[Fault]:
    """A compared output has at most 15 lines, from at most one print."""
    for cell in nb.code:
        lines = len(cell.printed().splitlines())
        if lines > 15 and not cell.ignored:
            yield cell.number, f"{lines} lines of output; show 15 at most"
        prints = [
            node
            for statement in cell.body
            for node in outer_nodes(statement)
            if isinstance(node, ast.Call) and dotted(node.func) == "print"
        ]
        if len(prints) > 1:
            yield cell.number, f"{len(prints)} prints; one is enough"


@rule(41, ALL)
def compared_output(nb: Notebook) -> Iterator[Fault]:
    """A compared cell shows no machine, data source, clock or profile."""
    settings = nb.settings().items()
    varied = {name for name, s in settings if calls_by_profile(s)}
    for cell in [cell for cell in nb.code if not cell.ignored]:
        for name in sorted({"report", "describe", "source"} & cell.called()):
            yield (
                cell.number,
                f"{name}() differs between machines: tag nbval-ignore-output",
            )
        for name in sorted(clock_names(cell)):
            yield cell.number, f"{name}: tag timings nbval-ignore-output"
        for name in sorted(echoed(cell) & varied):
            yield cell.number, f"{name} depends on the profile: do not show it"


def solves(nb: Notebook, cell: Cell) -> bool:
    """Whether a cell of a solutions notebook calls a checker."""
    checkers = [n for n in cell.called() if re.match(r"exercise_\d", n)]
    return nb.kind == "solutions" and bool(checkers)


def calls_by_profile(node: ast.AST) -> bool:
    """Whether a by_profile(...) stands inside."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    return any(last_part(call.func) == "by_profile" for call in calls)


def clock_names(cell: Cell) -> set[str]:
    """Return the clocks that a cell reads."""
    names = {dotted(call.func) for call in cell.calls}
    return {
        name
        for name in names
        if name.startswith("time.")
        or name.rpartition(".")[2] in {"perf_counter", "monotonic", "now"}
    }


def echoed(cell: Cell) -> set[str]:
    """Return the names that a cell prints as they are."""
    shown: list[ast.expr] = []
    for call in cell.calls:
        name = last_part(call.func)
        if name in {"print", "display"}:
            shown += call.args
        elif name == "check":  # it prints the claim and the range
            shown += call.args[:1] + call.args[2:]
            shown += [k.value for k in call.keywords if k.arg != "value"]
        elif name == "show":
            shown += call.args[1:]
    if cell.body and isinstance(cell.body[-1], ast.Expr):
        shown.append(cell.body[-1].value)
    parts = [part for node in shown for part in text_parts(node)]
    return {part.id for part in parts if isinstance(part, ast.Name)}


def text_parts(node: ast.expr) -> list[ast.expr]:
    """Return a node, or what an f-string puts in."""
    if isinstance(node, ast.JoinedStr):
        values = node.values
        return [v.value for v in values if isinstance(v, ast.FormattedValue)]
    return [node]


# ------------------------------------------------------------- R42-R57: code


@rule(42, ALL)
def parses(nb: Notebook) -> Iterator[Fault]:
    """Every code cell is Python, and none is empty."""
    for cell in nb.code:
        if not cell.source.strip():
            yield cell.number, "an empty code cell; delete it"
        elif cell.tree is None and not shell_line(cell):
            yield cell.number, "not valid Python; correct the syntax"


@rule(43, ALL)
def no_shell(nb: Notebook) -> Iterator[Fault]:
    """No shell line, no magic."""
    for cell in nb.code:
        line = shell_line(cell)
        if line:
            yield cell.number, f"{line!r}: write Python instead"


@rule(44, ALL)
def no_network(nb: Notebook) -> Iterator[Fault]:
    """No network, pip, shell or account in Python."""
    for cell in nb.code:
        roots = {module.partition(".")[0] for _, module, _ in imports(cell)}
        names = {dotted(call.func) for call in cell.calls}
        wrong = (roots & NETWORK_MODULES) | (names & SHELL_CALLS)
        wrong |= cell.called() & NETWORK_CALLS
        if re.search(r"\bkeras\.datasets\b", cell.source):
            wrong.add("keras.datasets")
        for name in sorted(wrong):
            yield cell.number, f"{name}: data come from helpers.data"


@rule(45, ALL)
def no_absolute_path(nb: Notebook) -> Iterator[Fault]:
    """No absolute path in a string, no sys.path."""
    for cell in nb.code:
        # The parts of an f-string may begin with a slash.
        pieces = {
            id(part)
            for node in cell.nodes
            if isinstance(node, ast.JoinedStr)
            for part in node.values[1:]
        }
        for node in cell.nodes:
            if dotted(node) == "sys.path":
                yield cell.number, "sys.path: helpers is installed"
            if not isinstance(node, ast.Constant) or id(node) in pieces:
                continue
            text = node.value
            if isinstance(text, str) and (
                ABSOLUTE.match(text) or ROOTED.fullmatch(text)
            ):
                yield cell.number, f"{text!r}: use a relative path"


@rule(46, ALL)
def no_semicolon(nb: Notebook) -> Iterator[Fault]:
    """No semicolon at the end of a line."""
    for cell in nb.code:
        tokens: list[tokenize.TokenInfo] = []
        # What cannot be cut into tokens is a finding of another rule.
        with contextlib.suppress(tokenize.TokenError, SyntaxError):
            readline = io.StringIO(cell.source).readline
            tokens += tokenize.generate_tokens(readline)
        ends = {tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER}
        for token, after in itertools.pairwise(tokens):
            if token.string == ";" and after.type in ends:
                yield cell.number, "a trailing semicolon; end with show(...)"


@rule(47, ALL)
def keras_alone(nb: Notebook) -> Iterator[Fault]:
    """`import keras`; never tf.keras, never the backend K."""
    for cell in nb.code:
        wrong = {
            name
            for name in map(dotted, cell.nodes)
            if name in ("tf.keras", "tensorflow.keras") or name[:2] == "K."
        }
        for _, module, name in imports(cell):
            full = f"{module}.{name}" if name else module
            if re.match(r"tensorflow\.keras\b|keras\.backend\b", full):
                wrong.add(full)
        for name in sorted(wrong):
            yield cell.number, f"{name}: use keras, keras.layers, keras.ops"


@rule(48, ALL)
def no_trainable_idiom(nb: Notebook) -> Iterator[Fault]:
    """Two explicit variable lists; `trainable` is never set."""
    for cell in nb.code:
        for node in cell.nodes:
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "trainable"
                and isinstance(node.ctx, ast.Store)
            ):
                yield (
                    cell.number,
                    "do not set .trainable; give the optimiser its variables",
                )


@rule(49, TAUGHT)
def explicit_mode(nb: Notebook) -> Iterator[Fault]:
    """Calls of generator and discriminator say training=True or False."""
    plain_functions = {n for c in nb.code for s in c.body for n in made(s)}
    for cell in nb.code:
        for call in cell.calls:
            name = last_part(call.func)
            said = any(k.arg in ("training", None) for k in call.keywords)
            networks = {"generator", "discriminator"} - plain_functions
            if name in networks and not said:
                yield cell.number, f"{name}(...): add training=True or False"


@rule(50, ALL)
def no_progress_bars(nb: Notebook) -> Iterator[Fault]:
    """No clear_output, tqdm, update_display or Keras progress lines."""
    banned = {"clear_output", "tqdm", "trange", "update_display"}
    for cell in nb.code:
        names = {last_part(node) for node in cell.nodes}
        names |= {name for _, _, name in imports(cell)}
        names |= {module.partition(".")[0] for _, module, _ in imports(cell)}
        for name in sorted(banned & names):
            yield cell.number, f"{name}: use the live view of helpers.views"
        for call in cell.calls:
            values = {k.arg: k.value for k in call.keywords}
            verbose = values.get("verbose")
            if isinstance(verbose, ast.Constant) and verbose.value not in (
                0,
                False,
            ):
                yield cell.number, "verbose: set it to 0"


@rule(51, TAUGHT)
def helpers_first(nb: Notebook) -> Iterator[Fault]:
    """The first code cell imports helpers alone."""
    for cell in nb.code[:1]:
        roots = {module.partition(".")[0] for _, module, _ in imports(cell)}
        if roots != {"helpers"}:
            found = ", ".join(sorted(roots)) or "nothing"
            yield (
                cell.number,
                f"it imports {found}; import from helpers alone, which "
                "silences TensorFlow's start-up",
            )


@rule(52, TAUGHT)
def imports_in_set_up(nb: Notebook) -> Iterator[Fault]:
    """Other packages are imported in Set-up."""
    allowed = nb.section("Set-up").code()
    if not allowed:
        return
    for cell in nb.code[1:]:
        if cell in allowed:
            continue
        for _, module, _ in imports(cell):
            if module.partition(".")[0] != "helpers":
                yield cell.number, f"import {module} in the Set-up cell"


@rule(53, ALL)
def seed_first(nb: Notebook) -> Iterator[Fault]:
    """runtime.seed(...) stands in Set-up, before anything random."""
    section = nb.section("Set-up")
    seeds = [c for c in section.code() if calls_seed(c.nodes)]
    if section.title and not seeds:
        yield section.cell.number, "call runtime.seed(...) in this section"
        return
    modules = {module for c in nb.code for _, module, _ in imports(c)}
    prefixes = RANDOM + ("random.",) * ("random" in modules)
    for cell in nb.code:
        for node in cell.nodes:
            if calls_seed([node]):
                return
            name = dotted(node)
            trains = isinstance(node, ast.Call) and (
                last_part(node.func) in TRAINING
            )
            if name.startswith(prefixes) or trains:
                what = name or last_part(node.func)
                yield cell.number, f"{what} before runtime.seed(...)"
                return


@rule(54, TAUGHT)
def settings_constant(nb: Notebook) -> Iterator[Fault]:
    """Settings are assigned in the settings cell and nowhere else."""
    settings = nb.settings()
    home = nb.section("Settings").code()[:1]
    for cell in nb.code:
        names = [n for s in cell.body for n in sorted(assigned(s))]
        for name in sorted(set(names) & set(settings)):
            if cell not in home or names.count(name) > 1:
                yield cell.number, f"it assigns the setting {name} again"


@rule(55, TAUGHT)
def functions_take_settings(nb: Notebook) -> Iterator[Fault]:
    """Functions take the settings that they use as arguments."""
    settings = set(nb.settings())
    for cell in nb.code:
        classes = [s for s in cell.body if isinstance(s, ast.ClassDef)]
        methods = [s for node in classes for s in node.body]
        for node in [*cell.body, *methods]:
            if not isinstance(node, FUNCTIONS):
                continue
            for name in sorted(function_names(node) & settings):
                yield (
                    cell.number,
                    f"{node.name}() reads the setting {name}; "
                    "make it an argument",
                )


@rule(56, ALL)
def profiles_in_settings(nb: Notebook) -> Iterator[Fault]:
    """by_profile names ci, lecture and full, in the settings cell alone."""
    home = nb.section("Settings").code()[:1]
    for cell in nb.code:
        for call in cell.calls:
            if last_part(call.func) != "by_profile":
                continue
            if cell not in home and nb.kind != "solutions":
                yield cell.number, "move by_profile to the settings cell"
            given = [keyword.arg for keyword in call.keywords]
            if call.args or sorted(map(str, given)) != [
                "ci",
                "full",
                "lecture",
            ]:
                yield cell.number, "write by_profile(ci=, lecture=, full=)"


@rule(57, ALL)
def names_defined(nb: Notebook) -> Iterator[Fault]:
    """No name is used before its definition."""
    everywhere = {n for c in nb.code for s in c.body for n in defined_by(s)}
    known = set(GIVEN)
    for cell in nb.code:
        for statement in cell.body:
            for name in sorted(undefined(statement, known, everywhere)):
                yield cell.number, f"{name} is not defined yet"
            known |= defined_by(statement)


def shell_line(cell: Cell) -> str:
    """Return the first shell or magic line of a cell, or ''."""
    if cell.tree is not None:  # then a line may begin with the operator %
        return ""
    pattern = r"\s*(?:[\w., ]+=\s*)?[!%]"
    lines = cell.source.splitlines()
    return next((x.strip() for x in lines if re.match(pattern, x)), "")


def made(statement: ast.stmt) -> set[str]:
    """Return the names that a statement defines as functions."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    value = getattr(statement, "value", None)
    return assigned(statement) if isinstance(value, ast.Lambda) else set()


def calls_seed(nodes: list[ast.AST]) -> bool:
    """Whether one of the nodes is a call of runtime.seed."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    names = {dotted(call.func) for call in calls}
    return bool(names & {"seed", "runtime.seed", "helpers.runtime.seed"})


def undefined(
    statement: ast.stmt, known: set[str], everywhere: set[str]
) -> set[str]:
    """Return the names that a statement reads although nobody defined them.

    Names in the body of a function or class may be defined later. Names that
    a loop, a with or a try binds count as bound inside it.
    """
    if isinstance(statement, DEFINITIONS):
        outside = [*statement.decorator_list]
        if not isinstance(statement, ast.ClassDef):
            arguments = statement.args
            outside += arguments.defaults
            outside += [d for d in arguments.kw_defaults if d]
        now = free_names(outside, set()) - known
        bound = {statement.name}
        return now | (free_names([statement], bound) - known - everywhere)
    if hasattr(statement, "body") or isinstance(statement, ast.Match):
        return free_names([statement], set()) - known
    # In `x = f(x)` the x on the right must be known already.
    inner = {
        name
        for node in ast.walk(statement)
        if isinstance(node, (*SCOPES[3:], ast.NamedExpr))
        for part in ast.walk(node)
        for name in names_bound(part)
    }
    reads = {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
        and (isinstance(node.ctx, ast.Load) or is_target(statement, node))
    }
    return reads - inner - known


def is_target(statement: ast.stmt, node: ast.Name) -> bool:
    """Whether a node is the x of `x += 1` or `del x`, which must exist."""
    targets = getattr(statement, "targets", [])
    if isinstance(statement, ast.AugAssign):
        return statement.target is node
    return isinstance(statement, ast.Delete) and node in targets


# ---------------------------------------- R58-R63: figures, images and words


@rule(58, ALL)
def figures_by_show(nb: Notebook) -> Iterator[Fault]:
    """A stored picture comes from show(fig, alt): 15 to 300 characters.

    VS Code takes them from text/plain, exporters from the metadata, and who
    has neither, as in JupyterLab, reads them below the picture.
    """
    for cell in nb.code:
        for output in cell.figures():
            data = output_data(output)
            text = "".join(data.get("text/plain", ""))
            alt = text.removeprefix("[figure] ")
            after = cell.outputs[cell.outputs.index(output) + 1 :][:1]
            below = "".join(output_data(*after or [{}]).get("text/html", ""))
            said = output.get("metadata", {}).get("image/png", {}).get("alt")
            if alt == text or set(data) != {"image/png", "text/plain"}:
                yield cell.number, "a bare figure; end with show(fig, alt)"
            elif not 15 <= len(alt) <= 300:
                yield cell.number, f"alt of {len(alt)} characters; 15 to 300"
            elif said != alt or f">Figure: {html.escape(alt, False)}<" not in (
                below
            ):
                yield cell.number, "no text below the figure; use show(...)"


@rule(59, ALL)
def figure_code(nb: Notebook) -> Iterator[Fault]:
    """No plt.show, no style of its own, no jet or rainbow."""
    for cell in nb.code:
        names = {dotted(node) for node in cell.nodes}
        names |= {f".{last_part(node)}" for node in cell.nodes}
        for name in sorted(names & {"plt.show", "fig.show", "pyplot.show"}):
            yield cell.number, f"{name}: use show(fig, alt)"
        for name in sorted(names & {".rcParams", "plt.style.use", "plt.rc"}):
            yield cell.number, f"{name}: the one style is in helpers.views"
        maps = {
            keyword.value.value
            for call in cell.calls
            for keyword in call.keywords
            if keyword.arg == "cmap"
            and isinstance(keyword.value, ast.Constant)
        }
        maps |= {name.rpartition(".")[2] for name in names if ".cm." in name}
        for name in sorted(maps & {"jet", "rainbow", "hsv", "turbo"}):
            yield cell.number, f"colour map {name}: use cividis or gray"


@rule(60, TAUGHT)
def figures_explained(nb: Notebook) -> Iterator[Fault]:
    """Text beside a figure says what to see."""
    for at, cell in enumerate(nb.cells):
        beside = nb.cells[max(0, at - 1) : at] + nb.cells[at + 1 : at + 2]
        blocks = [block for near in beside for block in split(near)]
        if cell.figures() and all(b.kind != "text" for b in blocks):
            yield cell.number, "say before or after it what to see"


@rule(61, ALL)
def images(nb: Notebook) -> Iterator[Fault]:
    """Images in markdown are local files with alt text of 20 characters."""
    for cell in nb.markdown:
        for alt, target in image_links(without_code(cell.source)):
            if len(alt) < 20:
                yield cell.number, f"{target}: alt of {len(alt)} characters"
            problem = target_problem(nb, target)
            if re.match(r"[a-z]+:|//", target):
                problem = "images are local files"
            if problem:
                yield cell.number, f"{target}: {problem}"


@rule(62, ALL)
def links(nb: Notebook) -> Iterator[Fault]:
    """Relative links and anchors lead somewhere."""
    anchors = {re.sub(r"[`*]", "", h.text) for h in nb.headings}
    anchors = {text.replace(" ", "-") for text in anchors}
    for cell in nb.markdown:
        for target in link_targets(without_code(cell.source)):
            anchor = urllib.parse.unquote(target[1:])
            if target.startswith("#") and anchor not in anchors:
                near = [a for a in anchors if a.lower() == anchor.lower()]
                hint = f"; write #{near[0]}" if near else ""
                yield cell.number, f"{target}: no such heading{hint}"
            problem = target_problem(nb, target)
            if problem and not target.startswith("#"):
                yield cell.number, f"{target}: {problem}"


@rule(63, TAUGHT)
def banned_words(nb: Notebook) -> Iterator[Fault]:
    """No simply, obviously, easy, clearly, of course, nor just."""
    # The title of a paper may hold any word.
    quoted = nb.section("References").blocks
    for block in nb.blocks:
        if block.kind == "code" or block in quoted:
            continue
        for match in BANNED_WORDS.finditer(plain(block.text)):
            yield block.cell.number, f"{match.group()!r}: leave it out"


@rule(64, ALL)
def blocks_as_meant(nb: Notebook) -> Iterator[Fault]:
    """A list, heading, quote, table or rule begins after a blank line.

    Where none stands before it, a line of a paragraph was wrapped before a
    `+`, a `1.` or the like. CommonMark (JupyterLab, GitHub) and nbconvert
    must see the same blocks.
    """
    for cell in nb.markdown:
        lines = cell.source.splitlines()
        for token in MARKDOWN.parse(cell.source):
            at = token.map[0] if token.map and token.type in BLOCKS else 0
            underlined = token.type == "heading_open" and token.markup in "=-"
            if underlined or (at and lines[at - 1].strip(" >")):
                yield (
                    cell.number,
                    f"{lines[at][:30]!r} begins a {BLOCKS[token.type]}: wrap "
                    "the line elsewhere, or leave a blank line before it",
                )
        pages = [
            view(cell.source) for view in (MARKDOWN.render, markdown2html)
        ]
        common, nbconvert = map(BLOCK_TAGS.findall, pages)
        if common != nbconvert:
            yield cell.number, "viewers disagree on its lists and headings"


def image_links(text: str) -> list[tuple[str, str]]:
    """Return alt text and target of each image."""
    found = re.findall(r"!\[([^\]]*)\]\(\s*([^)\s]+)[^)]*\)", text)
    for tag in re.findall(r"<img\b[^>]*>", text):
        values = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)", tag))
        found.append((values.get("alt", ""), values.get("src", "")))
    return found


def link_targets(text: str) -> list[str]:
    """Return the targets of links, images left out."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    found = re.findall(r"\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)", text)
    found += re.findall(r"(?m)^\s{0,3}\[[^\]]+\]:\s*(\S+)", text)
    return found + re.findall(r"<a\b[^>]*href=[\"']([^\"']+)", text)


def target_problem(nb: Notebook, target: str) -> str:
    """Say what is wrong with a target; '' for a web address."""
    if re.match(r"(https?|mailto):", target):
        return ""
    name = urllib.parse.unquote(target.partition("#")[0])
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]+:|.*\\", name):
        return "give a path relative to the notebook"
    return "" if (nb.path.parent / name).exists() else "no such file"
