"""Shows what failed in the output of `salt-call --out=json state.apply`, else how many states changed.

The exit code is 1 on failure.
"""

import json
import sys
from typing import Any


def sentences(told: Any) -> list[str]:
    """What is wrong with a run, a sentence for each fault; a run that never began is a list of Salt's own messages."""
    if not isinstance(told, dict):
        return told if isinstance(told, list) else [str(told)]
    failed = sorted(
        (state for state in told.values() if state["result"] is False), key=lambda state: state["__run_num__"]
    )
    # States that failed only because of another one say nothing new.
    own = [state for state in failed if not state["comment"].startswith("One or more requisite failed")]
    return [f"{state['__id__']}: {' '.join(state['comment'].split())}{_output(state['changes'])}" for state in own]


def _output(changes: Any) -> str:
    said = changes.get("stderr") or changes.get("stdout") or "" if isinstance(changes, dict) else ""
    return f" ({' '.join(said.split())[-300:]})" if said else ""


def main() -> int:
    """Read the run from standard input, and show it; returns the exit code."""
    try:
        told = json.load(sys.stdin)["local"]
    except (ValueError, KeyError):
        print("salt-call gave no answer: what it said is above, or in /var/lib/cellar/local/log")
        return 1
    wrong = sentences(told)
    for sentence in reversed(wrong):  # the first is the cause, and the last line is the one shown
        print(sentence)
    if not wrong:
        print(f"{len(told)} states, {sum(bool(state['changes']) for state in told.values())} changed")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
