"""The course as pages that a browser reads offline: python -m tools.site.

Sphinx with MyST-NB turns the stored notebooks and the documents into
build/site/. Nothing is executed; a broken link is an error.
"""

import base64
import html
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from sphinx.cmd.build import build_main

from tools import launch
from tools.choose import choose, deeper

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "docs" / "site"
SOURCE = ROOT / "build" / "site-source"
SITE = ROOT / "build" / "site"
DOCUMENTS = ("*.md", "docs/*.md", "docs/instructor/*.md", "data/*.md")
DOCUMENTS += ("studies/*.md", "studies/record/*.md")
CELL = r" ([^|]+) \|"
ROW = r"(?m)^\| (\d\d) \| \[(.+?)\]\((.+?)\) \|" + 3 * CELL


def put(name: str, text: str | bytes) -> None:
    """Write a file of the pages' source."""
    path = SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, str):
        text = text.encode()
    path.write_bytes(text)


def with_targets(text: str, path: Path) -> str:
    """Return a page with links that have a page or a download behind them."""

    def target(match: re.Match) -> str:
        found = (path.parent / match[1]).resolve()
        if found.is_dir():  # a folder stands for the page that explains it
            return f"{match[1].rstrip('/')}/README.md"
        if found.suffix not in (".md", ".ipynb") and found.is_file():
            put(found.relative_to(ROOT).as_posix(), found.read_bytes())
        return match[1]

    return re.sub(launch.LINK, target, text)


def lesson(path: Path) -> Any:
    """Return a notebook as the site shows it; its figures become files."""
    inside = path.relative_to(ROOT)
    up = "../" * (len(inside.parts) - 1)
    stem = inside.with_suffix("").as_posix()
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_targets(cell.source, path)
        for k, output in enumerate(cell.get("outputs", [])):
            if png := output.get("data", {}).get("image/png"):
                name = f"figures/{stem}/{cell.id}-{k}.png"
                put(f"files/{name}", base64.b64decode(png))
                said = output.metadata["image/png"]
                output.data = {"text/html": image(up + name, **said)}
        if cell.cell_type == "code" and "solutions" in inside.parts:
            cell.metadata.setdefault("tags", []).append("hide-input")
    put(f"files/download/{inside.as_posix()}", path.read_bytes())
    row = launch.row(inside.as_posix(), f"{up}download/{inside.as_posix()}")
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{row}\n{rest}"
    return notebook


def image(address: str, alt: str, width: int, lazy: bool = True) -> str:
    """Return the HTML of a figure."""
    when = ' loading="lazy"' if lazy else ""
    return (
        f'<img class="figure" alt="{html.escape(alt)}" src="{address}" '
        f'width="{width}"{when}>'
    )


def card(row: tuple[str, ...]) -> str:
    """Return a lesson of the README's table, with its first picture."""
    number, title, path, read, run, make = row
    stem = path.removesuffix(".ipynb")
    notebook = nbformat.read(ROOT / path, as_version=4)
    first = next(
        f"figures/{stem}/{cell.id}-{k}.png"
        for cell in notebook.cells
        for k, output in enumerate(cell.get("outputs", []))
        if "image/png" in output.get("data", {})
    )
    return (
        f'<a class="card" href="{stem}.html">'
        f'<img alt="" loading="lazy" src="{first}">'
        f'<span><b class="number">{number}</b> <strong>{title}</strong></span>'
        f"<span>{make}</span><small>{read} to read, {run} to run</small></a>"
    )


def assemble() -> None:
    """Write the source of all pages."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for path in sorted(ROOT.glob("notebooks/**/*.ipynb")):
        name = path.relative_to(ROOT).as_posix()
        put(name, nbformat.writes(lesson(path)))
    for path in sorted(p for part in DOCUMENTS for p in ROOT.glob(part)):
        text = with_targets(path.read_text(encoding="utf-8"), path)
        put(path.relative_to(ROOT).as_posix(), text)
    for name in ("course.css", "course.js", "film.png", "film_end.png"):
        put(f"_static/{name}", (SETTINGS / name).read_bytes())
    put("conf.py", (SETTINGS / "conf.py").read_bytes())
    put("_templates/search.html", (SETTINGS / "search.html").read_bytes())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    front = (SETTINGS / "index.md").read_text(encoding="utf-8")
    rows = re.findall(ROW, readme)
    front = front.replace("{{ cards }}", "\n".join(map(card, rows)))
    entries = (f"{n} {title} <{path}>" for n, title, path, *_ in rows)
    put("index.md", front.replace("{{ lessons }}", "\n".join(entries)))
    lists = {
        "deeper": [p for n in choose([]) for p in deeper(n)],
        "solutions": sorted(ROOT.glob("notebooks/solutions/*.ipynb")),
        "plans": sorted(ROOT.glob("docs/instructor/[0-9]*.md")),
    }
    for name, paths in lists.items():
        page = (SETTINGS / f"{name}.md").read_text(encoding="utf-8")
        entries = [p.relative_to(ROOT).as_posix() for p in paths]
        page += "\n```{toctree}\n:maxdepth: 1\n\n"
        put(f"{name}.md", page + "\n".join(entries) + "\n```\n")


def main() -> int:
    """Build the site; the exit status."""
    started = time.monotonic()
    assemble()
    shutil.rmtree(SITE, ignore_errors=True)
    status = build_main(
        [
            *("-b", "html", "-j", "auto", "-q", "-W", "--keep-going"),
            *("-d", str(ROOT / "build" / "site-doctrees")),
            *(str(SOURCE), str(SITE)),
        ]
    )
    if status == 0:
        seconds = time.monotonic() - started
        print(f"{SITE / 'index.html'}: made in {seconds:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
