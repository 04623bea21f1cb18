"""Read the code of a cell: what it calls, assigns, defines and shows."""

import ast
import symtable
from collections.abc import Iterator

from reader import Cell

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
INNER = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp)
INNER += (ast.GeneratorExp,)
ANONYMOUS = ("lambda", "listcomp", "setcomp", "dictcomp", "genexpr")


def last_part(node: ast.AST) -> str:
    """Return the name after the last dot, whatever stands before it."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def called(cell: Cell) -> set[str]:
    """Return the last parts of the names it calls: `np.mean()` is mean."""
    return {last_part(call.func) for call in cell.calls}


def proves(cell: Cell) -> bool:
    """Whether nbval compares a claim of the cell."""
    return bool({"check", "raises"} & called(cell)) and not cell.ignored


def assigned(node: ast.AST) -> Iterator[str]:
    """Yield the variables that a top-level statement assigns."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    if not isinstance(node, INNER):
        for child in ast.iter_child_nodes(node):
            yield from assigned(child)


def parameters(statement: ast.stmt) -> list[str]:
    """Return the numbers that a statement sets.

    `recipe = Recipe(width=64)` sets the width; by_profile sets the name.
    """
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and last_part(value.func) != "by_profile":
        named = [keyword.arg for keyword in value.keywords if keyword.arg]
        if named:
            return named
    return list(assigned(statement))


def globals_read(cell: Cell) -> Iterator[tuple[str, str]]:
    """Yield function or method and the global name that it reads."""
    if not cell.tree:
        return
    top = symtable.symtable(cell.source, "cell", "exec")
    pending = [(table, "") for table in top.get_children()]
    while pending:
        table, function = pending.pop()
        name = table.get_name()
        if table.get_type() == "function" and name not in ANONYMOUS:
            function = function or name
        symbols = table.get_symbols() if function else []
        for symbol in symbols:
            if symbol.is_global() and symbol.is_referenced():
                yield function, symbol.get_name()
        pending += [(inner, function) for inner in table.get_children()]


def made_functions(cell: Cell) -> set[str]:
    """Return the names that it defines as plain functions."""
    made = {s.name for s in cell.body if isinstance(s, ast.FunctionDef)}
    for statement in cell.body:
        if isinstance(getattr(statement, "value", None), ast.Lambda):
            made |= set(assigned(statement))
    return made


def is_stub(cell: Cell, k: int) -> bool:
    """Whether a cell is the unsolved stub of exercise k, and ran as one."""
    blank = any(
        isinstance(statement, (ast.Assign, ast.AnnAssign))
        and isinstance(statement.value, ast.Constant)
        and statement.value.value is Ellipsis
        for statement in cell.body
    )
    unsolved = "not attempted" in cell.printed()
    return blank and unsolved and f"exercise_{k}" in called(cell)


def only_shows(cell: Cell) -> bool:
    """Whether a cell is one short expression, or nothing but checks.

    The alt text of a figure may need more lines.
    """
    names = [called_by(statement) for statement in cell.body]
    if set(names) <= {"check", "raises"}:
        return True
    most = 8 if names == ["show"] else 3
    short = len(names) == 1 and cell.lines <= most
    return short and isinstance(cell.body[0], ast.Expr)


def called_by(statement: ast.stmt) -> str:
    """Return the name that a statement calls, `with raises(...)` included."""
    if isinstance(statement, ast.With):
        called = [item.context_expr for item in statement.items]
        names = {last_part(getattr(node, "func", node)) for node in called}
        return "raises" if names == {"raises"} else ""
    value = getattr(statement, "value", None)
    is_call = isinstance(statement, ast.Expr) and isinstance(value, ast.Call)
    return last_part(value.func) if is_call else ""
