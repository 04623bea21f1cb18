"""Tests of the studies and their records: pytest -m study."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that the tests of the course pass them over."""
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker(
            "lecture"
        ):
            item.add_marker("study")
