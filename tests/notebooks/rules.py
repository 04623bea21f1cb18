"""The rules that every notebook keeps, where only a reader would notice.

ruff reads the code, nbval runs it and compares what it prints; a rule stands
here if neither sees its fault. It yields where (None is the whole file), what
was found, and what is expected.
"""

import ast
import itertools
import re
import statistics
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from reader import (
    Block,
    Cell,
    Notebook,
    Section,
    image_links,
    link_targets,
    list_items,
    plain,
    size,
    tables,
    without_code,
)
from syntax import (
    DEFINITIONS,
    assigned,
    called,
    globals_read,
    is_stub,
    last_part,
    made_functions,
    only_shows,
    parameters,
    proves,
)

from tools.stored import LOCAL, Refused, refuse_noise, text_of, tidy

Where = Cell | Block | Section | None
Faults = Iterator[tuple[Where, str, str]]

# A translation keeps no rule of English prose: test_translations.py compares
# it with the original, which keeps them all.
KINDS = ("lesson", "start", "deeper", "solutions", "translation")
PATH = ("lesson", "start")  # the main path; start is lesson 00
READ = ("lesson", "start", "deeper")

HEAD = ("At a glance", "Set-up and settings")
END = ("What to keep", "References", "Where to go next")
TAIL = ("Broken on purpose", "Limits", "Responsible use", "Exercises", *END)
NEEDED = {"lesson": (*HEAD, *TAIL), "start": (*HEAD, *END)}
BODY = {"lesson": (3, 4), "start": (2, 5)}
ITEMS = {"Limits": (1, 3), "Responsible use": (1, 3), "What to keep": (3, 5)}
MOST = {
    "words of prose": 3_500,
    "lines of code": 240,
    "cells": 55,
    "check lines": 20,
    "minutes to read": 75,
}
BUDGETS = {
    "lesson": MOST,
    "start": MOST | {"cells": 30},
    "deeper": {"cells": 35},
}
MEGABYTE = 1_000_000
TAGS = {
    "code": {"nbval-ignore-output", "long-cell", "live", "predict"},
    "markdown": {"predict"},
}
# Words that make a reader feel slow, and worn ones.
NEVER = r"(?i)\b(simply|obviously|easy|easily|clearly|of\s+course)\b"
WORN = r"(?i)\b(mend(s|ed|ing)?|anew|dearer|at\s+once|by\s+far)\b"
UNTESTED = re.compile(r"\W*(understand|know|learn|appreciate|be|see)\b", re.I)
IN_LESSON = re.compile(r"Exercise (\d+): .+ \([★☆]+, (\d+) min\)$")
IN_SOLUTIONS = re.compile(r"Exercise (\d+): .+")
SOURCE = re.compile(r"\b10\.\d{4,}/\S|arXiv:\d{4}\.\d{4,5}|https://\S")
# What a stored text tells of one machine: an address, a speed.
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}|\d\s*[mµu]?s/(step|epoch|it)\b")
OWN = {"report", "source", "perf_counter", "monotonic", "now", "cpu_count"}
HTML_TABLE = re.compile(r"(?s)<table.*?</table>")

MARKDOWN = MarkdownIt("commonmark").enable("table")
BLOCKS = ["blockquote_open", "bullet_list_open", "ordered_list_open"]
BLOCKS += ["heading_open", "table_open", "fence", "hr"]

MACROS = "operatorname|bm|newcommand|def|require|label|tag|ref|href|unicode"
UNDRAWN = {  # by one renderer or another
    r"\mathrm{...}, or plain symbols": rf"\\(?:{MACROS})\b",
    "$...$ or $$...$$": r"\\[\[(]",
}

