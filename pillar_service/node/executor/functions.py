"""A Salt function as a command: it is called in a process of its own, and its result is the command's output."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pillar_service.core.jobs.commands import applies_states

PLANNED, APPLIED = ("would change", "would fail"), ("changed", "failed")

Call = Callable[[str, Sequence[Any], Mapping[str, Any]], tuple[Any, int]]
"""Calls an execution function by name; returns its result and its return code."""


def called(call: Call, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> int:
    """Call it and write its result to standard output, text as it is, anything else as JSON; returns the return code.

    Of states, writes only those that changed or failed, or with `test=True` would.
    """
    result, code = call(name, arguments, keywords)
    if applies_states(name) and _are_states(result):
        result = "\n".join(_states(result, PLANNED if keywords.get("test") is True else APPLIED))
    text = result if isinstance(result, str) else json.dumps(result, indent=2, default=str, ensure_ascii=False)
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(1, data) :]
    return code if 0 <= code < 256 else 1


def _are_states(result: Any) -> bool:
    return isinstance(result, dict) and bool(result) and all(isinstance(one, dict) for one in result.values())


def _states(states: Mapping[str, Mapping[str, Any]], verbs: tuple[str, str]) -> Iterator[str]:
    changes, fails = verbs
    these = sorted(states.items(), key=lambda one: one[1].get("__run_num__", 0))
    shown = [(key.split("_|-"), one) for key, one in these if one.get("result") is not True or one.get("changes")]
    for key, one in shown:
        what = f"{key[0]}.{key[-1]} {one.get('__id__', '')} ({one.get('name', '')})"
        yield f"{fails if one.get('result') is False else changes}: {what}: {one.get('comment', '')}"
        yield from (f"    {line}" for line in _changes(one.get("changes")))
    yield f"{len(these) - len(shown)} of {len(these)} states needed nothing."


def _changes(changes: Any) -> list[str]:
    if isinstance(changes, dict) and set(changes) == {"diff"}:
        changes = changes["diff"]
    told = changes if isinstance(changes, str) else json.dumps(changes, indent=2, default=str, ensure_ascii=False)
    return told.splitlines() if changes else []
