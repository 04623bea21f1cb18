"""Rules for helpers, read from its source; each catches a planted fault.

They take `{"metrics.py": source, "exercises/lesson_03.py": source}` and import
nothing. What ruff can see (docstrings, annotations, prints, banned modules)
is in pyproject.toml.
"""

import ast
import difflib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Sources = dict[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)

# From the ground up: a module imports from those before it.
LADDER = (
    "settings",
    "runtime",
    "data",
    "backend",
    "checkpoints",
    "metrics",
    "training",
    "views",
    "checks",
    "lessons",
    "exercises",
)
RUNG = {name: height for height, name in enumerate(LADDER)}
RUNG |= {"__init__": 0}
STOREYS = ("lessons", "exercises")  # folders; the core knows neither
TAUGHT = ("training", "metrics", "lessons/dcgan", "lessons/vae")
MOST_LINES = 40
CORE_LINES = 1_500
LESSON_LINES = 250


def read_helpers() -> Sources:
    """Read the package."""
    folder = ROOT / "helpers"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
    }


def read_lessons() -> Sources:
    """Read the code of the lessons, one text a lesson."""
    lessons = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in code]
        lessons[path.name] = "\n\n".join(sources)
    return lessons


def module_of(file: str) -> str:
    """Return the name that the ladder has for a file, '' for none."""
    if re.fullmatch(r"exercises/(__init__|lesson_\d\d)\.py", file):
        return "exercises"
    if re.fullmatch(r"lessons/\w+\.py", file):
        return "lessons"
    name = file.removesuffix(".py")
    return name if name in RUNG and name not in STOREYS else ""


# ------------------------------------------------------------------ the rules


