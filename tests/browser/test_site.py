"""The course's pages: links, words for pictures, order, contrast, print."""

from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from bs4 import BeautifulSoup

# Pages of every kind get all screens and schemes; the others take turns.
KINDS = (
    "index.html",
    "README.html",
    "docs/glossary.html",
    "notebooks/01_gan_theory.html",
    "notebooks/06_conditional_generation.html",
    "notebooks/solutions/04_solutions.html",
)
SCREENS = {"phone": (390, 844), "projector": (1280, 720)}
WAYS = [(screen, scheme) for screen in SCREENS for scheme in ("light", "dark")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Every page of the site by its path."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(
            path.read_text(encoding="utf-8"), "html.parser"
        )
        for path in sorted(site.rglob("*.html"))
    }


def test_nothing_is_loaded_from_another_host(pages):
    for name, page in pages.items():
        for tag in page.find_all(
            ["script", "img", "link", "source", "iframe"]
        ):
            address = tag.get("src") or tag.get("href") or ""
            if tag.get("rel") != ["canonical"]:
                assert "//" not in address.split("data:")[0], f"{name}: {tag}"


def test_links_lead_somewhere(site, pages):
    ids = {
        name: {tag["id"] for tag in page.find_all(id=True)}
        for name, page in pages.items()
    }
    broken = []
    for name, page in pages.items():
        for link in page.find_all("a", href=True):
            address, anchor = urldefrag(link["href"])
            if ":" in address:
                continue
            target = site / name
            if address:
                target = (target.parent / unquote(address)).resolve()
            inside = target.relative_to(site).as_posix()
            if not target.is_file() or (
                anchor and inside in ids and unquote(anchor) not in ids[inside]
            ):
                broken.append(f"{name}: {link['href']}")
    assert not broken


def test_every_figure_has_words(pages):
    figures = 0
    for name, page in pages.items():
        for picture in page.find_all("img"):
            decorates = picture.find_parent("a", class_="card") is not None
            assert decorates or len(picture.get("alt", "")) > 4, (
                f"{name}: {picture}"
            )
            figures += not decorates
    assert figures > 150


def test_formulas_can_be_read_aloud(pages):
    page = pages["notebooks/01_gan_theory.html"]
    formulas = page.find_all(class_="formula")
    assert len(formulas) > 30
    for formula in formulas:
        assert formula.svg["aria-hidden"] == "true" and formula.math


def test_a_translation_names_its_language(pages):
    found = {name: page.html["lang"] for name, page in pages.items()}
    translated = {name for name in found if "/zh/" in name or ".zh." in name}
    assert len(translated) > 1
    for name, language in found.items():
        assert language == ("zh" if name in translated else "en"), name


def test_solutions_are_folded(pages):
    for name, page in pages.items():
        if "/solutions/" in name:
            for cell in page.select("div.cell_input"):
                assert cell.find_parent("details"), name


def numbered(site: Path) -> list[tuple[str, str, str]]:
    """Return page, screen and scheme of every look."""
    names = [p.relative_to(site).as_posix() for p in site.rglob("*.html")]
    looks = []
    for k, name in enumerate(sorted(names)):
        ways = WAYS if name in KINDS else [WAYS[k % len(WAYS)]]
        looks += [(name, *way) for way in ways]
    return looks


def test_a_browser_finds_no_fault(chromium, site):
    from axe_playwright_python.sync_playwright import Axe

    faults = []
    for name, screen, scheme in numbered(site):
        width, height = SCREENS[screen]
        page = chromium.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        asked = []
        page.on(
            "request", lambda request, asked=asked: asked.append(request.url)
        )
        page.goto((site / name).as_uri())
        found = Axe().run(page, options={"runOnly": RULES}).response
        look = f"{name}, {screen}, {scheme}"
        faults += [
            f"{look}: {fault['id']}: {node['target']}, {node['html']}"
            for fault in found["violations"]
            for node in fault["nodes"][:2]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{look}: {wide} pixels wide")
        strangers = [a for a in asked if not a.startswith(("file:", "data:"))]
        if strangers:
            faults.append(f"{look}: asks for {strangers}")
        page.close()
    assert not faults, "\n".join(faults[:40])


def test_search_finds_a_word(chromium, site):
    page = chromium.new_page()
    page.goto((site / "search.html").as_uri() + "?q=coverage+leaderboard")
    page.get_by_role("link", name="Quality evaluation", exact=True).wait_for()


def test_print_opens_folds_and_wraps_code(chromium, site):
    page = chromium.new_page(viewport={"width": 700, "height": 900})
    page.goto((site / "notebooks/01_gan_theory.html").as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = "[...document.querySelectorAll('details')].filter(d => !d.open)"
    assert page.evaluate(f"{closed}.length") == 0
    clipped = (
        "[...document.querySelectorAll('.highlight pre')]"
        ".filter(p => p.scrollWidth > p.clientWidth + 1).length"
    )
    assert page.evaluate(clipped) == 0