Rule = Callable[[Notebook], Iterable[tuple[Where, str, str]]]
RULES: dict[str, tuple[tuple[str, ...], Rule]] = {}


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Enter a function as a rule for these kinds of notebook."""

    def enter(find: Rule) -> Rule:
        RULES[find.__name__] = (kinds, find)
        return find

    return enter


def kind_of(path: Path) -> str:
    """Return lesson, start (lesson 00), deeper, solutions or translation."""
    beside = path.parent.name in ("deeper", "solutions")
    home = path.parent.parent if beside else path.parent
    if re.fullmatch("[a-z]{2}", home.name):  # of a language
        return "translation"
    if beside:
        return path.parent.name
    return "start" if path.name.startswith("00") else "lesson"


def findings(text: str, path: Path) -> list[tuple[str, str]]:
    """Apply the rules to the text of a file; return rule and sentence.

    The path says what kind of notebook it is; links are looked up from there.
    """
    notebook = Notebook(text, path, kind_of(path))
    found = []
    for name, (kinds, find) in RULES.items():
        faults = find(notebook) if notebook.kind in kinds else ()
        for where, what, wanted in faults:
            place = f"cell {where.number}" if where else "file"
            text = f"{place}: {what}; expected: {wanted} [{name}]"
            found.append((name, text))
    return found


# --- the file and its outputs


@rule(*KINDS)
def stored_form(nb: Notebook) -> Faults:
    """The file is what `course.py refresh` would store, of 1 MB at most."""
    length = len(nb.text.encode())
    if length > MEGABYTE:
        yield None, f"{length:,} bytes", f"at most {MEGABYTE:,}"
    try:
        made = tidy(nbformat.v4.reads(nb.text))
        refuse_noise(made)
        text = text_of(made)
    except (Refused, nbformat.ValidationError) as reason:
        yield None, str(reason).splitlines()[0], "what refresh would store"
        return
    lines = itertools.zip_longest(nb.text.split("\n"), text.split("\n"))
    for number, (found, wanted) in enumerate(lines, start=1):
        if found != wanted:
            pair = [f"{line}".strip()[:70] for line in (found, wanted)]
            yield None, f"line {number}, {pair[0]}", f"{pair[1]}, by refresh"
            return


@rule(*KINDS)
def plain_python(nb: Notebook) -> Faults:
    """No magic, no shell line, no path of one machine."""
    for cell in nb.code:
        if cell.tree is None:
            yield cell, "a magic or a shell line", "plain Python"
        for node in cell.nodes:
            text = node.value if isinstance(node, ast.Constant) else ""
            if isinstance(text, str) and LOCAL.match(text):
                yield cell, repr(text), "a relative path"


@rule(*KINDS)
def tags(nb: Notebook) -> Faults:
    """Tags are of the closed list; what nbval ignores is a tag, no comment."""
    for cell in nb.cells:
        allowed = TAGS.get(cell.kind, set())
        for tag in sorted(cell.tags - allowed):
            yield cell, f"tag {tag}", f"one of {sorted(allowed)}"
        if re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
            yield cell, "a comment to nbval", "a tag"


@rule(*KINDS)
def same_everywhere(nb: Notebook) -> Faults:
    """What nbval compares tells nothing of one machine."""
    for cell in nb.code:
        if not cell.ignored:
            for name in sorted(OWN & called(cell)):
                yield cell, f"{name}() is shown", "the tag nbval-ignore-output"
            address = ADDRESS.search(cell.printed())
            if address:
                yield cell, repr(address.group()), "no address, no speed"


@rule(*KINDS)
def measured_then_checked(nb: Notebook) -> Faults:
    """After an ignored cell a compared check comes before the next heading."""
    for at, block in enumerate(nb.blocks):
        later = nb.blocks[at + 1 :]
        later = itertools.takewhile(lambda b: b.kind != "heading", later)
        proved = any(proves(b.cell) or solves(nb, b.cell) for b in later)
        if block.kind == "code" and block.cell.ignored and not proved:
            yield block, "no check after it", "one before the next heading"


def solves(nb: Notebook, cell: Cell) -> bool:
    """Whether a cell of a solutions notebook calls a checker."""
    checks = any(re.match(r"exercise_\d", name) for name in called(cell))
    return nb.path.parent.name == "solutions" and checks and not cell.ignored


@rule(*KINDS)
def figures_by_show(nb: Notebook) -> Faults:
    """A stored picture comes from show(fig, alt), which stores words too."""
    for cell in nb.code:
        svg = cell.data("image/svg+xml")
        words = [t[:9] == "[figure] " for t in cell.data("text/plain")]
        if svg or sum(words) != len(cell.data("image/png")):
            yield cell, "a bare figure", "show(fig, alt)"


@rule(*KINDS)
def shown_anywhere(nb: Notebook) -> Faults:
    """Pages that run nothing (GitHub, nbviewer) show what a cell stored."""
    for k, cell in enumerate(nb.code):
        near = nb.code[max(k - 1, 0) : k + 2]
        alive = {"widget", "interact", "interactive"} & called(cell)
        if alive and not any(other.data("image/png") for other in near):
            yield cell, "a widget alone", "a picture in it or in a cell beside"
        if any("<script" in text for text in cell.data("text/html")):
            yield cell, "a script", "an output that needs none"


# --- words and links


@rule(*KINDS)
def formulas_anywhere(nb: Notebook) -> Faults:
    """Formulas are written as GitHub, nbviewer, VS Code and the site read."""
    for cell in nb.markdown:
        text = re.sub(r"(?ms)^```.*?^```|(``?).+?\1", "code", cell.source)
        for wanted, pattern in UNDRAWN.items():
            for match in re.finditer(pattern, text):
                yield cell, f"in a formula, {match.group()}", wanted
        for block in re.split(r"\n\s*\n", text):
            alone = re.fullmatch(r"\$\$[^$]+\$\$", block.strip())
            if "$$" in block and not alone:
                yield cell, "$$ within text", "blank lines around a formula"


@rule(*KINDS)
def headings(nb: Notebook) -> Faults:
    """One H1 with a promise; no level skipped; sentence case."""
    if not nb.blocks or nb.blocks[0].kind != "heading":
        yield None, "no heading first", "the title, `# ...`"
    after = [b.text.strip() for b in nb.blocks[1:2] if b.kind == "text"]
    promise = re.split(r"\n\s*\n", "".join(after))[0]
    if nb.path.parent.name != "solutions" and not re.match(
        r"(?s)[*_]*\w.*[.!?。！？]", promise
    ):
        yield None, "no sentence under the title", "what the reader makes"
    level = 0
    for at, heading in enumerate(nb.headings):
        if (heading.level == 1) != (at == 0) or heading.level > level + 1:
            found = f"{heading.text!r}, H{heading.level} below H{level}"
            yield heading, found, "one H1, then no level skipped"
        level = heading.level
        words = re.findall(r"[^\W\d_][\w'’-]*", plain(heading.text))[1:]
        capital = [w for w in words if w[0].isupper() and w[1:].islower()]
        if len(capital) > max(1, len(words) / 2):
            yield heading, repr(heading.text), "sentence case"


@rule(*READ)
def banned_words(nb: Notebook) -> Faults:
    """No word that makes a reader feel slow, and no worn one."""
    quoted = nb.section("References").blocks  # a title may hold any word
    for block in nb.blocks:
        text = "" if block.kind == "code" or block in quoted else block.text
        for pattern in (NEVER, WORN):
            for match in re.finditer(pattern, plain(text)):
                yield block, repr(match.group()), "another word, or none"


@rule(*KINDS)
def links(nb: Notebook) -> Faults:
    """Links and images lead somewhere, and an image says what it shows."""
    anchors = [re.sub(r"[`*]", "", h.text) for h in nb.headings]
    anchors = ["#" + text.replace(" ", "-") for text in anchors]
    for cell in nb.markdown:
        text = without_code(cell.source)
        for alt, target in image_links(text):
            if len(alt) < 20:
                yield cell, f"alt text {alt!r}", "20 characters or more"
            if re.match(r"[a-z]+:|//", target) or not leads(nb, target):
                yield cell, f"image {target}", "a local file"
        for target in link_targets(text):
            if target.startswith("#"):
                if urllib.parse.unquote(target) not in anchors:
                    yield cell, f"link {target}", f"one of {anchors}"
            elif not leads(nb, target):
                yield cell, f"link {target}", "the relative path of a file"


def leads(nb: Notebook, target: str) -> bool:
    """Whether a target is a web address or a file at a relative path."""
    if re.match(r"(https?|mailto):", target):
        return True
    name = urllib.parse.unquote(target.partition("#")[0])
    foreign = name.startswith(("/", "~")) or re.match(r"[A-Za-z]+:|.*\\", name)
    return not foreign and (nb.path.parent / name).exists()


@rule(*KINDS)
def blocks_as_meant(nb: Notebook) -> Faults:
    """A list, heading, quote, table or rule begins after a blank line.

    Where none stands before it, a line of a paragraph was wrapped before a
    `+`, a `1.` or the like. And code begins on a line after its three
    backquotes.
    """
    for cell in nb.markdown:
        for match in re.finditer(r"(?m)^\s*```\w* +\S.*$", cell.source):
            yield cell, repr(match.group()[:30]), "code from the next line on"
        lines = cell.source.splitlines()
        for token in MARKDOWN.parse(cell.source):
            at = token.map[0] if token.map and token.type in BLOCKS else 0
            underlined = token.type == "heading_open" and token.markup in "=-"
            if underlined or (at and lines[at - 1].strip(" >")):
                kind = token.type.removesuffix("_open").replace("_", " ")
                found = f"{lines[at][:30]!r} begins a {kind}"
                yield cell, found, "a blank line before it, or another wrap"


@rule(*PATH)
def references(nb: Notebook) -> Faults:
    """Each reference is a list item with a DOI, an arXiv id or a link."""
    section = nb.section("References")
    for item in list_items(section.text) or ["no list"]:
        if section.title and not SOURCE.search(item):
            yield section, item[:50], "with DOI, `arXiv:NNNN.NNNNN` or link"


@rule(*PATH)
def neighbours(nb: Notebook) -> Faults:
    """Where to go next links to the lessons before and after."""
    section = nb.section("Where to go next")
    lessons = sorted(p.name for p in nb.path.parent.glob("[0-9]*_*.ipynb"))
    at = lessons.index(nb.path.name)
    for name in lessons[max(0, at - 1) : at] + lessons[at + 1 : at + 2]:
        if section.title and f"]({name}" not in section.text:
            yield section, "no link to a neighbour", f"one to {name}"


@rule(*PATH)
def companions(nb: Notebook) -> Faults:
    """A lesson has its instructor's page, and solutions of its exercises."""
    page = f"docs/instructor/{nb.number}.md"
    if not (nb.path.parent.parent / page).is_file():
        yield None, f"no {page}", "the minute plan"
    path = nb.path.parent / "solutions" / f"{nb.number}_solutions.ipynb"
    asked = [numbered(part) for part in nb.section("Exercises").parts()]
    solved = []
    if path.is_file():
        other = Notebook(path.read_text(encoding="utf-8"), path)
        solved = [numbered(section) for section in other.sections]
    if solved != asked:
        yield None, f"solutions/{path.name} with {solved}", f"{asked}"


