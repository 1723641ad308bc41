"""A function of Salt's as a command: called in a process of its own, its result is the output."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pillar_service.core.jobs.commands import applies_states

Call = Callable[[str, Sequence[Any], Mapping[str, Any]], tuple[Any, int]]
"""Calls an execution function by its name: its result, and its return code."""


def called(call: Call, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> int:
    """Call it and write its result, a text as it is, all else as JSON, to the standard output; its return code.

    Of states that are only tried (`test=True`) those are told that would change or fail.
    """
    result, code = call(name, arguments, keywords)
    if applies_states(name) and keywords.get("test") is True and _are_states(result):
        result = "\n".join(_tried(result))
    text = result if isinstance(result, str) else json.dumps(result, indent=2, default=str, ensure_ascii=False)
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(1, data) :]
    return code if 0 <= code < 256 else 1


def _are_states(result: Any) -> bool:
    return isinstance(result, dict) and bool(result) and all(isinstance(one, dict) for one in result.values())


def _tried(states: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    these = sorted(states.items(), key=lambda one: one[1].get("__run_num__", 0))
    shown = [(key.split("_|-"), one) for key, one in these if one.get("result") in (None, False)]
    for key, one in shown:
        what = f"{key[0]}.{key[-1]} {one.get('__id__', '')} ({one.get('name', '')})"
        yield f"{_verb(one)}: {what}: {one.get('comment', '')}"
        yield from (f"    {line}" for line in _changes(one.get("changes")))
    yield f"{len(these) - len(shown)} of {len(these)} states stand as they should."


def _verb(state: Mapping[str, Any]) -> str:
    return "would change" if state.get("result") is None else "would fail"


def _changes(changes: Any) -> list[str]:
    if isinstance(changes, dict) and set(changes) == {"diff"}:
        changes = changes["diff"]
    told = changes if isinstance(changes, str) else json.dumps(changes, indent=2, default=str, ensure_ascii=False)
    return told.splitlines() if changes else []
