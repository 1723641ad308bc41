"""The stage of the dialogues: three labelled nodes that carry out their jobs, one of them with a bot."""

from collections.abc import Callable, Sequence
from typing import Any

import pouring

from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes as rows
from pillar_service.usecases.jobs import claims, executing, runs
from pillar_service.usecases.nodes import nodes

LABELS = {"cellar-1": "stg", "cellar-2": "stg", "cellar-3": "prd"}
Says = Callable[[str, str], Sequence[str]]


def furnish() -> None:
    """Make the nodes, and the bot `my` on one of them."""
    for node in list(LABELS)[1:]:
        nodes.add("test", node)
    for node, environment in LABELS.items():
        with transaction():
            rows.change(node, labels={"environment": environment})
        executing.tell_capacities(node, ["bash"], 4)
    pouring.owner()
    pouring.poured("my", node="cellar-1")


class Running:
    """A command that is running on its node."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run, self.n = run, 0
        self.job, self.attempt, self.command, _ = run["arguments"]
        executing.begin(run["node"], self.job, self.attempt)

    def says(self, *texts: str) -> None:
        """Let it print these lines."""
        lines = [{"n": n, "stream": "stdout", "text": text} for n, text in enumerate(texts, self.n + 1)]
        self.n += len(lines)
        for at in range(0, len(lines), 500):
            executing.add_lines(self.run["node"], self.job, self.attempt, lines[at : at + 500])

    def ends(self, exit_code: int = 0) -> None:
        """Let it exit."""
        state = "done" if exit_code == 0 else "failed"
        returned = {"job": self.job, "attempt": self.attempt, "state": state, "exit_code": exit_code, "seconds": 0.1}
        came_back = (returned, exit_code == 0, 0 if exit_code == 0 else 1)
        runs.result(self.run["id"], f"jid-{self.run['id']}", self.run["node"], *came_back)


def begun(run: dict[str, Any]) -> Running:
    """Begin a claimed run on its node."""
    runs.started("salt", run["id"], f"jid-{run['id']}")
    return Running(run)


def carry_out(says: Says = lambda node, command: [f"{command} on {node}"], exit_code: int = 0) -> list[dict[str, Any]]:
    """Claim all runs and let the nodes carry them out, printing what ``says`` gives and exiting so; return the runs."""
    claimed: list[dict[str, Any]] = claims.claim("salt")["runs"]
    for run in claimed:
        if run["function"] == "meeseeks.run":
            running = begun(run)
            running.says(*says(run["node"], running.command))
            running.ends(exit_code)
        else:
            runs.started("salt", run["id"], f"jid-{run['id']}")
            runs.result(run["id"], f"jid-{run['id']}", run["node"], {"done": True}, True, 0)
    return claimed