def numbered(section: Section) -> str:
    """Return the `Exercise 1` of a title."""
    return section.title.partition(":")[0]


@rule("lesson")
def exercises(nb: Notebook) -> Faults:
    """At least two exercises, each with stars, minutes and a stub."""
    section = nb.section("Exercises")
    parts = section.parts()
    if section.title and len(parts) < 2:
        yield section, f"{len(parts)} exercises", "two or more"
    for k, part in enumerate(parts, start=1):
        match = IN_LESSON.match(part.title)
        if not match or match.group(1) != str(k):
            yield part, part.title, f"`Exercise {k}: ... (★, 10 min)`"
        elif not any(is_stub(cell, k) for cell in part.code):
            yield part, "no stub that prints 'not attempted'", "`answer = ...`"


@rule("solutions")
def solutions(nb: Notebook) -> Faults:
    """Each solution: the question, code whose output says PASS, and why."""
    for k, part in enumerate(nb.sections, start=1):
        match = IN_SOLUTIONS.match(part.title)
        if not match or match.group(1) != str(k):
            yield part, part.title, f"`## Exercise {k}: ...`"
        order = "".join(block.kind[0] for block in part.blocks)
        if not re.match(r"h*t.*c.*t", order):
            yield part, "another order", "the question, the code, then why"
        if not any("PASS" in cell.printed() for cell in part.code):
            yield part, "no output that says PASS", "a solved exercise"


