"""A browser, and what it opens. Without them these tests are skipped."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder have the marker that leaves them out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """A headless Chromium."""
    api = pytest.importorskip(
        "playwright.sync_api",
        reason="python3 course.py site installs what this needs",
    )
    from tools import handouts

    path = handouts.browser()
    if not path:
        pytest.skip(f"this machine has none of {handouts.BROWSERS}")
    with api.sync_playwright() as play:
        # Inside a container Chromium cannot make its own sandbox.
        browser = play.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Path:
    """The course's pages, made anew."""
    pytest.importorskip(
        "sphinx", reason="python3 course.py site installs what this needs"
    )
    made = subprocess.run(
        [sys.executable, "-m", "tools.site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return ROOT / "build" / "site"
