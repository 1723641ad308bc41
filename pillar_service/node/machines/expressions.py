"""Computes expressions. `core/machines/expressions.py` says what one may contain; the library computes it without `eval`."""

import ast
import functools
import operator
from collections.abc import Mapping
from typing import Any

import simpleeval

from pillar_service.core.errors import Failed
from pillar_service.core.machines.expressions import FUNCTIONS


def _power(base: Any, exponent: Any) -> Any:
    if abs(base) > 1000 or abs(exponent) > 64:
        raise ValueError("a power is too large")
    return base**exponent


_OPERATORS = simpleeval.DEFAULT_OPERATORS | {ast.Pow: _power, ast.Is: operator.is_, ast.IsNot: operator.is_not}
_FUNCTIONS = {"abs": abs, "len": len, "max": max, "min": min, "round": round}
assert set(_FUNCTIONS) == set(FUNCTIONS)


class _Evaluator(simpleeval.EvalWithCompoundTypes):
    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__(operators=_OPERATORS, functions=dict(_FUNCTIONS), names=dict(names))


@functools.lru_cache(maxsize=500)
def _parsed(written: str) -> Any:
    return simpleeval.SimpleEval.parse(written)


def value(written: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression; raises Failed if it can't be computed."""
    try:
        return _Evaluator(names).eval(written, previously_parsed=_parsed(written))
    except (simpleeval.InvalidExpression, SyntaxError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise Failed(f"{written!r} could not be computed: {error}") from error
