"""Tests of the studies and their records: pytest -m study."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import data, runtime
from studies import conditional

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that the tests of the course pass them over."""
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker(
            "lecture"
        ):
            item.add_marker("study")


@pytest.fixture
def few_digits(tmp_path, monkeypatch) -> Iterator[Path]:
    """Let every split be 300 digits; yield the path of a record."""
    x, y = data.load("holdout", 300)
    monkeypatch.setattr(data, "need_full", lambda work: None)
    monkeypatch.setattr(data, "load", lambda split, n=None: (x, y))
    conditional.judged_split.cache_clear()
    yield tmp_path / "r.json"
    conditional.judged_split.cache_clear()


@pytest.fixture
def settings_of(monkeypatch) -> Callable[..., dict[str, Any]]:
    """Execute the settings cell of a lesson as in class; return its names."""
    monkeypatch.setattr(runtime, "PROFILE", "lecture")

    def execute(lesson: Path, **names: Any) -> dict[str, Any]:
        sources = [
            "".join(cell["source"])
            for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        [settings] = [text for text in sources if "by_profile(" in text]
        names["by_profile"] = runtime.by_profile
        exec(settings, names)
        return names

    return execute
