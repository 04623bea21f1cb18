"""Every notebook keeps every rule, and every rule catches a planted fault."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import rules
from reader import Notebook, size

from tools.stored import text_of, tidy

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
FILES = [
    path
    for folder in ("", "deeper/", "solutions/", "[a-z][a-z]/**/")
    for path in sorted(NOTEBOOKS.glob(f"{folder}[0-9]*.ipynb"))
]


@pytest.mark.parametrize(
    "path", FILES, ids=[str(p.relative_to(NOTEBOOKS)) for p in FILES]
)
def test_notebook_keeps_the_rules(path: Path) -> None:
    """No notebook of the course has a finding."""
    found = rules.findings(path.read_text(encoding="utf-8"), path)
    if found:
        lines = "\n".join(f"  {sentence}" for _, sentence in found)
        pytest.fail(f"{path.relative_to(NOTEBOOKS)}:\n{lines}", pytrace=False)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("00_a.ipynb", "start"),
        ("deeper/01_a.ipynb", "deeper"),
        ("zh/00_a.ipynb", "translation"),
        ("zh/solutions/01_solutions.ipynb", "translation"),
    ],
)
def test_the_folder_says_the_kind(name: str, kind: str) -> None:
    """What lies in a folder of two letters is a translation."""
    assert rules.kind_of(NOTEBOOKS / name) == kind


# --- a small valid course to break
# A cell begins with `%% kind`, then come `[its tags]` and `> its output`.

OPENING = """\
%% markdown
# GANs on toy data

You make a digit that nobody wrote. Is it flat?
%% code > FIGURE
from helpers import checkpoints, runtime, views
from helpers.exercises import lesson_07

views.show(views.grid(checkpoints.load("toy")), "A grid of sevens")
%% markdown
Look at $simply(x)$, `easy`. ![A grid of grey digits](grid.png)
"""
WHY = """\
%% markdown
## Why two networks?

One draws, one judges.
"""
GLANCE = """\
%% markdown
## At a glance

| | read | run | exercises |
|---|---|---|---|
| minutes | READ | 2 | 25 |

- Compute a loss (checkpoint 1).
- Train a generator
  (checkpoint 2).
- Explain a curve (checkpoint 2).
%% markdown
## Set-up and settings

The other packages, and the seed.
%% code
import keras
import numpy as np

SEED = runtime.seed(3)
%% markdown
<details><summary>Where they come from</summary>

