"""A function of Salt's as a command: called in a process of its own, its result is the output."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Call = Callable[[str, Sequence[Any], Mapping[str, Any]], tuple[Any, int]]
"""Calls an execution function by its name: its result, and its return code."""


def called(call: Call, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> int:
    """Call it and write its result, a text as it is, all else as JSON, to the standard output; its return code."""
    result, code = call(name, arguments, keywords)
    text = result if isinstance(result, str) else json.dumps(result, indent=2, default=str, ensure_ascii=False)
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(1, data) :]
    return code if 0 <= code < 256 else 1