# --- its code


@rule(*READ)
def text_before_code(nb: Notebook) -> Faults:
    """No two code cells in a row, unless the second only shows or checks."""
    for before, cell in itertools.pairwise(nb.cells):
        if before.kind == cell.kind == "code" and not only_shows(cell):
            yield cell, "code after code", "words before it, on what it does"


@rule(*KINDS)
def key_that_stays(nb: Notebook) -> Faults:
    """Above a live view the text names the key that keeps it in view."""
    text = ""
    for cell in nb.cells:
        if cell.kind != "code":
            text = cell.source
        elif "train_live" in called(cell) and "Ctrl+Enter" not in text:
            yield cell, "Shift+Enter scrolls past it", "Run with Ctrl+Enter"


@rule(*KINDS)
def networks(nb: Notebook) -> Faults:
    """Networks are called with training=, and `trainable` is never set."""
    names = {"generator", "discriminator"}
    names -= {name for cell in nb.code for name in made_functions(cell)}
    for cell in nb.code:
        for call in cell.calls:
            said = any(k.arg in ("training", None) for k in call.keywords)
            if last_part(call.func) in names and not said:
                yield cell, f"{last_part(call.func)}(...)", "training= in it"
        for node in cell.nodes:
            stores = isinstance(getattr(node, "ctx", None), ast.Store)
            if stores and getattr(node, "attr", "") == "trainable":
                yield cell, "trainable is set", "two lists of variables"