| name | unit | source |
|---|---|---|
| `n_steps` | steps | [paper](#References) |
| `latent_dim` | numbers | ours |

</details>
%% code
n_steps = runtime.by_profile(ci=6, lecture=60, full=600)
latent_dim = 64
"""
BODY = """\
%% markdown
## The question of part K

What is the loss? Commit first.
%% code
def loss_K(z, scale=1.0):
    return scale * np.sum(z)
%% markdown
Part K shows learned numbers.
%% code [nbval-ignore-output] > -0.3
print(loss_K(SEED))
%% code > ok  K is finite
check("the loss is finite", loss_K(9), 0, 99)
%% markdown
A place for faults in part K.
"""
CHECKPOINT = """\
%% markdown
### Checkpoint K

How large is it?

<details><summary>Answer K</summary>

64.
</details>
%% code > ok  a loss of K
check("a loss of 64", loss_K(64), 64, 64)
"""
BROKEN = """\
%% markdown
## Broken on purpose

The loss is a straight line. Why?
%% code > FIGURE
views.show(views.curves(np.zeros(9)), "Nothing")
"""
LIMITS = """\
%% markdown
## Limits

- Sixty steps on 64 numbers show no quality.
"""
EXERCISES = """\
%% markdown
## Responsible use

- Say it is fake.
- Say how.
- Say when.
%% markdown
## Exercises

They build on part 1.
"""
ASKED = """\
%% markdown
### Exercise 1: Predict a sum (★, 10 min)

What is the sum?
%% code > not attempted
answer = ...
lesson_07.exercise_1(answer)
"""
ASKED_2 = """\
%% markdown
### Exercise 2: Build a loss (★★, 15 min)

Write it.
%% code > not attempted yet
answer_2 = ...
lesson_07.exercise_2(answer_2)
"""
KEEP = """\
%% markdown
## What to keep

- One draws.
- One judges.
- Both learn.
"""
END = """\
%% markdown
## References

- Goodfellow, Easy title, arXiv:1406.2661.
%% markdown
## Where to go next

[before](06_a.ipynb), [after](08_b.ipynb)
"""
SOLVED = """\
%% markdown
# Solutions to the toy lesson
%% code
import numpy as np
from helpers.exercises import lesson_07
%% markdown
## Exercise 1: Predict a sum

What is the sum?
%% code > PASS
lesson_07.exercise_1(np.sum([1, 2]))
%% markdown
Because one and two are three.
"""
SOLVED_2 = """\
%% markdown
## Exercise 2: Build a loss

Write it.
%% code > PASS the second
lesson_07.exercise_2(np.sum)
%% markdown
Because the sum will do.
"""
TEXT = "%% markdown\nWhy?\n"
BODIES = [(BODY + CHECKPOINT).replace("K", k) for k in "123"]
LESSON = OPENING + WHY + GLANCE + "".join(BODIES) + BROKEN + LIMITS
LESSON += EXERCISES + ASKED + ASKED_2 + KEEP + END
KINDS = {
    "lesson": ("07_toy.ipynb", LESSON),
    "start": (
        "00_start.ipynb",
        OPENING + GLANCE + "".join(BODIES[:2]) + KEEP + END,
    ),
    "deeper": (
        "deeper/07_losses.ipynb",
        (OPENING + BODY.replace("K", "1") + BODY.replace("K", "2"))
        .replace("grid.png", "../grid.png")
        .replace("Look at", "Back to [GANs](../07_toy.ipynb). Look at")
        .replace("## The", "The"),
    ),
    "solutions": ("solutions/07_solutions.ipynb", SOLVED + SOLVED_2),
}
ALT = "[figure] Line chart of the loss against the step: it is flat"
ROWS = "<table><thead><tr><th>x</th></tr></thead>{}</table>"
DATA = {
    "FIGURE": {"image/png": "aGk=", "text/plain": ALT},
    "BARE": {"image/png": "aGk=", "text/plain": "<Figure size 640x480>"},
    "SVG": {"image/svg+xml": "<svg/>", "text/plain": ALT},
    "SCRIPT": {"text/html": "<script>1</script>", "text/plain": "x"},
    "FRAME": {"text/html": ROWS.format(9 * "<tr><td>1</td></tr>")},
}


def notebook(text: str) -> Any:
    """Return the notebook that a text describes, as it would be stored."""
    cells = []
    head = r"^%% (\w+)(?: \[(.*)\])?(?: > (.*))?\n"
    _, *parts = re.split(head, text, flags=re.M)
    for kind, tags, output, source in zip(
        *[parts[k::4] for k in range(4)], strict=True
    ):
        cell = {"cell_type": kind, "source": source}
        cell["metadata"] = {"tags": tags.split()} if tags else {}
        if kind == "code":
            made = {"output_type": "stream", "name": "stdout"}
            made |= {"text": (output or "").replace(";", "\n")}
            if output in DATA:
                made = {"output_type": "display_data", "metadata": {}}
                made |= {"data": DATA[output]}
            cell |= {"outputs": [made] * bool(output)}
            cell |= {"execution_count": None}
        cells.append(cell)
    content = {"cells": cells, "metadata": {}}
    content |= {"nbformat": 4, "nbformat_minor": 5}
    return tidy(nbformat.from_dict(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a notebooks folder with the neighbours of the notebooks."""
    notebooks = tmp_path / "notebooks"
    for name in ("solutions", "deeper", "../docs/instructor"):
        (notebooks / name).mkdir(parents=True)
    for name in ("grid.png", "06_a.ipynb", "08_b.ipynb"):
        (notebooks / name).touch()
    (notebooks / "07_toy.ipynb").write_text("](deeper/07_losses.ipynb)")
    solved = text_of(notebook(SOLVED + SOLVED_2))
    for number in ("00", "03", "07"):
        (tmp_path / f"docs/instructor/{number}.md").touch()
        path = notebooks / f"solutions/{number}_solutions.ipynb"
        path.write_text(solved, encoding="utf-8")
    return notebooks


def found_in(kind: str, folder: Path, *changes: str, stored: bool = False):
    """Return the findings after some pieces of text were replaced.

    Args:
        kind: of which valid notebook.
        folder: where it lies.
        changes: old, new, old, new ...; each old piece occurs once.
        stored: replace in the text of the file, not of the cells.
    """
    name, text = KINDS[kind]
    path = folder / name
    path.touch()
    if kind == "start":  # it is the first lesson, and has no exercises
        for other in ("06_a.ipynb", "07_toy.ipynb"):
            (folder / other).unlink()
        (folder / "solutions/00_solutions.ipynb").unlink()
        text = text.replace("[before](06_a.ipynb), ", "")
    text = text if not stored else text_of(notebook(text))
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert text.count(old) == 1, f"{text.count(old)} times {old!r}"
        text = text.replace(old, new)
    text = text if stored else text_of(notebook(text))
    minutes = size(Notebook(text, path))["minutes to read"]
    return rules.findings(text.replace("READ", str(minutes)), path)


HERE = "A place for faults in part 2.\n"


def code(source: str, head: str = "") -> tuple[str, str]:
    """Insert a code cell."""
    return HERE, f"{HERE}%% code{head}\n{source}\n"


def cells(text: str) -> tuple[str, str]:
    """Insert cells."""
    return HERE, HERE + text


def one(tags: str, lines: int = 1) -> str:
    """Return a cell of text and one of so many lines of code."""
    return f"{TEXT}%% code {tags}\n".replace(" \n", "\n") + lines * "x\n"


# What a wrapped sentence may begin a line with, and a viewer takes for more.
MISREAD = ["+ exp(-x)) = 3", "- 3 steps", "* 2 steps", "1. What is it?"]
MISREAD += ["1) What is it?", "   + 3 steps", "> 3 steps", "### 3", "=", "-"]
MISREAD += ["---", "***", "```", "p(x | z)\n---|---\nq(z | x)"]
MISREAD += ["| a | b |\n|---|---|\n| 1 | 2 |", "\n$$\na\n+ b\n$$\n"]
MISREAD += ["\n```python x = 1 ```\n"]
MISREAD += ["\n- of which\n  + 3 are mine", "\n- steps, k =\n1. What is it?"]
WIDE = f"{6 * '| a '}|\n{6 * '|---'}|\n{6 * '| b '}|\n\n"
LONG = "| a |\n|---|\n" + 9 * "| b |\n" + "\n"
PROMISE = "You make a digit that nobody wrote."
BUILD = "They build on part 1."
BLANKS = 22 * "\n"
LATENT = "latent_dim = 64"
DEF_1 = "def loss_1(z, scale=1.0):\n"
SCREEN = f"{TEXT}%% code\n" + 25 * "x = 1\n"
DEFINED = [f"{TEXT}%% code\ndef f{k}():\n    pass\n" for k in range(5)]
METHOD = "class A:\n    def f(self):\n        return [n_steps for _ in '']"
END_OF_FILE = '"nbformat_minor": 5\n}'
COLLAPSED = '"cell-9",\n   "metadata": {}'
AGAIN = "%% markdown\n### Checkpoint 1\n\nSo?\n"
STREAM = """\
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "ok  a loss of 2\
"""

# Kind of notebook -> a rule and words of its finding; then pieces of the text,
# old, new, old, new ... For stored_form it is the text of the file.
FAULTS: dict[str, list[tuple[str, ...]]] = {
    "lesson": [
        ("stored_form julia", '"python3"', '"julia"'),
        ("stored_form minor", END_OF_FILE, END_OF_FILE.replace("5", "4")),
        ("stored_form None", END_OF_FILE + "\n", END_OF_FILE),
        ("stored_form toc", COLLAPSED, COLLAPSED.replace("{}", '{"toc": 1}')),
        ("stored_form null", '_count": 2,', '_count": null,'),
        ("stored_form cell-8", '"id": "cell-9"', '"id": "cell-8"'),
        ("stored_form cell-16", '"A place for faults in part 1."', '""'),
        ("stored_form stderr", STREAM, STREAM.replace("stdout", "stderr")),
        ("stored_form path", "not attempted yet", "not attempted in /home/me"),
        ("stored_form valid", STREAM, STREAM.replace("stream", "x")),
        ("plain_python", *code("!ls")),
        ("plain_python", *code("%matplotlib inline")),
        ("plain_python", *code('name = "/home/ann/mnist.npz"')),
        ("plain_python", *code('name = "C:/data"')),
        ("tags", *code("x = 1", " [raises-exception]")),
        ("tags", *cells("%% markdown [live]\nWhy?\n")),
        ("tags", *code("# NBVAL_IGNORE_OUTPUT\nx = 1")),
        ("figures_by_show", *code("SEED", " > BARE")),
        ("figures_by_show", *code("SEED", " > SVG")),
        ("shown_anywhere", *code("dial.widget()")),
        ("shown_anywhere", *code("SEED", " > SCRIPT")),
        *[
            ("formulas_anywhere", "One draws, one judges.", x)
            for x in (
                r"Take $\operatorname{q}$.",
                r"Take \(q\).",
                "Take\n$$q$$",
                "$$q$$\n$$p$$",
                "$$q$$ and on.",
            )
        ],
        ("headings", "no quality.", "none.\n\n# Another"),
        ("headings", "### Checkpoint 2", "#### A\n\n### Checkpoint 2"),
        ("headings", "question of part 2", "Question Of Part 2"),
        ("headings", f"{PROMISE} Is it flat?", "We make:"),
        ("banned_words", "no quality", "no quality at once"),
        ("links", "[A grid of grey digits]", "[A grid]"),
        ("links", "(grid.png)", "(lost.png)"),
        ("links", "(grid.png)", "(https://example.org/a.png)"),
        ("links", "(#References)", "(#references)"),
        ("links", "Sixty", "[Sixty](lost.md)"),
        ("links", "Sixty", "[Sixty](/etc/hosts)"),
        *[
            ("blocks_as_meant", "Part 2 ", f"Part 2\n{x}\nalso ")
            for x in MISREAD
        ],
        ("references", " arXiv:1406.2661", ""),
        ("neighbours", "[before](06_a.ipynb), ", ""),
        ("exercises", "(★★, 15 min)", "(15 min)", "| 25 |", "| 10 |"),
        ("exercises", "answer = ...", "answer = 3"),
        ("exercises", "07.exercise_1(", "07.exercise_2("),
        ("exercises", "%% code > not attempted\n", "%% code\n"),
        ("text_before_code", *code("SEED\n%% code\nx = 1")),
        ("key_that_stays", *code("views.train_live(SEED)")),
        ("networks", *code("views.generator(SEED)")),
        ("settings", "| unit |", "| what |"),
        ("settings", "| `latent_dim` |", "| `z` |"),
        ("settings", LATENT, "latent_dim = Recipe(width=64)"),
        ("settings", LATENT, f"{LATENT}\n{LATENT}"),
        ("settings", *code("for latent_dim in (1, 2):\n    pass")),
        ("functions_take_settings", *code("def f():\n    return n_steps")),
        ("functions_take_settings", *code(METHOD)),
        ("definitions_run", *cells("".join(DEFINED))),
        ("sections_in_order Limits", LIMITS, ""),
        ("sections_in_order Why", WHY, ""),
        ("sections_in_order 3 to 4", BODIES[2], ""),
        ("sections_in_order here", LIMITS, "", KEEP, LIMITS + KEEP),
        ("pictures", "%% code > FIGURE\nviews", "%% code\nviews"),
        ("at_a_glance (read): 3", "READ", "3"),
        ("at_a_glance (exercises): 20", "| 25 |", "| 20 |"),
        ("at_a_glance 2 goals", "- Explain a curve (checkpoint 2).\n", ""),
        ("at_a_glance that is", "\n  (checkpoint 2).", "."),
        ("at_a_glance that is", "(checkpoint 1)", "(checkpoint 9)"),
        ("at_a_glance a verb", "- Compute", "- Understand"),
        ("checkpoints", "### Checkpoint 3", "### Checkpoint 4"),
        ("checkpoints", "### Checkpoint 3\n", ""),
        ("checkpoints", "<details><summary>Answer 2</summary>", "<p>"),
        ("checkpoints", "ok  a loss of 2", 6 * "ok  a;"),
        ("budgets 2 items", "- Both learn.\n", ""),
        ("budgets 4 items", "- Say how.", "- Say how.\n- Say who."),
        ("budgets words", "no quality.", 3_500 * "word "),
        ("budgets lines of code", *cells(9 * SCREEN)),
        ("budgets cells", *cells(20 * TEXT)),
        ("budgets check", "ok  1 is", 9 * "ok  a;", "ok  2 is", 9 * "ok  a;"),
        ("budgets minutes to read", *cells(15 * AGAIN)),
        ("cell_lengths 26", *code(f"x = 1\n\n\n{BLANKS}x")),
        ("cell_lengths 35", *code(f"1\n{2 * BLANKS}x", " [long-cell]")),
        ("cell_lengths a second", *cells(2 * one("[long-cell]"))),
        ("cell_lengths 12 at", *code(f"x = 1\n{BLANKS}x", " [live]")),
        ("cell_lengths output", *code("x", " > " + 12 * "1;" + "1")),
        ("small_tables", BUILD, f"They do.\n\n{WIDE}So."),
        ("small_tables", BUILD, f"They do.\n\n{LONG}So."),
    ],
    "start": [
        ("headings", f"{PROMISE} Is it flat?", ""),
        ("banned_words", "Look at", "Simply look at"),
        ("references", "- Goodfellow,", "Goodfellow,"),
        ("settings", *code("m = runtime.by_profile(ci=1)")),
        ("sections_in_order keep", KEEP, ""),
        ("sections_in_order Why", "Look at", "## Why so?\n\nLook at"),
        ("pictures", "%% code > FIGURE\nfrom", "%% code\nfrom"),
        ("at_a_glance a number", "| 2 |", "| soon |"),
        ("checkpoints", "%% code > ok  a loss of 2", "%% code"),
        ("budgets 30 at most", *cells(8 * TEXT)),
    ],
    "deeper": [
        ("stored_form bytes", "aGk=", 10**6 * "a"),
        ("measured_then_checked", *code("1", " [nbval-ignore-output]")),
        ("same_everywhere report", *code("runtime.report()")),
        ("same_everywhere 0x7f", *code("x", " > <f at 0x7f00aa11>")),
        ("same_everywhere 9 ms", *code("x", " > 9 ms/step")),
        ("text_before_code", *code("SEED\n%% code\nf(\n1,\n2,\n)")),
        ("budgets 35 at most", *cells(24 * TEXT)),
        ("cell_lengths median", *cells(9 * one("", 9))),
        ("cell_lengths a seventh", *cells(7 * one("[live]"))),
        ("small_tables", *code("SEED", " > FRAME")),
        ("deeper 15", "%% markdown\nPart 2 shows learned numbers.\n", ""),
        ("deeper question", "Is it flat?", "It is flat."),
        ("deeper figure", "> FIGURE", ""),
        ("deeper check", "> ok  1", "> 1", "> ok  2", "> 2"),
        ("deeper link to ../", "../07_toy.ipynb", "https://keras.io"),
    ],
    "solutions": [
        ("headings no heading", "# Solutions to", "Solutions to"),
        ("networks", "import numpy", "a.trainable = 0\nimport numpy"),
        ("solutions", "%% code > PASS\n", "%% code\n"),
        ("solutions", "%% markdown\nBecause the sum will do.\n", ""),
        ("solutions", "## Exercise 2:", "## Exercise 3:"),
    ],
}
PLANTED = [
    (kind, *fault) for kind, faults in FAULTS.items() for fault in faults
]

# The same, for a file beside the notebook that holds another text or is gone.
ONE = text_of(notebook(SOLVED))
FEWER = (ASKED_2, "", "| 25 |", "| 10 |")
BESIDE: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("companions", "start", "../docs/instructor/00.md", "", ()),
    ("companions", "lesson", "solutions/07_solutions.ipynb", "", ()),
    ("companions", "lesson", "solutions/07_solutions.ipynb", ONE, ()),
    ("exercises", "lesson", "solutions/07_solutions.ipynb", ONE, FEWER),
    ("deeper", "deeper", "07_toy.ipynb", ONE, ()),
]

