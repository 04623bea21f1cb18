"""Read a notebook: its cells, headings and sections, its words and its size.

Nothing is run and nothing repaired; numbers of cells count from 1.
"""

import ast
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKPOINT = re.compile(r"Checkpoint (\d+)$")
SETTINGS = ("Set-up and settings", "Settings")


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell; its place in the file is its number."""

    number: int
    kind: str
    source: str
    tags: frozenset[str]
    outputs: list[dict[str, Any]]

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
        """Syntax tree, or None where the source is not plain Python."""
        try:
            return ast.parse(self.source)
        except SyntaxError:
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

    @property
    def calls(self) -> list[ast.Call]:
        """All calls in the order of the text."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    def data(self, mime: str) -> list[str]:
        """Stored outputs of a kind, such as image/png."""
        bundles = [output.get("data", {}) for output in self.outputs]
        return ["".join(b[mime]) for b in bundles if mime in b]

    def printed(self) -> str:
        """Stored text that nbval compares, HTML left out."""
        parts = ["".join(output.get("text", "")) for output in self.outputs]
        parts += self.data("text/plain")
        return "\n".join(part.rstrip("\n") for part in parts if part)

    def check_lines(self) -> int:
        """Lines `ok  claim` that its checks have printed."""
        return len(re.findall(r"(?m)^ok  ", self.printed()))

    def code_lines(self) -> int:
        """Lines of code, blank ones and imports left out."""
        imports = {
            line
            for node in self.body
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for line in range(node.lineno, node.end_lineno + 1)
        }
        lines = enumerate(self.source.splitlines(), start=1)
        return sum(
            bool(text.strip()) and n not in imports for n, text in lines
        )


NOWHERE = Cell(0, "code", "", frozenset(), [])


@dataclass(frozen=True)
class Block:
    """A heading, the text up to the next heading, or a code cell."""

    kind: str
    cell: Cell
    text: str
    level: int = 0

    @property
    def number(self) -> int:
        """The cell it stands in."""
        return self.cell.number


@dataclass(frozen=True)
class Section:
    """A heading and all blocks up to the next one of its level or above."""

    heading: Block
    blocks: list[Block]

    @property
    def title(self) -> str:
        """Its heading; empty where there is no such section."""
        return self.heading.text

    @property
    def number(self) -> int:
        """The cell of its heading."""
        return self.heading.number

    @property
    def text(self) -> str:
        """Markdown of the section without its headings."""
        parts = [block.text for block in self.blocks if block.kind == "text"]
        return "\n\n".join(parts)

    @property
    def code(self) -> list[Cell]:
        """Code cells of the section."""
        return [block.cell for block in self.blocks if block.kind == "code"]

    def parts(self) -> list["Section"]:
        """The section cut at its H3 headings."""
        return cut(self.blocks, 3)


class Notebook:
    """A notebook as the rules see it."""

    def __init__(self, text: str, path: Path, kind: str = "") -> None:
        self.text, self.path, self.kind = text, path, kind
        self.content = json.loads(text)
        self.cells = [
            Cell(
                number,
                cell["cell_type"],
                "".join(cell["source"]),
                frozenset(cell["metadata"].get("tags", [])),
                cell.get("outputs", []),
            )
            for number, cell in enumerate(self.content["cells"], start=1)
        ]
        self.code = [cell for cell in self.cells if cell.kind == "code"]
        self.markdown = [c for c in self.cells if c.kind == "markdown"]
        self.blocks = [block for cell in self.cells for block in split(cell)]
        self.headings = [b for b in self.blocks if b.kind == "heading"]
        self.sections = cut(self.blocks, 2)

    @property
    def number(self) -> str:
        """The two digits of the file name."""
        return self.path.name[:2]

    def section(self, *titles: str) -> Section:
        """Return the first section of these titles, else an empty one."""
        for section in self.sections:
            if section.title in titles:
                return section
        return Section(Block("heading", NOWHERE, ""), [])

    def settings(self) -> tuple[Section, Cell]:
        """Return the section of the settings and their cell, its last one."""
        section = self.section(*SETTINGS)
        return section, [NOWHERE, *section.code][-1]

    def checkpoints(self) -> list[Block]:
        """Return the headings of the checkpoints."""
        return [h for h in self.headings if CHECKPOINT.match(h.text)]


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
                parts.append(Section(block, []))
        elif inside:
            parts[-1].blocks.append(block)
    return parts


# --- its markdown


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


def list_items(text: str) -> list[str]:
    """Return the items of the outer lists, each with the lines it goes on."""
    items: list[str] = []
    for line in text.splitlines():
        item = re.match(r" ?(?:[-*+]|\d+[.)])\s+(.*)", line)
        if item:
            items.append(item.group(1))
        elif items and line.strip():
            items[-1] += " " + line.strip()
    return items


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of each row of each table, the ruling left out."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if not line.startswith("|"):
            found.append([])
        elif not re.fullmatch(r"[|:\s-]+", line):
            row = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found[-1].append([cell.strip() for cell in row])
    return [table for table in found if table]


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


# --- its size


def size(nb: Notebook) -> dict[str, int]:
    """Return what the budgets of a lesson are about.

    The minutes are a student's: 120 words or 10 lines of code a minute, and
    4 minutes a checkpoint.
    """
    prose = " ".join(plain(cell.source) for cell in nb.markdown)
    words = sum(bool(re.search(r"\w", word)) for word in prose.split())
    code = sum(cell.code_lines() for cell in nb.code)
    minutes = words / 120 + code / 10 + 4 * len(nb.checkpoints())
    return {
        "words of prose": words,
        "lines of code": code,
        "cells": len(nb.cells),
        "check lines": sum(cell.check_lines() for cell in nb.code),
        "minutes to read": round(minutes),
    }