@rule(*PATH)
def settings(nb: Notebook) -> Faults:
    """Settings stand in one cell, each with unit and source in a table."""
    section, home = nb.settings()
    rows = [row for table in tables(section.text) for row in table]
    head = " ".join(rows[0]).lower() if rows else ""
    if section.title and not re.search(r"\bunits?\b.*\bsources?\b", head):
        yield section, f"a table of {head!r}", "columns for unit and source"
    names: list[str] = []
    for statement in home.body:
        names += assigned(statement)
        for name in parameters(statement):
            if rows and not any(f"`{name}`" in " ".join(row) for row in rows):
                yield section, f"no table row for {name}", "one"
    for cell in nb.code:
        again = [n for s in cell.body for n in assigned(s) if n in names]
        for name in sorted(set(again)):
            if cell is not home or names.count(name) > 1:
                yield cell, f"the setting {name} set again", "one value"
        if cell is not home and "by_profile" in called(cell):
            yield cell, "by_profile(...)", "it in the settings cell"


@rule(*READ)
def functions_take_settings(nb: Notebook) -> Faults:
    """Functions take the settings that they use as arguments."""
    names = {n for s in nb.settings()[1].body for n in assigned(s)}
    for cell in nb.code:
        for function, name in globals_read(cell):
            if name in names:
                yield cell, f"{function}() reads {name}", "an argument"


