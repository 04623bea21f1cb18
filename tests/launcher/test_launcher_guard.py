"""course.py: a wrong Python can read it, and gets a sentence."""

import ast
import inspect
import os
import re

import pytest

import course
from tools import launcher

SOURCE = inspect.getsource(course)
# The syntax that course.py gets by with, all of it older than Python 2.7.
OLD = """
    Module Expr Constant Import ImportFrom alias Assign AugAssign Tuple List
    Name Load Store FunctionDef arguments arg Return For If Compare Eq NotIn
    Try ExceptHandler Continue Call keyword Attribute Subscript Slice BinOp
    Add Pass
"""


def too_new(source: str) -> list[str]:
    """List what Python 2.7 or 3.4 might not parse in a source."""
    found = [] if source.isascii() else ["not ASCII"]
    found += re.findall(r"\d_\d", source)
    for node in ast.walk(ast.parse(source)):
        found += {type(node).__name__} - {*OLD.split()}
        for name in ("annotation", "returns", "kwonlyargs", "posonlyargs"):
            found += [name] if getattr(node, name, None) else []
    return found


def test_an_old_python_can_read_it():
    assert too_new(SOURCE) == []
    before = SOURCE.partition("sys.exit(wrong_python")[0]
    imported = re.findall(r"(?m)^(?:import|from) (\w+)", before)
    assert imported == ["os", "subprocess", "sys"]


@pytest.mark.parametrize(
    "line",
    [
        "f'{1}'",
        "x: int = 1",
        "def f(a, *, b): pass",
        "def f(a) -> int: pass",
        "if (n := 1): pass",
        "f(*a, *b)",
        "n = 1_000",
        "s = 'ä'",
    ],
)
def test_each_new_thing_is_noticed(line):
    assert too_new(f"{SOURCE}\n{line}\n")


def test_a_wrong_python_is_a_sentence():
    text = course.wrong_python((2, 7), "python3.12", ["course.py", "run"])
    assert "this is Python 2.7" in text
    assert text.endswith("python3.12 course.py run")
    text = course.wrong_python((3, 14), "", ["course.py"])
    assert "this is Python 3.14" in text and "Install Python 3.12" in text


@pytest.mark.skipif(os.name == "nt", reason="shell scripts stand for Pythons")
def test_only_a_python_that_starts_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert course.right_python() == ""
    for number, script in ((13, "exit 127"), (12, "echo"), (11, "echo")):
        path = tmp_path / f"python3.{number}"
        path.write_text(f"#!/bin/sh\n{script} '(3, 11)'\n")
        path.chmod(0o755)
    assert course.right_python() == "python3.11"


@pytest.mark.parametrize("module", [course, launcher])
def test_functions_are_small(module):
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 40, node.name
