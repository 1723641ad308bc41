"""Expressions in machines: what one may contain, checked when the file is read. A node evaluates them with a library.

Allowed are Python's operators for comparing and calculating, `and`, `or`, `not`, `in` and `a if b else c`; names,
`seen.watcher.value`, texts and numbers; and the functions below. No other calls, no indexes, and no attributes of
values.
"""

import ast
from collections.abc import Collection

from pillar_service.core import names
from pillar_service.core.errors import Invalid

FUNCTIONS = ("abs", "len", "max", "min", "round")

LONGEST = 500
"""The most characters of an expression."""

SEEN = "seen"
"""The name under which each watcher's last look can be read."""

_MAY = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Is,
    ast.IsNot,
    ast.IfExp,
    ast.Call,
    ast.Attribute,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)


def checked(written: object, known: Collection[str]) -> str:
    """The expression, if it is valid and uses only known names; raises Invalid."""
    if not isinstance(written, str) or not written.strip() or len(written) > LONGEST:
        raise Invalid(f"An expression must be a text of 1 to {LONGEST} characters, not {names.shown(written)}.")
    try:
        tree = ast.parse(written.strip(), mode="eval")
        for node in ast.walk(tree):
            _check(node, known)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Invalid(
            f"{names.shown(written)} is not an expression ({getattr(error, 'msg', 'it makes no sense')})."
        ) from error
    return written.strip()


def _check(node: ast.AST, known: Collection[str]) -> None:
    if not isinstance(node, _MAY):
        raise Invalid(f"An expression can't contain {type(node).__name__}.")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
            raise Invalid(f"An expression can call only {', '.join(FUNCTIONS)}.")
    elif isinstance(node, ast.Name) and node.id not in (*known, *FUNCTIONS):
        raise Invalid(f"{names.shown(node.id)} is not known here; use one of: {', '.join(sorted(known))}.")
    elif isinstance(node, ast.Attribute) and (node.attr.startswith("_") or not _of_names(node)):
        raise Invalid("A dot can follow only a name, as in seen.disk.value.")
    elif isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | None):
        raise Invalid("An expression can contain only texts, numbers, True, False and None.")


def _of_names(node: ast.Attribute) -> bool:
    inside: ast.expr = node
    while isinstance(inside, ast.Attribute):
        inside = inside.value
    return isinstance(inside, ast.Name) and inside.id == SEEN