@rule("lesson", "deeper")
def definitions_run(nb: Notebook) -> Faults:
    """Five definitions never queue up before something runs."""
    waiting = 0
    for cell in nb.code:
        defined = sum(isinstance(s, DEFINITIONS) for s in cell.body)
        waiting = waiting + defined if defined else 0
        if waiting >= 5:
            yield cell, f"{waiting} definitions in a row", "a run between"
        if defined and not isinstance(cell.body[-1], DEFINITIONS):
            waiting = 0  # it ran them itself


# --- the form and size of a path


@rule(*PATH)
def sections_in_order(nb: Notebook) -> Faults:
    """The H2 sections of house-style.md, in their order."""
    titles = [section.title for section in nb.sections]
    wrong = [t for t in NEEDED[nb.kind] if titles.count(t) != 1]
    for name in wrong:
        yield None, f"{titles.count(name)} sections `## {name}`", "one"
    if wrong:
        return
    why = titles[: titles.index(HEAD[0])]
    if [title[:4] for title in why] != ["Why "] * (nb.kind == "lesson"):
        yield None, f"{why} before {HEAD[0]!r}", "a lesson's `## Why ...`"
    body = [section.title for section in body_of(nb)]
    low, high = BODY[nb.kind]
    if not low <= len(body) <= high:
        yield None, f"{len(body)} sections of its own", f"{low} to {high}"
    wanted = [*why, *HEAD, *body, *(t for t in TAIL if t in titles)]
    for section, name in zip(nb.sections, wanted, strict=False):
        if section.title != name:
            yield section, f"`## {section.title}`", f"`## {name}` here"
            return


def body_of(nb: Notebook) -> list[Section]:
    """Return the sections whose titles the lesson chooses."""
    titles = [section.title for section in nb.sections]
    start = titles.index(HEAD[0]) if HEAD[0] in titles else 0
    return [s for s in nb.sections[start:] if s.title not in (*HEAD, *TAIL)]


@rule(*PATH)
def pictures(nb: Notebook) -> Faults:
    """A picture opens the lesson; another shows what was broken."""
    opening = itertools.takewhile(lambda b: b.level != 2, nb.blocks)
    code = [block.cell for block in opening if block.kind == "code"]
    if not code or not code[0].data("image/png"):
        yield None, "no picture before the first `##`", "one"
    broken = nb.section("Broken on purpose")
    shown = any(cell.data("image/png") for cell in broken.code)
    if broken.title and nb.kind == "lesson" and not shown:
        yield broken, "no figure", "one, of the failure and its healthy twin"


@rule(*PATH)
def at_a_glance(nb: Notebook) -> Faults:
    """Minutes as computed, and 3 to 5 goals, each with its checkpoint."""
    section = nb.section("At a glance")
    tasks = [IN_LESSON.match(p.title) for p in nb.section("Exercises").parts()]
    wanted = {"read": str(size(nb)["minutes to read"]), "run": ""}
    if nb.kind == "lesson":
        wanted["exercises"] = str(sum(int(m.group(2)) for m in tasks if m))
    head, row = ([*tables(section.text), [[], []]][0] + [[]])[:2]
    found = dict(zip(head, row, strict=False))
    for what, minutes in wanted.items() if section.title else ():
        if not re.fullmatch(minutes or r"\d+", found.get(what, "")):
            given = f"minutes ({what}): {found.get(what)}"
            yield section, given, minutes or "a number"
    goals = list_items(section.text)
    if section.title and not 3 <= len(goals) <= 5:
        yield section, f"{len(goals)} goals in a list", "3 to 5"
    there = {heading.text for heading in nb.checkpoints()}
    for goal in goals:
        named = re.findall(r"\((checkpoint \d+)\)", goal)
        if not named or {name.capitalize() for name in named} - there:
            yield section, repr(goal), "`(checkpoint k)`, one that is there"
        if UNTESTED.match(goal):
            yield section, repr(goal), "a verb that can be tested: compute ..."


