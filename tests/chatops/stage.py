"""Three labelled nodes that do as their jobs say, one with a bot: what the dialogues play on."""

from collections.abc import Callable, Sequence
from typing import Any

import pouring

from pillar_service.store import nodes as rows
from pillar_service.store.database import transaction
from pillar_service.usecases import claims, executing, nodes, runs

LABELS = {"cellar-1": "stg", "cellar-2": "stg", "cellar-3": "prd"}
Says = Callable[[str, str], Sequence[str]]


def furnish() -> None:
    """The nodes, and the bot `my` on one of them."""
    for node in list(LABELS)[1:]:
        nodes.add("test", node)
    for node, environment in LABELS.items():
        with transaction():
            rows.change(node, labels={"environment": environment})
        executing.tell_capacities(node, ["bash"], 4)
    pouring.owner()
    pouring.poured("my", node="cellar-1")


def carry_out(says: Says = lambda node, command: [f"{command} on {node}"], exit_code: int = 0) -> list[dict[str, Any]]:
    """Claim what there is and let the nodes do it: what each says line by line, and how it exits; the runs."""
    claimed: list[dict[str, Any]] = claims.claim("salt")["runs"]
    for run in claimed:
        runs.started("salt", run["id"], f"jid-{run['id']}")
        if run["function"] == "meeseeks.run":
            _run(run, says, exit_code)
        else:
            runs.result(run["id"], f"jid-{run['id']}", run["node"], {"done": True}, True, 0)
    return claimed


def _run(run: dict[str, Any], says: Says, exit_code: int) -> None:
    job, attempt, command, _ = run["arguments"]
    executing.begin(run["node"], job, attempt)
    lines = [{"n": n, "stream": "stdout", "text": text} for n, text in enumerate(says(run["node"], command), 1)]
    for at in range(0, len(lines), 500):
        executing.add_lines(run["node"], job, attempt, lines[at : at + 500])
    state = "done" if exit_code == 0 else "failed"
    returned = {"job": job, "attempt": attempt, "state": state, "exit_code": exit_code, "seconds": 0.1}
    runs.result(run["id"], f"jid-{run['id']}", run["node"], returned, exit_code == 0, 0 if exit_code == 0 else 1)
