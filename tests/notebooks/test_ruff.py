"""ruff, as pyproject.toml sets it, finds what no other test looks for.

A notebook is one program to ruff: it sees from cell to cell.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LESSON = "notebooks/07_toy.ipynb"
SOLUTIONS = "notebooks/solutions/07_solutions.ipynb"
NUMPY = "import numpy as np"
KERAS = "import keras"
PLOT = "import matplotlib.pyplot as plt"
METHOD = 'class A:\n    """An A."""\n\n    def f(self){}:\n        {}\n'

FAULTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("F821", LESSON, ("x = later + 1", "later = 2")),
    ("F821", LESSON, ("later += 1",)),
    ("F821", LESSON, ("def f():\n    return never",)),
    ("F821", LESSON, ("def f(x=later):\n    return x",)),
    ("F401", LESSON, (NUMPY, "1 + 1")),
    ("E501", LESSON, ("x = 64  # " + 70 * "x",)),
    ("invalid-syntax", LESSON, ("def f(:",)),
    ("NPY002", LESSON, (NUMPY, "np.random.normal()")),
    ("TID251", LESSON, ("import tensorflow as tf", "tf.keras.Model")),
    ("TID251", LESSON, ("from tensorflow import keras", "keras")),
    ("TID251", LESSON, ("from tensorflow.keras import layers", "layers")),
    ("TID251", LESSON, ("from keras import backend as K", "K.abs(1)")),
    ("TID251", LESSON, (KERAS, "keras.datasets.mnist.load_data()")),
    ("TID251", LESSON, (KERAS, 'keras.utils.get_file("mnist.npz")')),
    ("TID251", SOLUTIONS, ("import requests", "requests")),
    ("TID251", LESSON, ("from urllib.request import urlopen", "urlopen")),
    ("TID251", LESSON, ("import os", 'os.system("ls")')),
    ("TID251", LESSON, ("import sys", 'sys.path.insert(0, "..")')),
    ("TID251", LESSON, (PLOT, "plt.show()")),
    ("TID251", LESSON, (PLOT, 'plt.rcParams["font.size"] = 9')),
    ("TID251", LESSON, (PLOT, 'plt.style.use("ggplot")')),
    ("TID251", LESSON, ("from tqdm.auto import tqdm", "tqdm")),
    ("TID251", LESSON, ("from IPython.display import clear_output as c", "c")),
    (
        "TID251",
        "helpers/data.py",
        ("import urllib.request as r\n\nx = r.a\n",),
    ),
    (
        "TID251",
        "helpers/lessons/a.py",
        ("import nbformat\n\nx = nbformat.a\n",),
    ),
    ("T201", "helpers/metrics.py", ("print(1)\n",)),
    ("T201", "helpers/exercises/lesson_07.py", ('print("PASS")\n',)),
    ("D103", "helpers/metrics.py", ("def f() -> None:\n    pass\n",)),
    ("D101", "helpers/lessons/a.py", ("class A:\n    pass\n",)),
    ("D102", "helpers/data.py", (METHOD.format(" -> None", "pass"),)),
    ("ANN201", "helpers/data.py", (METHOD.format("", '"""F."""'),)),
    ("ANN001", "helpers/data.py", ("def _f(x) -> None:\n    pass\n",)),
]
FINE = [
    (LESSON, ("x = 1", "x", "display(x)", "def f():\n    print(x)")),
    (LESSON, ("def f():\n    return later", "later = 2\nf()")),
    ("helpers/views.py", ("print(1)\n",)),
    ("tools/lessons.py", ("import subprocess\n\nsubprocess.run([])\n",)),
]


def codes(file: str, sources: tuple[str, ...]) -> set[str]:
    """Return what ruff finds in a file of this name with these cells."""
    text = "".join(sources)
    if file.endswith(".ipynb"):
        cell = {"cell_type": "code", "metadata": {}, "outputs": []}
        cell["execution_count"] = None
        cells = [{**cell, "source": source} for source in sources]
        text = json.dumps(
            {"cells": cells, "metadata": {}, "nbformat": 4}
            | {"nbformat_minor": 4}
        )
    command = [sys.executable, "-m", "ruff", "check", "--no-cache"]
    command += ["--output-format=json", "--stdin-filename", file, "-"]
    found = subprocess.run(
        command, cwd=ROOT, input=text, capture_output=True, encoding="utf-8"
    )
    assert found.returncode in (0, 1), found.stderr
    return {finding["code"] for finding in json.loads(found.stdout)}


@pytest.mark.parametrize(("code", "file", "sources"), FAULTS)
def test_ruff_finds(code: str, file: str, sources: tuple[str, ...]) -> None:
    """A planted fault is found, and nothing else."""
    assert codes(file, sources) == {code}


@pytest.mark.parametrize(("file", "sources"), FINE)
def test_ruff_allows(file: str, sources: tuple[str, ...]) -> None:
    """What is allowed stays without a finding."""
    assert codes(file, sources) == set()
