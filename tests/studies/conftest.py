"""Tests of the studies and their records: pytest -m study."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers import runtime

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that the tests of the course pass them over."""
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker(
            "lecture"
        ):
            item.add_marker("study")


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