# What looks like a fault and is none.
MARKERS = (
    "- one\n- two,\n  wrapped\n\n1. a\n2. b\n\n> quoted\n>\n> - a list\n\n"
    "+3 and -2 and 14.\n14. of them\n1.5 times\n\\+ 3\n$a$\n$+ b$\n*much*\n\n"
)
FINE: dict[str, tuple[str, ...]] = {
    "blocks as meant": (BUILD, f"{MARKERS}They do."),
    "a fence": (BUILD, f"```\n# no heading\n```\n\n{BUILD}"),
    "brackets in a formula": (BUILD, "With $D[x](z)$ they build."),
    "proper nouns": ("question of part 2", "MNIST of Goodfellow"),
    "a folded table": ("| numbers | ours |", "|a|b|\n" + 9 * "|`c`|d|e|\n"),
    "a recipe": (LATENT, "latent_dim = f(latent_dim=1)"),
    "a name like a setting": code(
        "def f(n_steps):\n    return lambda: n_steps"
    ),
    "a line that begins with %": code("x = (\n    'a %d'\n    % SEED\n)"),
    "several checks": code(
        'SEED\n%% code\ncheck("a", 1, 0, 2)\n'
        'with raises("b", E):\n    int("b")'
    ),
    "a generator of its own": (
        DEF_1,
        f"def generator(z):\n    return z\n\n\n{DEF_1}    generator(z)\n",
    ),
    "a long cell": code(f"x = 1\n{BLANKS}\n\n\nx", " [long-cell]"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_valid_notebook_has_no_finding(kind: str, folder: Path) -> None:
    """The notebooks that the faults are planted into are clean."""
    assert not found_in(kind, folder)


@pytest.mark.parametrize("fault", PLANTED, ids=lambda f: " ".join(f[:2]))
def test_fault_is_caught(fault: tuple[str, ...], folder: Path) -> None:
    """A planted fault is caught by its rule and by no other."""
    kind, name, *changes = fault
    rule, _, words = name.partition(" ")
    found = found_in(kind, folder, *changes, stored=rule == "stored_form")
    assert {broken for broken, _ in found} == {rule}, found
    assert any(words in sentence for _, sentence in found), found


@pytest.mark.parametrize(("rule", "kind", "name", "text", "changes"), BESIDE)
def test_fault_beside_is_caught(
    rule: str,
    kind: str,
    name: str,
    text: str,
    changes: tuple[str, ...],
    folder: Path,
) -> None:
    """So is one in a file beside the notebook."""
    (folder / name).write_text(text, encoding="utf-8")
    if not text:
        (folder / name).unlink()
    found = found_in(kind, folder, *changes)
    assert {broken for broken, _ in found} == {rule}, found


@pytest.mark.parametrize("name", FINE)
def test_no_false_finding(name: str, folder: Path) -> None:
    """What is allowed stays without a finding."""
    assert not found_in("lesson", folder, *FINE[name])


def test_every_rule_has_a_fault() -> None:
    """No rule enters the registry without a proof that it works."""
    planted = {name.partition(" ")[0] for _, name, *_ in PLANTED}
    assert set(rules.RULES) == planted | {rule for rule, *_ in BESIDE}


def test_a_finding_is_a_sentence(folder: Path) -> None:
    """It says where, what was found, what is expected, and which rule."""
    wide = code(f"x = 1\n\n\n{BLANKS}x")
    [(_, sentence)] = found_in("lesson", folder, *wide)
    assert sentence == "cell 24: 26 lines; expected: 25 at most [cell_lengths]"
