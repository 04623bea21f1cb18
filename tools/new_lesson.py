"""Lay out a lesson: python -m tools.new_lesson NN name_in_snake_case.

It writes the notebook with its parts in order, its solutions, its checkers,
the test of wrong answers and the page for instructors, overwrites nothing,
and says what is left to write by hand.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.copies import put
from tools.stored import text_of, tidy

ROOT = Path(__file__).resolve().parent.parent
LESSON = """\
md # {title}

One sentence that promises something.
py from helpers import data, views

x_hold, _ = data.load("holdout")
views.show(
    views.image_grid({{"real": x_hold[:20]}}, "What we want"),
    "Two rows of ten real digits each",
)
md ## Why ...?

What we want, why the obvious way fails, the idea, what it costs.
md ## At a glance

| | read | run | exercises |
|---|---|---|---|
| minutes | 1 | 1 | 10 |

Before this lesson: ... You make ...

1. Verb ... (checkpoint 1).
2. Verb ... (checkpoint 2).
3. Verb ... (checkpoint 3).
md ## Set-up and settings

The imports, and every number that you may want to turn.
py from helpers import runtime
from helpers.checks import check
from helpers.exercises import lesson_{number}

SEED = runtime.seed({seed})
md <details><summary>Units and sources</summary>

| name | unit | source |
|---|---|---|
| `n_steps` | steps | by profile |

</details>
py n_steps = runtime.by_profile(ci=10, lecture=100, full=1_000)
{sections}md ## Broken on purpose

A run that fails as runs really fail, its healthy twin beside it.
md ## Limits

- What this lesson cannot show.
md ## Responsible use

- ...
md ## Exercises

They build on what you have done above.
md ### Exercise 1: Predict ... (★, 10 min)

What do you expect?
py answer = ...
lesson_{number}.exercise_1(answer)
md ## What to keep

- An idea that you would tell a friend.
- ...
- ...
md ## References

- ...
md ## Where to go next

...
"""
SECTION = """\
md ## The question of part {k}?

Why we bother. Predict before you run.
py check("steps of part {k}", n_steps, 10, 1_000)
md ### Checkpoint {k}

A question that three lines do not answer.

<details><summary>Answer</summary>

...

</details>
py check("steps of checkpoint {k}", n_steps, 10, 1_000)
"""
SOLUTIONS = """\
md # Solutions to lesson {number}

Of [{title}](../{number}_{name}.ipynb).
md ## Exercise 1: Predict ...

What do you expect?
py from helpers.exercises import lesson_{number}

answer = 42
lesson_{number}.exercise_1(answer)
md Why: ...
"""
CHECKER = '''"""What the exercises of lesson {number} ask of an answer."""

from helpers.checks import exercise


@exercise
def exercise_1(answer: object) -> None:
    """Say what the answer must be."""
    assert answer == 42, "the property that fails"
'''
TEST = '''"""Wrong answers that the checkers of lesson {number} must reject."""

import pytest
from answers import judge, solved

from helpers.exercises import lesson_{number}

RIGHT = solved("{number}")
WRONG = {{
    1: [41, "42"],
}}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_{number}, f"exercise_{{k}}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
'''
NOTES = """\
# {number} {title}

| minute | what | where |
|---|---|---|
| 0 | ... | first picture |

## Misconceptions

| what people think | the wrong answer it gives | what helps |
|---|---|---|
| ... | ... | ... |

## Thirty minutes less

...
"""
BY_HAND = """\
Left to do by hand:
  the text, then its outputs: python3 course.py refresh {number}
  helpers/lessons/{name}.py, if the lesson needs helpers of its own
  the ranges of its checks: python -m tools.calibrate {number}
  a row of the table in README.md, and a line of CHANGELOG.md"""


def notebook(text: str) -> str:
    """Turn cells, which begin with `md ` or `py `, into a stored notebook."""
    cells = []
    for part in re.split(r"(?m)^(?=md |py )", text):
        kind, source = part[:3], part[3:].strip()
        if source:
            make = new_markdown_cell if kind == "md " else new_code_cell
            cells.append(make(source, id=f"c{len(cells):02}"))
    return text_of(tidy(nbformat.from_dict(new_notebook(cells=cells))))


def files(number: str, name: str) -> dict[str, str]:
    """Return what to write: path below the course -> text."""
    words = {"number": number, "name": name, "seed": int(number)}
    words["title"] = name.replace("_", " ").capitalize()
    words["sections"] = "".join(SECTION.format(k=k) for k in (1, 2, 3))
    return {
        f"notebooks/{number}_{name}.ipynb": notebook(LESSON.format(**words)),
        f"notebooks/solutions/{number}_solutions.ipynb": notebook(
            SOLUTIONS.format(**words)
        ),
        f"helpers/exercises/lesson_{number}.py": CHECKER.format(**words),
        f"tests/lessons/test_{number}_exercises.py": TEST.format(**words),
        f"docs/instructor/{number}.md": NOTES.format(**words),
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the files, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", metavar="NN")
    parser.add_argument("name")
    given = parser.parse_args(arguments)
    if not re.fullmatch(r"\d\d", given.number):
        sys.exit(f"{given.number}: expected two digits, such as 07.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", given.name):
        sys.exit(f"{given.name}: expected snake_case, such as style_transfer.")
    taken = [*ROOT.glob(f"notebooks/{given.number}_*.ipynb")]
    if taken:
        sys.exit(f"{taken[0].name} has that number; a number never changes.")
    for path, text in files(given.number, given.name).items():
        done = put(ROOT / path, text)
        print(path if done else f"{path} was there already")
    print(BY_HAND.format(**vars(given)))


if __name__ == "__main__":
    main()
