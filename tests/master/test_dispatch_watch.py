"""A run whose node is gone is given up, even if the master can't even ask there any more."""

import time
from typing import Any

import pytest

from pillar_service.core.errors import NotFound
from pillar_service.core.jobs.jobs import Reason
from pillar_service.master.dispatch import watch
from pillar_service.master.dispatch.runs import Held, Runs

TIMEOUT_S = 60.0


class Gone:
    """A master that no longer knows the node: its key was revoked."""

    def new_jid(self) -> str:
        return "20261201000000000000"

    def publish(self, node: str, function: str, arguments: list[Any], jid: str) -> None:
        raise NotFound(f"The master knows no node {node}.")

    def returned(self, jid: str, node: str | None) -> None:
        return None


class Service:
    """Hears why runs failed; then they are over."""

    def __init__(self) -> None:
        self.heard: list[Reason] = []

    def failed(self, run: str, jid: str, reason: Reason, detail: str) -> bool:
        self.heard.append(reason)
        return True


def watched(function: str, published: float, looks: int) -> tuple[list[Reason], list[Held]]:
    """What the service hears of a run on such a node, and what is still followed, after so many looks."""
    run = {"id": "r" * 16, "node": "cellar-1", "function": function, "arguments": ["j" * 16, 1], "timeout_s": TIMEOUT_S}
    runs, service = Runs(), Service()
    held = Held.of({**run, "taken_over": False, "bots": [], "jobs": ["j" * 16]}, "jid")
    held.published = published
    runs.add(held)
    for _ in range(looks):
        held.probed = min(held.probed, time.monotonic() - 2 * watch.PROBE_EVERY_S)
        watch.look_at(service, Gone(), runs, held)  # type: ignore[arg-type]
    return service.heard, runs.all()


@pytest.mark.parametrize("function", ["meeseeks.run", "state.apply"])
def test_a_node_that_the_master_no_longer_knows_counts_as_away(function: str) -> None:
    assert watched(function, time.monotonic() - 2 * watch.PROBE_EVERY_S, 3) == ([Reason.NODE_AWAY], [])


@pytest.mark.parametrize("function", ["meeseeks.run", "state.apply"])
def test_what_can_not_be_told_to_stop_is_given_up_all_the_same(function: str) -> None:
    assert watched(function, time.monotonic() - TIMEOUT_S - watch.OVERTIME_S - 1, 1) == ([Reason.NO_RETURN], [])
