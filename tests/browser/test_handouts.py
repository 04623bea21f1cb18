"""The sheets to print."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"))


@pytest.fixture
def handouts(tmp_path, monkeypatch):
    """The tool, writing elsewhere."""
    tool = pytest.importorskip("tools.handouts", exc_type=ImportError)
    monkeypatch.setattr(tool, "HANDOUTS", tmp_path)
    return tool


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_sheet_is_two_pages_with_one_figure(chromium, handouts, lesson):
    pdf = handouts.make(lesson, chromium).read_bytes()
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2
    folder = handouts.HANDOUTS
    page = handouts.sheet(lesson, folder)
    (picture,) = re.findall(r'<img src="(.+?)"', page)
    assert (folder / picture).stat().st_size > 1000
    for part in ("What to keep", "Symbols", "Words"):
        assert f"<h2>{part}</h2>" in page, part


def test_without_chromium_it_says_so(handouts, monkeypatch, capsys):
    monkeypatch.setattr(handouts, "BROWSERS", ("nothing",))
    assert handouts.main([]) == 1
    assert "none of nothing" in capsys.readouterr().err