def imported(tree: ast.Module, file: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each import, relative ones resolved."""
    package = ["helpers", *file.split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level]
            start = base if node.level else []
            parts = [*start, *filter(None, [node.module])]
            for alias in node.names:
                yield node.lineno, ".".join([*parts, alias.name])


def ladder(helpers: Sources) -> Iterator[str]:
    """Each module imports only from those below it."""
    for file, source in helpers.items():
        own = module_of(file)
        if not own:
            yield f"{file}: unknown module; give it a rung in LADDER"
            continue
        for line, name in imported(ast.parse(source), file):
            root, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if root != "helpers" or other not in LADDER:
                continue
            # A lesson may use an earlier one's module, and its checkers what
            # their package offers to all.
            shared = own == other in STOREYS and not re.search(
                r"\.lesson_\d\d", name
            )
            if RUNG[other] >= RUNG[own] and not shared:
                yield f"{file}:{line}: {own} imports {other}, not below it"


def body_of(node: Function | ast.ClassDef) -> list[ast.stmt]:
    """Return the statements without the docstring."""
    return node.body[ast.get_docstring(node) is not None :]


def short_functions(helpers: Sources) -> Iterator[str]:
    """A function has at most 40 lines, the docstring not counted."""
    for file, source in helpers.items():
        for node in ast.walk(ast.parse(source)):
            body = body_of(node) if isinstance(node, FUNCTIONS) else []
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            if lines > MOST_LINES:
                yield (
                    f"{file}:{node.lineno}: {node.name} has {lines} lines; "
                    f"{MOST_LINES} at most"
                )


def code_lines(source: str) -> int:
    """Count lines that are not blank, comment or docstring."""
    spans: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(
            node.value, ast.Constant
        )
        if is_text:
            spans.update(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(
        bool(line.strip())
        and not line.lstrip().startswith("#")
        and number not in spans
        for number, line in lines
    )


def small_core(helpers: Sources) -> Iterator[str]:
    """The core has at most 1,500 lines of code, a lesson's module 250.

    Docstrings do not count: the house style asks for shapes, units, errors
    and sources, and a limit must not make them shorter.
    """
    lines = {file: code_lines(source) for file, source in helpers.items()}
    for file, count in lines.items():
        if module_of(file) == "lessons" and count > LESSON_LINES:
            yield f"{file}: {count} lines, {LESSON_LINES} at most"
    lines = {f: n for f, n in lines.items() if module_of(f) not in STOREYS}
    total = sum(lines.values())
    if total > CORE_LINES:
        yield f"{total} lines, {CORE_LINES} at most: {lines}"


# ------------------------------------------------------- taught equals helper


class Bare(ast.NodeTransformer):
    """Drop docstrings, annotations and decorators, nested ones too."""

    def definition(self, node: Function | ast.ClassDef) -> ast.AST:
        """Strip a function or a class."""
        node.body = body_of(node) or [ast.Pass()]
        node.decorator_list = []
        if isinstance(node, FUNCTIONS):
            node.returns = None
        if hasattr(node, "type_params"):  # from Python 3.12 on
            node.type_params = []
        return self.generic_visit(node)

    visit_FunctionDef = definition
    visit_AsyncFunctionDef = definition
    visit_ClassDef = definition

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Strip an argument."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Strip an assignment; keep the bare name of a declaration."""
        if node.value is None:
            return ast.Expr(self.visit(node.target))
        return ast.Assign([node.target], self.visit(node.value), lineno=0)


def bare(node: ast.AST) -> ast.AST:
    """Return a stripped copy."""
    return Bare().visit(ast.parse(ast.unparse(node)).body[0])


def difference(taught: ast.AST, helper: ast.AST) -> str:
    """Return the differing lines of two definitions, '' if they agree."""
    one, two = bare(taught), bare(helper)
    if ast.dump(one) == ast.dump(two):
        return ""
    texts = [ast.unparse(node).splitlines() for node in (one, two)]
    lines = difflib.unified_diff(*texts, "lesson", "helpers", lineterm="", n=0)
    return "\n    ".join(lines)


def taught_functions(helpers: Sources) -> dict[str, tuple[str, ast.AST]]:
    """Return file and definition of what these modules offer."""
    return {
        node.name: (file, node)
        for file in (f"{name}.py" for name in TAUGHT)
        for node in ast.parse(helpers.get(file, "")).body
        if isinstance(node, DEFINITIONS) and not node.name.startswith("_")
    }


def taught_equals_helper(helpers: Sources, lessons: Sources) -> Iterator[str]:
    """A definition of a lesson equals the helper of its name."""
    offered = taught_functions(helpers)
    for lesson, source in lessons.items():
        for node in ast.parse(source).body:
            if getattr(node, "name", None) in offered:
                file, helper = offered[node.name]
                text = difference(node, helper)
                if text:
                    yield f"{lesson}: {node.name} and {file}:\n    {text}"


def helpers_are_taught(helpers: Sources, lessons: Sources) -> Iterator[str]:
    """Each function stands in a lesson or is marked `# not taught`."""
    shown = {
        node.name
        for source in lessons.values()
        for node in ast.parse(source).body
        if isinstance(node, DEFINITIONS)
    }
    for name, (file, node) in taught_functions(helpers).items():
        if isinstance(node, ast.ClassDef) or name in shown:
            continue
        lines = helpers[file].splitlines()
        first = min([node, *node.decorator_list], key=lambda n: n.lineno)
        near = {node.lineno, node.lineno - 1, first.lineno - 1}
        if not any("# not taught" in lines[n - 1] for n in near if n):
            yield (
                f"{file}:{node.lineno}: {name} stands in no lesson; teach "
                "it, or write `# not taught` on its def line"
            )


# ------------------------------------------------------------------ the tests

Rule = Callable[[Sources], Iterator[str]]
RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (ladder, short_functions, small_core)
}


def fail_if(found: list[str]) -> None:
    """Fail with one finding a line."""
    if found:
        lines = "\n".join(f"  {finding}" for finding in found)
        pytest.fail(f"helpers:\n{lines}", pytrace=False)


@pytest.mark.parametrize("name", RULES)
def test_helpers_keep_the_rule(name: str) -> None:
    """The package has no finding."""
    fail_if(list(RULES[name](read_helpers())))


def test_lessons_equal_helpers() -> None:
    """What a lesson defines is what the next one imports."""
    fail_if(list(taught_equals_helper(read_helpers(), read_lessons())))


def test_helpers_stand_in_lessons() -> None:
    """What is imported has been taught."""
    fail_if(list(helpers_are_taught(read_helpers(), read_lessons())))


MODEL = '''"""Networks."""

from helpers.runtime import seed


def build(width: int, /, *, depth: int = 2) -> int:
    """Build it."""

    def inner(z: int) -> int:
        """Help."""
        total: int = z
        return total

    return inner(width) + depth


class Block:
    """A block."""

    def __init__(self, size: int) -> None:
        self.size = size

    def grow(self) -> int:
        """Grow it."""
        return self.size
'''
VALID: Sources = {
    "__init__.py": '"""What is taught."""\n',
    "runtime.py": '"""Seeds."""\n\nimport numpy as np\n',
    "metrics.py": MODEL,
    "training.py": "from . import data\nfrom .metrics import build\n",
    "views.py": "import helpers.training\n\nprint(2)\n",
    "checks.py": "from helpers import views\n\nprint(3)\n",
    "lessons/vae.py": "from helpers import views\n",
    "lessons/style.py": "from helpers.lessons import vae\n",
    "exercises/__init__.py": "from helpers import checks\n",
    "exercises/lesson_03.py": "from helpers.exercises import verdict\n"
    "from ..metrics import build\n",
}
LONG = "def f() -> None:\n    x = 1\n" + "    x += 1\n" * 40
BUILD = "def build(width, depth=2):\n    return width\n"

