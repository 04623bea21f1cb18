"""The decks: nothing clipped, nothing small, the whole minute plan."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(p.stem for p in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))
CLIPPED = """() => {
  const slide = Reveal.getCurrentSlide(), faults = [];
  if (slide.scrollHeight > 720) faults.push(`${slide.scrollHeight} px high`);
  const seen = "*:not(aside):not(aside *):not(math):not(math *)";
  for (const part of slide.querySelectorAll(seen)) {
    const box = part.getBoundingClientRect();
    if (box.left < 0 || box.top < 0 || box.right > 1280 || box.bottom > 720)
      faults.push(part.outerHTML.slice(0, 80));
    if (part.tagName === "IMG" && !part.naturalWidth) faults.push(part.src);
    if (parseFloat(getComputedStyle(part).fontSize) < 22)
      faults.push(`small: ${part.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""


@pytest.fixture(scope="module")
def decks() -> Path:
    """The decks of all lessons, made anew."""
    pytest.importorskip(
        "sphinx_revealjs", reason="python3 course.py slides installs it"
    )
    made = subprocess.run(
        [sys.executable, "-m", "tools.slides"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return ROOT / "build" / "slides"


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_slide_is_clipped(chromium, decks, lesson):
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((decks / lesson[:2] / "index.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    slides = page.evaluate("Reveal.getTotalSlides()")
    figures = page.locator("section.figure").count()
    assert slides > 15 and figures >= 4, (slides, figures)
    for k in range(slides):
        page.evaluate(f"Reveal.slide({k})")
        page.wait_for_function(
            "[...Reveal.getCurrentSlide().querySelectorAll('img')]"
            ".every(i => i.complete)"
        )
        assert page.evaluate(CLIPPED) == [], f"{lesson}, slide {k + 1}"
    strangers = [a for a in asked if not a.startswith(("file:", "data:"))]
    assert not strangers and not errors
    page.close()


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_whole_minute_plan_is_in_the_notes(decks, lesson):
    number = lesson[:2]
    plan = (ROOT / f"docs/instructor/{number}.md").read_text(encoding="utf-8")
    minutes = re.findall(r"(?m)^\| (\d+) \|", plan)
    page = (decks / number / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<p>Minute (\d+):", page) == minutes
    noted = re.findall(r'<aside class="notes"><p>', page)
    assert len(noted) > len(minutes) / 2, "the rows lie on a few slides"


def test_a_lesson_that_there_is_not(capsys):
    slides = pytest.importorskip("tools.slides", exc_type=ImportError)
    assert slides.main(["77"]) == 1
    assert "There is no lesson 77" in capsys.readouterr().err