@rule(*PATH)
def checkpoints(nb: Notebook) -> Faults:
    """Each section of its own ends with one: a folded answer, then checks."""
    for k, section in enumerate(body_of(nb), start=1):
        last = [section, *section.parts()][-1]
        if last.title != f"Checkpoint {k}":
            yield last, last.title, f"`### Checkpoint {k}` at the end"
            continue
        folded = [b.number for b in last.blocks if "<details" in b.text]
        if not folded:
            yield last, "no folded answer", "<details>"
        after = [c for c in last.code if c.number > min(folded, default=0)]
        lines = sum(cell.check_lines() for cell in after if proves(cell))
        if not 1 <= lines <= 5:
            yield last, f"{lines} check lines after the answer", "1 to 5"


@rule(*READ)
def budgets(nb: Notebook) -> Faults:
    """The budgets of house-style.md, of the whole and of the short parts."""
    for what, count in size(nb).items():
        most = BUDGETS[nb.kind].get(what, count)
        if count > most:
            yield None, f"{count:,} {what}", f"{most:,} at most"
    for section in nb.sections:
        low, high = ITEMS.get(section.title, (0, 999))
        lines = [x for x in section.text.splitlines() if x.strip()]
        count = len(list_items(section.text) or lines)
        if not low <= count <= high:
            yield section, f"{count} items or lines", f"{low} to {high}"


@rule(*READ)
def cell_lengths(nb: Notebook) -> Faults:
    """Median 8 lines of a code cell, none over 25, one long-cell of 35."""
    median = statistics.median([cell.lines for cell in nb.code] or [0])
    if median > 8:
        yield None, f"{median:g} lines in the median code cell", "8 at most"
    long = [cell for cell in nb.code if "long-cell" in cell.tags]
    for cell in long[1:]:
        yield cell, "a second long-cell", "one"
    live = [cell for cell in nb.code if "live" in cell.tags]
    for cell in live[6:]:
        yield cell, "a seventh cell to type live", "six"
    for cell in nb.code:
        most = 35 if cell in long else 12 if cell in live else 25
        if cell.lines > most:
            yield cell, f"{cell.lines} lines", f"{most} at most"
        printed = len(cell.printed().splitlines())
        if printed > 12:
            yield cell, f"{printed} lines of output", "12 at most"


@rule("lesson", "deeper")
def small_tables(nb: Notebook) -> Faults:
    """A table that is not folded has at most 5 columns and 8 rows."""
    for cell in nb.cells:
        open_text = re.sub(r"(?s)<details.*?</details>", "", cell.source)
        found = tables(open_text if cell.kind == "markdown" else "")
        sizes = [(len(table[0]), len(table) - 1) for table in found]
        for page in HTML_TABLE.findall("".join(cell.data("text/html"))):
            rows = [len(re.findall("<t[hd]", r)) for r in page.split("<tr")]
            sizes.append((max(rows), len(rows) - 2))
        for columns, rows in sizes:
            if columns > 5 or rows > 8:
                yield cell, f"table of {columns} columns, {rows} rows", "5, 8"


@rule("deeper")
def deeper(nb: Notebook) -> Faults:
    """15 cells or more; a question, a figure, checks; linked both ways."""
    if len(nb.cells) < 15:
        yield None, f"{len(nb.cells)} cells", "15 to 35"
    lessons = nb.path.parent.parent.glob(f"{nb.number}_*.ipynb")
    lesson = next(lessons, nb.path)
    there = f"](deeper/{nb.path.name}" in lesson.read_text(encoding="utf-8")
    for found, what in (
        ("?" in nb.cells[0].source, "question under the title"),
        (any(c.data("image/png") for c in nb.code), "figure"),
        (any(c.check_lines() and proves(c) for c in nb.code), "check line"),
        (there, f"link to it in {lesson.name}"),
        (f"](../{lesson.name}" in nb.text, f"link to ../{lesson.name}"),
    ):
        if not found:
            yield None, f"no {what}", "one"
