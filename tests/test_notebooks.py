"""Every notebook keeps every rule, and every rule catches a planted fault."""

import ast
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anatomy
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter, ScriptExporter

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
FILES += sorted(NOTEBOOKS.glob("solutions/*.ipynb"))

Content = dict[str, Any]
Fault = Callable[[Content, Path], None]


def listed(found: list[anatomy.Finding]) -> str:
    """Write findings one a line."""
    return "\n".join(f"  {finding}" for finding in found)


@pytest.mark.parametrize(
    "path", FILES, ids=[str(p.relative_to(NOTEBOOKS)) for p in FILES]
)
def test_notebook_keeps_the_rules(path: Path) -> None:
    """No notebook of the course has a finding."""
    found = anatomy.findings(anatomy.read(path), path)
    if found:
        name = path.relative_to(NOTEBOOKS.parent)
        pytest.fail(f"{name}:\n{listed(found)}", pytrace=False)


# ------------------------------------------------ what an exporter makes of it


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_a_picture_on_a_page_has_words(template: str) -> None:
    """An exported picture has its alt text, and below it a paragraph."""
    cells = [cell for path in FILES for cell in anatomy.read(path)["cells"]]
    pictured = [
        {**cell, "source": ""}  # to colour the code takes a minute
        for cell in cells
        if '"image/png"' in json.dumps(cell.get("outputs", []))
    ]
    alts = [
        output["metadata"]["image/png"]["alt"]
        for cell in pictured
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    content = nbformat.from_dict(notebook(pictured))
    page, _ = HTMLExporter(template_name=template).from_notebook_node(content)
    images = BeautifulSoup(page, "html.parser").select("img[src^=data]")
    for image, alt in zip(images, alts, strict=True):
        after = image.find_next(["p", "img", "pre"])
        assert after.name == "p" and after.text == f"Figure: {alt}"
        # The default template knows no alt text: nbconvert writes its own.
        assert image["alt"] == alt or template == "lab"


@pytest.mark.parametrize(
    "path", FILES, ids=[str(p.relative_to(NOTEBOOKS)) for p in FILES]
)
def test_a_notebook_exports_as_python(path: Path) -> None:
    """`nbconvert --to script` makes a file that Python reads."""
    script, resources = ScriptExporter().from_filename(str(path))
    assert resources["output_extension"] == ".py"
    ast.parse(script)


# ---------------------------------------------- a small valid course to break


def md(text: str) -> Content:
    """Return a markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(
    source: str, text: str = "", figure: bool = False, tags: tuple = ()
) -> Content:
    """Return an executed code cell with its text and its figure."""
    outputs: list[Content] = []
    if text:
        stream = {"output_type": "stream", "name": "stdout", "text": text}
        outputs.append(stream)
    if figure:
        alt = "Line chart of the loss against the step, in nats: it is flat"
        data = {"image/png": "aGk=", "text/plain": f"[figure] {alt}"}
        below = {"text/html": f"<p>Figure: {alt}</p>"}
        for bundle, metadata in (
            (data, {"image/png": {"alt": alt}}),
            (below, {}),
        ):
            outputs.append(
                {
                    "output_type": "display_data",
                    "data": bundle,
                    "metadata": metadata,
                }
            )
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": outputs,
        "source": source,
    }


def number(content: Content) -> Content:
    """Give the cells their ids and the code cells their counts."""
    count = 0
    for at, cell in enumerate(content["cells"]):
        cell["id"] = f"cell-{at}"
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
    return content


def notebook(cells: list[Content]) -> Content:
    """Return a notebook of these cells."""
    return number(
        {
            "cells": [copy.deepcopy(cell) for cell in cells],
            "metadata": copy.deepcopy(anatomy.METADATA),
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


OPENING = [
    md("# GANs on toy data\n\nYou make a digit that nobody wrote."),
    md(
        "## At a glance\n\n| read | run | exercises |\n|---|---|---|\n|9|1|20|"
    ),
    md(
        "## Learning goals\n\n1. Compute a loss (checkpoint 1).\n"
        "2. Train a generator\n   (checkpoint 2).\n"
        "3. Explain a curve (checkpoint 2)."
    ),
    md("## First picture\n\nA shipped checkpoint draws this: see the sevens."),
    code(
        "from helpers import checkpoints, runtime, views\n"
        "from helpers.checks import check, raises\n"
        "from helpers.views import show\n"
        "from helpers.exercises import lesson_03\n\n"
        'show(views.grid(checkpoints.load("toy")), "A grid of sevens")',
        figure=True,
    ),
    md("Now `just` look at $just(x)$. ![A grid of grey digits](grid.png)"),
    md("## Set-up\n\nThe other packages, and the seed."),
    code("import keras\nimport numpy as np\n\nruntime.seed(3)"),
    md(
        "## Settings\n\n| name | unit | source |\n|---|---|---|\n"
        "| `n_steps` | steps | [paper](#References) |\n"
        "| `latent_dim` | numbers | ours |"
    ),
    code(
        "n_steps = runtime.by_profile(ci=6, lecture=60, full=600)\n"
        "latent_dim = 64"
    ),
]


def body(k: int) -> list[Content]:
    """Return a body section with checkpoint k."""
    return [
        md(f"## The question of part {k}\n\nWhat is the loss? Commit first."),
        code(f"def loss_{k}(z, scale=1.0):\n    return scale * np.sum(z)"),
        md(f"Part {k} adds the numbers up."),
        code(f"z_{k} = np.ones(latent_dim)\nloss_{k}(z_{k}).shape", "()"),
        md(f"Part {k} has a table of learned numbers."),
        code(
            f"z_fixed_{k} = np.random.normal(size=latent_dim)\n"
            f"print(loss_{k}(z_fixed_{k}), n_steps)",
            "-0.3",
            tags=("nbval-ignore-output",),
        ),
        code(f'check("the loss is finite", loss_{k}(z_{k}), 0, 99)', "ok"),
        md(f"The figure of part {k} says that the loss is flat."),
        code(f'show(views.curves(z_{k}), "The loss is flat")', figure=True),
        md(f"A place for faults in part {k}."),
        md(
            f"### Checkpoint {k}\n\nHow large is it?\n\n<details>"
            "<summary>Answer</summary>\n\n64.\n</details>"
        ),
        code(f'check("a loss of 64", loss_{k}(z_{k}), 64, 64)', "ok"),
    ]


BROKEN = [
    md("## Broken on purpose\n\nThe loss is a straight line. Why?"),
    code('show(views.curves(np.zeros(9)), "Nothing")', figure=True),
]
ENDING = [
    md(
        "## Summary\n\n- You computed a loss: 64.\n- You trained: part 2.\n"
        "- You explained a curve: it is flat."
    ),
    md("## References\n\n- Goodfellow, just a title, arXiv:1406.2661."),
    md(
        "## Where to go next\n\n[before](02_before.ipynb), "
        "[after](04_on.ipynb)"
    ),
]
EXERCISES = [
    md("## Limits\n\nSixty steps on 64 numbers show no quality."),
    md("## Responsible use\n\n- Say it is fake.\n- Say how.\n- Say when."),
    md("## Exercises\n\nThey build on part 1."),
    md("### Exercise 1: Predict a sum (★, 10 min)\n\nWhat is the sum?"),
    code("answer = ...\nlesson_03.exercise_1(answer)", "not attempted"),
    md("### Exercise 2: Build a loss (★★, 15 min)\n\nWrite it."),
    code("answer_2 = ...\nlesson_03.exercise_2(answer_2)", "not attempted"),
]
LESSON = [*OPENING, *body(1), *body(2), *body(3), *BROKEN, *EXERCISES, *ENDING]
SHORT = [cell for k in (1, 2) for cell in body(k)[:4] + body(k)[-3:]]
START = [*OPENING, *SHORT, *BROKEN, *ENDING]
SOLUTIONS = [
    md("# Solutions to the toy lesson"),
    code("import numpy as np\nfrom helpers.exercises import lesson_03"),
    md("## Exercise 1: Predict a sum\n\nWhat is the sum?"),
    code("lesson_03.exercise_1(np.sum([1, 2]))", "PASS"),
    md("Because one and two are three."),
    md("## Exercise 2: Build a loss\n\nWrite it."),
    code("def solution(z):\n    return z\n\n\nlesson_03.exercise_2(solution)"),
    md("Because the identity will do."),
]
SOLUTIONS[6]["outputs"] = copy.deepcopy(SOLUTIONS[3]["outputs"])
NAMES = {
    "lesson": "03_toy.ipynb",
    "start": "00_start.ipynb",
    "solutions": "solutions/03_solutions.ipynb",
}
CELLS = {"lesson": LESSON, "start": START, "solutions": SOLUTIONS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a notebooks folder with the neighbours of the lesson."""
    notebooks = tmp_path / "notebooks"
    (notebooks / "solutions").mkdir(parents=True)
    for name in ("02_before.ipynb", "03_toy.ipynb", "04_on.ipynb", "grid.png"):
        (notebooks / name).touch()
    solutions = json.dumps(notebook(SOLUTIONS))
    (notebooks / NAMES["solutions"]).write_text(solutions, encoding="utf-8")
    (tmp_path / "docs" / "instructor").mkdir(parents=True)
    (tmp_path / "docs" / "instructor" / "03.md").touch()
    return notebooks


# ------------------------------------------------------------ ways to break it


def swap(old: str, new: str, times: int = 1) -> Fault:
    """Replace a piece of source that occurs so many times."""

    def change(content: Content, folder: Path) -> None:
        sources = [cell["source"] for cell in content["cells"]]
        assert sum(s.count(old) for s in sources) == times, old
        for cell in content["cells"]:
            cell["source"] = cell["source"].replace(old, new)

    return change


def stored(old: str, new: str) -> Fault:
    """Replace a piece of stored text wherever it occurs."""

    def change(content: Content, folder: Path) -> None:
        for cell in content["cells"]:
            text = json.dumps(cell.get("outputs", []))
            if old in text:
                cell["outputs"] = json.loads(text.replace(old, new))
                return
        raise AssertionError(f"no output holds {old!r}")

    return change


def add(*cells: Content, after: str = "A place for faults in part 3") -> Fault:
    """Insert cells after the one that holds a text."""

    def change(content: Content, folder: Path) -> None:
        at = position(content, after)
        content["cells"][at + 1 : at + 1] = [
            copy.deepcopy(cell) for cell in cells
        ]
        number(content)

    return change


def run(source: str, text: str = "", tags: tuple = ()) -> Fault:
    """Insert one code cell."""
    return add(code(source, text, tags=tags))


def drop(text: str, count: int = 1) -> Fault:
    """Remove so many cells, from the one that holds a text."""

    def change(content: Content, folder: Path) -> None:
        at = position(content, text)
        del content["cells"][at : at + count]
        number(content)

    return change


def both(*changes: Fault) -> Fault:
    """Do one after the other."""

    def change(content: Content, folder: Path) -> None:
        for step in changes:
            step(content, folder)

    return change


def edit(text: str, key: str, value: Any) -> Fault:
    """Set a field of the cell that holds a text."""

    def change(content: Content, folder: Path) -> None:
        content["cells"][position(content, text)][key] = value

    return change


def top(key: str, value: Any) -> Fault:
    """Set a field of the notebook."""

    def change(content: Content, folder: Path) -> None:
        content[key] = value

    return change


def unlink(name: str) -> Fault:
    """Remove a file beside the notebook."""

    def change(content: Content, folder: Path) -> None:
        (folder / name).unlink()

    return change


def position(content: Content, text: str) -> int:
    """Return the index of the only cell that holds a text."""
    cells = content["cells"]
    hits = [n for n, cell in enumerate(cells) if text in cell["source"]]
    assert len(hits) == 1, f"{len(hits)} cells hold {text!r}"
    return hits[0]


def tag(text: str, *tags: str) -> Fault:
    """Set the tags of the cell that holds a text."""
    return edit(text, "metadata", {"tags": list(tags)})


def pad(n: int, *starts: str) -> Fault:
    """Lengthen the cells that start so by n lines."""

    def change(content: Content, folder: Path) -> None:
        for cell in content["cells"]:
            if cell["source"].startswith(starts):
                cell["source"] += "\n# why" * n

    return change


def package(statement: str, source: str = "latent_dim") -> Fault:
    """Import something in Set-up, then run code."""
    imports = swap("import keras\n", f"{statement}\nimport keras\n")
    return both(imports, run(source))


def one_solution(content: Content, folder: Path) -> None:
    """Store solutions of the first exercise alone."""
    text = json.dumps(notebook(SOLUTIONS[:5]))
    (folder / NAMES["solutions"]).write_text(text, encoding="utf-8")


def wrapped(line: str) -> Fault:
    """Wrap a sentence so that its second line is this one."""
    return swap("Sixty steps on", f"Sixty steps make\n{line}\nand on")


# What a wrapped sentence may begin a line with, and a viewer takes for more.
MISREAD = (
    "+ exp(-x)) = 3",
    "- 3 steps",
    "* 2 steps",
    "1. What is it?",
    "1) What is it?",
    "   + 3 steps",
    "> 3 steps",
    "### 3",
    "=",
    "===",
    "-",
    "---",
    "***",
    "```",
    "p(x | z)\n---|---\nq(z | x)",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\n- steps, of which\n  + 3 are mine",
    "\n- steps, k =\n1. What is it?",
    "$$\na\n+ b\n$$",
)
IGNORE = ("nbval-ignore-output",)
FIRST_CALL = 'show(views.grid(checkpoints.load("toy"))'
FIGURE = code('show(views.curves(z_1), "The loss")', figure=True)
ALT = "Line chart of the loss against the step, in nats: it is flat"
WARNING = {"output_type": "stream", "name": "stderr", "text": "careful"}
ERROR = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
SVG = {"output_type": "display_data", "metadata": {}}
SVG["data"] = {"image/svg+xml": "<svg/>", "text/plain": f"[figure] {ALT}"}
DEF_1, DEF_2, DEF_3 = ("def loss_1", "def loss_2", "def loss_3")
CHECKS = [f'check("the loss is finite", loss_{k}' for k in (1, 2, 3)]
WHY_NOT = [md("Why?"), code("latent_dim")] * 16

# Rule, kind of notebook, what is done to it.
FAULTS: list[tuple[str, str, Fault]] = [
    (
        "R01",
        "lesson",
        swap("no quality.", "no quality.\n\n# Another"),
    ),
    ("R01", "lesson", swap("# GANs on toy data\n", "\n")),
    ("R01", "solutions", swap("# Solutions to", "Solutions to")),
    ("R02", "lesson", swap("You make a digit that nobody wrote.", "")),
    ("R02", "lesson", swap("that nobody wrote.", "that nobody wrote:")),
    (
        "R03",
        "lesson",
        swap(
            "### Checkpoint 3", "### Aside\n\n##### Deep\n\n### Checkpoint 3"
        ),
    ),
    (
        "R04",
        "lesson",
        swap("## The question of part 2", "## The Question Of Part 2"),
    ),
    ("R05", "lesson", drop("## Limits")),
    (
        "R05",
        "lesson",
        swap("## The question of part 3", "### The question of part 3"),
    ),
    (
        "R05",
        "lesson",
        both(
            drop("## Limits"),
            add(md("## Limits\n\nMany."), after="## References"),
        ),
    ),
    ("R05", "start", drop("## Summary")),
    ("R06", "lesson", swap("| run |", "| go |")),
    ("R06", "lesson", swap("| exercises |", "| tasks |")),
    ("R07", "lesson", swap("\n   (checkpoint 2).", ".")),
    ("R07", "lesson", swap("a loss (checkpoint 1)", "a loss (checkpoint 9)")),
    ("R07", "start", swap("3. Explain a curve (checkpoint 2).", "")),
    ("R08", "lesson", swap("1. Compute", "1. Understand")),
    (
        "R09",
        "lesson",
        swap(
            "### Checkpoint 2\n\nHow large is it?\n\n<details>",
            "### Checkpoint 2\n\n<p>",
        ),
    ),
    ("R09", "lesson", drop('check("a loss of 64", loss_2')),
    ("R09", "lesson", drop("### Checkpoint 3")),
    ("R10", "lesson", swap("### Checkpoint 3", "### Checkpoint 4")),
    ("R11", "lesson", edit(FIRST_CALL, "outputs", [])),
    (
        "R11",
        "start",
        add(code("from helpers import data"), after="# GANs on toy"),
    ),
    ("R12", "lesson", edit("np.zeros(9)", "outputs", [])),
    ("R13", "lesson", swap("| unit |", "| what |")),
    ("R13", "lesson", swap("| `latent_dim` | numbers | ours |", "")),
    (
        "R13",
        "lesson",
        swap("latent_dim = 64", "latent_dim = views.Recipe(width=64)"),
    ),
    ("R14", "lesson", swap("\n- Say when.", "")),
    ("R15", "lesson", swap(" arXiv:1406.2661", "")),
    ("R15", "lesson", swap("- Goodfellow,", "Goodfellow,")),
    ("R16", "lesson", swap("\n- You explained a curve: it is flat.", "")),
    ("R17", "lesson", swap("[before](02_before.ipynb), ", "")),
    ("R18", "lesson", swap("(★, 10 min)", "(10 min)")),
    ("R18", "lesson", swap("answer = ...", "answer = 3")),
    ("R18", "lesson", swap("lesson_03.exercise_1(", "lesson_03.exercise_2(")),
    ("R18", "lesson", edit("answer = ...", "outputs", [])),
    ("R18", "lesson", both(drop("### Exercise 2", 2), one_solution)),
    ("R19", "lesson", unlink("../docs/instructor/03.md")),
    ("R20", "lesson", unlink(NAMES["solutions"])),
    ("R20", "lesson", one_solution),
    ("R21", "solutions", stored("PASS", "not yet: the sum")),
    ("R21", "solutions", drop("Because the identity")),
    ("R21", "solutions", swap("## Exercise 2: Build", "## Exercise 3: Build")),
    ("R22", "lesson", add(*WHY_NOT)),
    ("R22", "start", add(*WHY_NOT, after='check("a loss of 64", loss_2')),
    (
        "R23",
        "lesson",
        both(
            drop("in part 1."),
            drop("in part 2."),
            drop("Now `just`"),
            add(*[code("latent_dim")] * 14),
        ),
    ),
    (
        "R24",
        "lesson",
        pad(8, "def ", "z_", "from ", "import ", "n_steps", "answer"),
    ),
    ("R24", "lesson", pad(18, "def ")),
    ("R25", "lesson", pad(24, DEF_1)),
    ("R25", "lesson", both(pad(39, DEF_1), tag(DEF_1, "long-cell"))),
    (
        "R25",
        "lesson",
        both(*[tag(d, "long-cell") for d in (DEF_1, DEF_2, DEF_3)]),
    ),
    (
        "R26",
        "lesson",
        swap("latent_dim = 64", "latent_dim = 64  # " + 61 * "x"),
    ),
    ("R27", "lesson", stored("aGk=", "a" * anatomy.MEGABYTE)),
    ("R28", "lesson", add(code("latent_dim"), code("x = 1"))),
    (
        "R28",
        "lesson",
        add(code("latent_dim"), code("np.sum(\n    [\n        1,\n    ]\n)")),
    ),
    ("R29", "lesson", run("def f():\n    return 1\n\n\nf()")),
    ("R30", "lesson", edit(DEF_1, "execution_count", None)),
    ("R30", "solutions", edit("def solution", "execution_count", 4)),
    ("R31", "lesson", edit(DEF_1, "outputs", [WARNING])),
    ("R31", "lesson", edit(DEF_1, "outputs", [ERROR])),
    ("R32", "lesson", stored("()", "<function f at 0x7f0012345678>")),
    ("R32", "lesson", stored("()", "/home/ann/mnist.npz")),
    ("R32", "lesson", stored("()", "read C:/data/mnist.npz")),
    ("R32", "lesson", stored("()", "12 ms/step")),
    ("R33", "lesson", top("metadata", {**anatomy.METADATA, "toc": {}})),
    ("R34", "lesson", edit(DEF_1, "metadata", {"collapsed": True})),
    ("R35", "lesson", edit("## Limits", "id", "cell-0")),
    ("R35", "lesson", edit(DEF_1, "outputs", [{"output_type": "nothing"}])),
    ("R35", "lesson", top("nbformat_minor", 4)),
    ("R36", "lesson", tag(DEF_1, "raises-exception")),
    ("R36", "lesson", tag("## Limits", "live")),
    ("R37", "lesson", run("# NBVAL_IGNORE_OUTPUT\nx = 1")),
    (
        "R38",
        "lesson",
        both(
            *[
                tag(t, "live")
                for t in (DEF_1, DEF_2, DEF_3, *CHECKS, "np.zeros(9)")
            ]
        ),
    ),
    ("R38", "lesson", both(pad(11, DEF_1), tag(DEF_1, "live"))),
    ("R39", "lesson", run("latent_dim", tags=IGNORE)),
    ("R40", "lesson", run("latent_dim", 16 * "64\n")),
    ("R40", "lesson", run("print(1)\nprint(2)", "1\n2\n")),
    ("R41", "lesson", run("runtime.report()")),
    ("R41", "lesson", package("import time", "time.time()")),
    ("R41", "lesson", run("n_steps")),
    ("R41", "lesson", run('print(f"{n_steps} steps")')),
    ("R41", "lesson", run('check("all steps", 6, 0, n_steps)')),
    ("R42", "lesson", run("def f(:")),
    ("R42", "lesson", run("")),
    ("R43", "lesson", run("!ls")),
    ("R43", "lesson", run("%matplotlib inline")),
    ("R43", "lesson", run("files = !ls")),
    ("R44", "lesson", package("import requests")),
    ("R44", "lesson", package("import os", 'os.system("ls")')),
    ("R44", "lesson", run('keras.utils.get_file("mnist.npz")')),
    (
        "R44",
        "solutions",
        swap("import numpy as np", "import urllib\nimport numpy as np"),
    ),
    ("R45", "lesson", run('folder = "/data/mnist.npz"')),
    ("R45", "lesson", run('folder = "~/data"')),
    ("R45", "lesson", run('folder = "C:/data"')),
    ("R45", "lesson", package("import sys", "sys.path")),
    ("R46", "lesson", run("latent_dim;")),
    ("R47", "lesson", package("import tensorflow as tf", "tf.keras.Model")),
    ("R47", "lesson", package("from tensorflow.keras import layers")),
    ("R47", "lesson", package("from keras import backend")),
    (
        "R47",
        "lesson",
        swap("import keras\n", "from tensorflow import keras\n"),
    ),
    ("R48", "lesson", run("views.trainable = False")),
    ("R49", "lesson", run("views.generator(latent_dim)")),
    ("R50", "lesson", package("from tqdm import tqdm")),
    ("R50", "lesson", run("views.clear_output()")),
    ("R50", "lesson", run("views.fit(verbose=1)")),
    (
        "R51",
        "lesson",
        swap(
            "from helpers import check",
            "import keras\nfrom helpers import check",
        ),
    ),
    ("R52", "lesson", run("import matplotlib")),
    ("R53", "lesson", swap("\n\nruntime.seed(3)", "")),
    ("R53", "lesson", swap(FIRST_CALL, f"views.fit()\n{FIRST_CALL}")),
    ("R53", "solutions", swap("np.sum([1, 2])", "np.random.normal()")),
    ("R54", "lesson", run("latent_dim = 3")),
    ("R54", "lesson", run("for latent_dim in (1, 2):\n    pass")),
    (
        "R54",
        "lesson",
        swap("latent_dim = 64", "latent_dim = 64\nlatent_dim = 65"),
    ),
    ("R55", "lesson", run("def f():\n    return latent_dim")),
    ("R56", "lesson", run("m = runtime.by_profile(ci=1, lecture=2, full=3)")),
    ("R56", "lesson", swap("ci=6, lecture=60, full=600", "ci=6, lecture=60")),
    ("R57", "lesson", run("later + 1")),
    ("R57", "lesson", run("later = later + 1")),
    ("R57", "lesson", run("later += 1")),
    ("R57", "lesson", run("def f():\n    return never")),
    ("R57", "lesson", run("def f(x=later):\n    return x")),
    ("R58", "lesson", stored("[figure] ", "Figure: ")),
    ("R58", "lesson", stored(ALT, "A flat loss")),
    ("R58", "lesson", edit("np.zeros(9)", "outputs", [SVG])),
    ("R58", "lesson", stored("<p>Figure: ", "<p>Picture: ")),
    ("R58", "lesson", edit("np.zeros(9)", "outputs", FIGURE["outputs"][:1])),
    ("R58", "lesson", stored('"alt"', '"title"')),
    (
        "R59",
        "lesson",
        package("import matplotlib.pyplot as plt", "plt.show()"),
    ),
    ("R59", "lesson", package("import matplotlib as mpl", "mpl.rcParams")),
    ("R59", "lesson", run('views.draw(cmap="jet")')),
    ("R60", "lesson", add(md("### A turn"), FIGURE, code("latent_dim"))),
    ("R61", "lesson", swap("![A grid of grey digits]", "![A grid]")),
    ("R61", "lesson", swap("(grid.png)", "(lost.png)")),
    ("R61", "lesson", swap("(grid.png)", "(https://example.org/grid.png)")),
    ("R62", "lesson", swap("(#References)", "(#references)")),
    ("R62", "lesson", swap("Sixty steps", "[Sixty](lost.md) steps")),
    ("R62", "lesson", swap("Sixty steps", "[Sixty](/etc/hosts) steps")),
    ("R63", "lesson", swap("Sixty steps", "Just sixty steps")),
    ("R63", "start", swap("Commit first.", "It is, of course, 64.", 2)),
    *[("R64", "lesson", wrapped(text)) for text in MISREAD],
    ("R64", "solutions", swap("Because the identity", "Because\n+ the")),
]

# What looks like a fault and is none.
FINE: list[tuple[str, Fault]] = [
    (
        "blocks after blank lines, and markers that begin no block",
        swap(
            "Sixty steps",
            "- one\n- two,\n  wrapped\n\n1. a\n2. b\n\n"
            "> quoted\n>\n> - a list\n\n+3 and -2 and 14.\n"
            "14. of them\n1.5 times\n\\+ 3\n$a$\n$+ b$\n*much*\n\n"
            "Sixty steps",
        ),
    ),
    (
        "a recipe in the settings",
        swap("latent_dim = 64", "latent_dim = max(latent_dim=64)"),
    ),
    (
        "a function calls a later one",
        run("def f():\n    return g()\n\n\ndef g():\n    return 1"),
    ),
    (
        "names inside comprehensions",
        run("squares = [x * x for x in range(9)]"),
    ),
    (
        "a parameter named like a setting",
        run(
            "def f(latent_dim):\n    def g():\n"
            "        return latent_dim\n\n    return g"
        ),
    ),
    (
        "a line that begins with %",
        run("text = (\n    'a %d'\n    % latent_dim\n)"),
    ),
    ("a slash in an f-string", run('text = f"{latent_dim}/step/two"')),
    ("an index with dots", run("x = np.ones((2, 2))[..., 0]")),
    (
        "several checks",
        add(
            code("latent_dim"),
            code(
                'check("a", 1, 0, 2)\n'
                'with raises("b", ValueError):\n    int("b")'
            ),
        ),
    ),
    (
        "a heading inside a fence",
        swap("Sixty steps", "```\n# no heading\n```\nSixty steps"),
    ),
    (
        "brackets in a formula",
        swap("Sixty steps", "With $D[x](z)$ sixty steps"),
    ),
    (
        "a generator of its own",
        run(
            "def generator(z):\n    return z\n\n\n"
            "def again(z):\n    return generator(z)"
        ),
    ),
    (
        "a checked table",
        add(code("n_steps", "6", tags=IGNORE), code('check("a", 1, 0, 2)')),
    ),
    (
        "a random draw in a function",
        run("def draw():\n    return np.random.normal()"),
    ),
    (
        "two long cells",
        both(
            pad(30, DEF_1),
            tag(DEF_1, "long-cell"),
            pad(30, DEF_2),
            tag(DEF_2, "long-cell"),
        ),
    ),
    (
        "acronyms and proper nouns",
        swap("## The question of part 2", "## The MNIST GAN of Goodfellow"),
    ),
]


def broken(kind: str, fault: Fault, folder: Path) -> list[anatomy.Finding]:
    """Return the findings for a notebook after a change."""
    content = notebook(CELLS[kind])
    fault(content, folder)
    return anatomy.findings(content, folder / NAMES[kind])


@pytest.mark.parametrize("kind", CELLS)
def test_valid_notebook_has_no_finding(kind: str, folder: Path) -> None:
    """The notebooks that the faults are planted into are clean."""
    found = broken(kind, both(), folder)
    assert not found, f"\n{listed(found)}"


@pytest.mark.parametrize(
    ("rule", "kind", "fault"),
    FAULTS,
    ids=[f"{rule}-{anatomy.RULES[rule].name}" for rule, _, _ in FAULTS],
)
def test_fault_is_caught(
    rule: str, kind: str, fault: Fault, folder: Path
) -> None:
    """A planted fault is caught by its rule and by no other."""
    found = broken(kind, fault, folder)
    rules = {finding.rule for finding in found}
    assert rules == {rule}, f"\n{listed(found)}"


@pytest.mark.parametrize(
    "change", [change for _, change in FINE], ids=[name for name, _ in FINE]
)
def test_no_false_finding(change: Fault, folder: Path) -> None:
    """What is allowed stays without a finding."""
    found = broken("lesson", change, folder)
    assert not found, f"\n{listed(found)}"


def test_every_rule_has_a_fault() -> None:
    """No rule enters the registry without a proof that it works."""
    assert set(anatomy.RULES) == {rule for rule, _, _ in FAULTS}


def test_finding_names_rule_and_cell(folder: Path) -> None:
    """A finding reads: rule, cell, what is wrong, what to do."""
    wide = swap("latent_dim = 64", "latent_dim = 64  # " + 74 * "x")
    (finding,) = broken("lesson", wide, folder)
    assert str(finding) == "R26 cell 10: line of 93 columns; wrap at 79"
