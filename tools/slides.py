"""A deck of a lesson: python -m tools.slides NN, into build/slides/NN/.

Slides are the lesson's own figures, predictions, formulas, questions and key
sentences; speaker notes are the rows of the instructor's minute plan. The
deck is reveal.js and loads nothing from elsewhere.
"""

import base64
import html
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import sphinx_revealjs
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools.choose import NoSuchLesson, choose
from tools.formulas import formula

ROOT = Path(__file__).resolve().parent.parent
SLIDES = ROOT / "build" / "slides"
REVEAL = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
NEEDED = ("LICENSE", "dist/reset.css", "dist/reveal.css", "dist/reveal.js")
NEEDED += ("plugin/notes/notes.js", "plugin/notes/speaker-view.html")
# Sections that are read or worked at, not shown.
LEFT_OUT = {"At a glance", "Set-up and settings", "References", "Exercises"}
LEFT_OUT |= {"Limits", "Responsible use", "Where to go next"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="reveal/dist/reset.css">
<link rel="stylesheet" href="reveal/dist/reveal.css">
<link rel="stylesheet" href="slides.css">
</head><body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>Reveal.initialize({{width: 1280, height: 720, margin: 0, hash: true,
  transition: "none", slideNumber: "c/t", plugins: [RevealNotes]}});</script>
</body></html>
"""


@dataclass
class Slide:
    """One idea.

    Attributes:
        kind: its look, a class of slides.css.
        section: heading of the lesson's section.
        body: HTML.
        context: words by which a row of the minute plan finds it.
        near: the nearest heading above a figure.
        notes: lines for the speaker.
    """

    kind: str
    section: str
    body: str
    context: str = ""
    near: str = ""
    notes: list[str] = field(default_factory=list)


def rendered(markdown: str) -> str:
    """Return Markdown with formulas as HTML; links lead nowhere."""
    reader = (
        MarkdownIt("commonmark")
        .enable("table")
        .use(
            dollarmath_plugin,
            renderer=lambda text, options: formula(
                text, options["display_mode"]
            ),
        )
    )
    without = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", markdown)
    return reader.render(without)


def said(text: str, section: str) -> list[Slide]:
    """Return the slides of a Markdown cell below its headings."""
    slides = []
    text = re.sub(r"(?s)```.*?```", "", text)
    for paragraph in re.split(r"\n\s*\n", text):
        paragraph = paragraph.strip()
        if re.match(r"\*\*Predict\b", paragraph):
            slides.append(Slide("predict", section, rendered(paragraph)))
        elif paragraph.startswith("$$"):
            slides.append(Slide("formula", section, rendered(paragraph)))
        elif not paragraph.startswith(("|", "<", "-", "1.")):
            for key in re.findall(r"(?s)\*\*(.+?)\*\*", paragraph):
                if len(key.split()) > 4:  # a sentence, not a word
                    slides.append(Slide("key", section, rendered(key)))
    return slides


def checkpoint(heading: str, text: str, section: str) -> Slide:
    """Return a question; its answer is for the speaker."""
    question, _, answer = text.partition("<details>")
    question = re.sub(r"(?s)```.*?```", "", question)
    answer = re.sub(r"</?(details|summary)>|\*\*|`", "", answer)
    answer = " ".join(answer.removeprefix("Answer").split())
    slide = Slide("question", section, rendered(f"### {heading}\n{question}"))
    slide.context = heading
    slide.notes = [f"Answer: {answer}"] if answer else []
    return slide


def pieces(source: str) -> list[tuple[str, str, str]]:
    """Return level, heading and text of the parts of a Markdown cell."""
    parts = re.split(r"(?m)^(#{1,3}) (.+)$", source)
    found = [("", "", parts[0])]
    found += zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return found


def pictures(cell: Any, section: str, folder: Path) -> list[Slide]:
    """Return a slide for each stored figure of a cell."""
    slides = []
    for k, output in enumerate(cell.get("outputs", [])):
        if png := output.get("data", {}).get("image/png"):
            name = f"{cell.id}-{k}.png"
            (folder / name).write_bytes(base64.b64decode(png))
            alt = output.metadata["image/png"]["alt"]
            body = f'<img src="{name}" alt="{html.escape(alt)}">'
            slides.append(Slide("figure", section, body))
    return slides


def told(level: str, heading: str, text: str, section: str) -> list[Slide]:
    """Return the slides of a heading and what stands below it."""
    if level == "#":
        promise = text.strip().split("\n\n")[0]
        body = rendered(f"# {heading}\n\n{promise}")
        return [Slide("title", "", body, "the first picture")]
    if heading == "What to keep":
        body = rendered(f"## {heading}\n\n{text}")
        return [Slide("keep", "", body, heading)]
    if heading.startswith("Checkpoint"):
        rest = text.rpartition("</details>")[2]
        return [checkpoint(heading, text, section), *said(rest, section)]
    opening = Slide("section", "", rendered(f"## {heading}"), heading)
    return [opening] * (level == "##") + said(text, section)


def deck(notebook: Any, folder: Path) -> list[Slide]:
    """Return the slides of a lesson, without the minute plan."""
    slides, section, near, seen = [], "", "", ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for level, heading, text in pieces(cell.source):
                section = heading if level == "##" else section
                near = heading or near
                if section not in LEFT_OUT:
                    slides += told(level, heading, text, section)
            continue
        seen += "\n" + cell.source
        if "live" in cell.metadata.get("tags", []):
            seen += "\nthe live cell"
        for slide in pictures(cell, section, folder):
            slide.context, slide.near, seen = seen, near, ""
            slides += [slide] * (section not in LEFT_OUT)
    return slides


def add_plan(slides: list[Slide], plan: str) -> None:
    """Put each row of a minute plan into the notes of its slide.

    Rows stay in order. As many as can be go to a slide that has one of the
    names in their last column, near to the place that their minute gives.
    """
    rows = re.findall(r"(?m)^\| (\d+) \| (.+?) \|([^|]*)\|$", plan)
    texts = [f"{slide.context} {slide.body}".lower() for slide in slides]
    places, last = np.linspace(0, 1, len(slides)), int(rows[-1][0])
    totals, ways = np.zeros(len(slides)), []
    for minute, _, cells in rows:
        names = [c.strip().lower() for c in re.split(r"[,;]", cells)]
        names = [name.removeprefix("the ") for name in names if name]
        named = [any(name in text for name in names) for text in texts]
        # The best end of the rows before that lies at each slide or earlier.
        best = np.maximum.accumulate(totals)
        ways.append(np.searchsorted(best, best))
        totals = best + named - np.abs(places - int(minute) / last)
    at = int(totals.argmax())
    for (minute, what, _), way in zip(rows[::-1], ways[::-1], strict=True):
        slides[at].notes.insert(0, f"Minute {minute}: {what}")
        at = way[at]


def page(title: str, slides: list[Slide]) -> str:
    """Return the deck as a page."""
    sections = []
    for slide in slides:
        above = slide.section and f'<p class="where">{slide.section}</p>'
        notes = "".join(f"<p>{html.escape(n)}</p>" for n in slide.notes)
        sections.append(
            f'<section class="{slide.kind}">{above}{slide.body}'
            f'<aside class="notes">{notes}</aside></section>'
        )
    return PAGE.format(title=html.escape(title), slides="\n".join(sections))


def make(lesson: Path) -> Path:
    """Write the deck of a lesson; its page."""
    number = lesson.name[:2]
    folder = SLIDES / number
    shutil.rmtree(folder, ignore_errors=True)
    for name in NEEDED:
        target = folder / "reveal" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REVEAL / name, target)
    shutil.copy(ROOT / "docs" / "site" / "slides.css", folder)
    notebook = nbformat.read(lesson, as_version=4)
    slides = deck(notebook, folder)
    plan = ROOT / "docs" / "instructor" / f"{number}.md"
    add_plan(slides, plan.read_text(encoding="utf-8"))
    title = notebook.cells[0].source.partition("\n")[0].lstrip("# ")
    made = folder / "index.html"
    made.write_text(page(title, slides), encoding="utf-8")
    return made


def main(numbers: list[str]) -> int:
    """Write the decks of these lessons; the exit status."""
    try:
        lessons = choose(numbers)
    except NoSuchLesson as reason:
        print(reason, file=sys.stderr)
        return 1
    for lesson in lessons:
        print(make(lesson))
    print("Open one in a browser; the key S opens the speaker's view.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
