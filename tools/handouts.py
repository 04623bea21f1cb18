"""A sheet a lesson, to print: python -m tools.handouts [NN ...].

What to keep, the figure that docs/instructor/README.md names, and the rows of
notation and glossary that the lesson begins. Written to build/handouts/, as a
page and, by Chromium, as a PDF.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from tools.choose import NoSuchLesson, choose
from tools.slides import deck, rendered

ROOT = Path(__file__).resolve().parent.parent
HANDOUTS = ROOT / "build" / "handouts"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
@page {{ size: A4; margin: 14mm; }}
body {{ font: 10.5pt/1.35 "Helvetica Neue", Helvetica, Arial, sans-serif; }}
h1 {{ font-size: 20pt; margin: 0; }}
h2 {{ font-size: 13pt; margin: 1em 0 .3em; }}
img {{ max-width: 100%; max-height: 80mm; display: block; margin: 0 auto; }}
table {{ border-collapse: collapse; font-size: 8.5pt; width: 100%; }}
td, th {{ border-bottom: 1px solid #ccc; padding: .15em .4em; }}
td, th {{ text-align: left; vertical-align: top; }}
tr, img, li {{ break-inside: avoid; }}
math {{ display: none; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def browser() -> str:
    """Return the path of a Chromium, or ''."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def words(text: str) -> set[str]:
    """Return the words of a text, without endings."""
    return {w[:5] for w in re.findall(r"[a-z]{3,}", text.lower())}


def rows_of(number: str, name: str, *columns: int) -> str:
    """Return the rows of a document's table whose last column is a lesson."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    lines = re.findall(r"(?m)^\|.*\|$", text)
    kept = lines[:2]
    for line in lines[2:]:
        last = re.sub(r"[\[\]]|\(.*?\)", "", line.split("|")[-2]).strip()
        kept += [line] * (last == number)
    cells = [line.split("|") for line in kept]
    short = [f"|{'|'.join(row[k] for k in columns)}|" for row in cells]
    return rendered("\n".join(short)) if len(short) > 2 else ""


def wanted_figure(number: str) -> tuple[str, str]:
    """Return description and section of the figure to print."""
    text = (ROOT / "docs/instructor/README.md").read_text(encoding="utf-8")
    row = rf"(?m)^\| ([^|]+) \| \[{number}\]\(.+?\), \*(.+?)\* \| \w+ \|$"
    found = re.search(row, text)
    assert found, (
        f"docs/instructor/README.md, What to print: no row of {number}"
    )
    return found[1], found[2]


def sheet(lesson: Path, folder: Path) -> str:
    """Return the page of a lesson's sheet; its pictures go to the folder."""
    number = lesson.name[:2]
    slides = deck(nbformat.read(lesson, as_version=4), folder)
    title = re.search(r"<h1>(.+?)</h1>", slides[0].body)[1]
    described, section = wanted_figure(number)
    figures = [s for s in slides if s.kind == "figure"]
    figures = [s for s in figures if section in (s.section, s.near)]
    assert figures, f"{lesson.name}: no figure under {section!r}"
    figure = max(figures, key=lambda s: len(words(s.body) & words(described)))
    keys = [s.body for s in slides if s.kind == "key"]
    parts = [
        *(s.body for s in slides if s.kind == "keep"),
        f"<h2>{section}</h2>{figure.body}",
        "<h2>Sentences</h2>" + "".join(keys) if keys else "",
        "<h2>Symbols</h2>" + rows_of(number, "notation.md", 1, 2, 3, 4),
        "<h2>Words</h2>" + rows_of(number, "glossary.md", 1, 3),
    ]
    body = "\n".join(part for part in parts if not part.endswith("</h2>"))
    return PAGE.format(title=f"{number} {title}", body=body)


def make(lesson: Path, chromium: object) -> Path:
    """Write the sheet of a lesson as PDF; its path."""
    target = HANDOUTS / f"{lesson.name[:2]}.pdf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "sheet.html"
        page.write_text(sheet(lesson, page.parent), encoding="utf-8")
        tab = chromium.new_page()
        tab.goto(page.as_uri())
        tab.pdf(path=target, prefer_css_page_size=True, tagged=True)
        tab.close()
    return target


def main(numbers: list[str]) -> int:
    """Write the sheets of these lessons; the exit status."""
    path = browser()
    if not path:
        print(
            "Sheets are printed by Chromium, and this machine has none of "
            f"{', '.join(BROWSERS)}. Install one, and try again.",
            file=sys.stderr,
        )
        return 1
    try:
        lessons = choose(numbers)
    except NoSuchLesson as reason:
        print(reason, file=sys.stderr)
        return 1
    with sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        for lesson in lessons:
            print(make(lesson, chromium))
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