FAULTS: list[tuple[str, str, str]] = [
    ("ladder", "runtime.py", "from helpers import data\n"),
    ("ladder", "runtime.py", "from helpers.metrics import build\n"),
    ("ladder", "metrics.py", "import helpers.training\n"),
    ("ladder", "data.py", "from . import metrics\n"),
    ("ladder", "metrics.py", "def _f():\n    from .views import show\n"),
    ("ladder", "checks.py", "from helpers.exercises import lesson_03\n"),
    ("ladder", "training.py", "from helpers.lessons import vae\n"),
    ("ladder", "exercises/lesson_03.py", "from . import lesson_04\n"),
    ("ladder", "__init__.py", "from helpers import data\n"),
    ("ladder", "utilities.py", "x = 1\n"),
    ("ladder", "exercises/shared.py", "x = 1\n"),
    ("short_functions", "metrics.py", LONG.replace("f()", "_f()")),
    ("small_core", "metrics.py", "x = 1\n" * 1_500),
    ("small_core", "lessons/vae.py", "x = 1\n" * 251),
]


def findings(helpers: Sources) -> dict[str, list[str]]:
    """Return what each rule finds, clean rules left out."""
    found = {name: list(rule(helpers)) for name, rule in RULES.items()}
    return {name: texts for name, texts in found.items() if texts}


def test_valid_helpers_have_no_finding() -> None:
    """The package that the faults are planted into is clean."""
    assert findings(VALID) == {}
    exercises = {
        f"exercises/lesson_{k:02}.py": "x = 1\n" * 999 for k in (1, 2)
    }
    assert findings(VALID | exercises) == {}


@pytest.mark.parametrize(("name", "file", "source"), FAULTS)
def test_fault_is_caught(name: str, file: str, source: str) -> None:
    """A planted fault is caught by its rule and by no other."""
    found = findings(VALID | {file: source})
    assert list(found) == [name], found


def test_every_rule_has_a_fault() -> None:
    """No rule enters without a proof that it works."""
    assert set(RULES) == {name for name, _, _ in FAULTS}


@pytest.mark.parametrize(
    "taught",
    [
        MODEL,
        MODEL.replace('"""Help."""', ""),
        MODEL.replace("total: int", "total"),
        MODEL.replace(": int", "").replace("-> int", ""),
        MODEL.replace("def build", "@wraps\ndef build"),
        MODEL.replace("return inner(", "# why\n    return inner("),
    ],
)
def test_what_may_differ_from_the_helper(taught: str) -> None:
    """Docstrings, annotations, decorators and comments may differ."""
    assert not list(taught_equals_helper(VALID, {"03.ipynb": taught}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+ depth", "- depth"),
        ("depth: int = 2", "depth: int = 3"),
        ("/, *, ", ""),
        ("total: int = z", "total: int = z + 1"),
        ("self.size = size", "self.size = 2 * size"),
    ],
)
def test_changed_body_is_caught(old: str, new: str) -> None:
    """A lesson that drifts from its helper is found, with the lines."""
    assert MODEL.count(old) == 1
    lesson = {"03.ipynb": MODEL.replace(old, new)}
    (found,) = taught_equals_helper(VALID, lesson)
    assert found.startswith("03.ipynb: ")
    assert "\n    +" in found


def test_untaught_function_is_caught() -> None:
    """A function is taught or says that it is not."""
    (found,) = helpers_are_taught(VALID, {"00.ipynb": "x = 1"})
    assert "metrics.py:6: build stands in no lesson" in found
    assert not list(helpers_are_taught(VALID, {"03.ipynb": MODEL}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('-> int:\n    """Build', '-> int:  # not taught\n    """Build'),
        ("def build", "# not taught\ndef build"),
        ("def build", "# not taught\n@cache\n@typed\ndef build"),
    ],
)
def test_mark_of_an_untaught_function(old: str, new: str) -> None:
    """The mark is on the def line, above it, or above its decorators."""
    assert MODEL.count(old) == 1
    marked = VALID | {"metrics.py": MODEL.replace(old, new)}
    assert not list(helpers_are_taught(marked, {}))
