"""What every pytest run of the course needs, `pytest --nbval` included."""

import os
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).resolve().parent)

# The kernels that nbval starts inherit both.
os.environ.setdefault("COURSE_PROFILE", "ci")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
)
# A kernel runs in its notebook's folder, where a relative path is another.
NAMED = os.environ.get("COURSE_MNIST")
if NAMED and Path(NAMED).exists():
    os.environ["COURSE_MNIST"] = str(Path(NAMED).resolve())


def pytest_itemcollected(item: Any) -> None:
    """Give a cell's outputs longer than nbval's 5 s to arrive."""
    if hasattr(item, "output_timeout"):
        item.output_timeout = 120
