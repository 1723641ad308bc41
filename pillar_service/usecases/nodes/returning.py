"""Returning: a node is let in again, perhaps one that was declared lost.

Bots that were restored elsewhere have tombstones in its pillar.
"""

from pillar_service.core.jobs.jobs import JobState
from pillar_service.store.bots import bots, moves
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import queue

CONVERGE = "nodes.return"
"""The command of the job with which a returning node gives up those bots, before anything else is cleared up there."""

SEAL = "nodes.seal"
"""The command of the job with which a node that got a new key seals anew what it relies on when no master is there."""


def came_back(actor: str, id: str, now: float) -> None:
    """Let a lost node back in once masters accept a key of it, in the caller's transaction. Does nothing for others."""
    node = nodes.find(id)
    if node is None or node.lost_at is None:
        return
    nodes.change(id, lost_at=None)
    bots.found_again(id)
    if moves.behind(id):
        # A job of the node, not of its bots: a bot's jobs wait for one another, and this one must not wait.
        _apply(actor, CONVERGE, id, now)


def with_another_key(actor: str, id: str, now: float) -> None:
    """Queue the run that seals anew, as a token gave the node a new key, in the caller's transaction.

    The run also brings the node's bots back if its disk is new.
    """
    if bots.held(id) and not _will_converge(id):
        _apply(actor, SEAL, id, now)


def _will_converge(id: str) -> bool:
    """Whether the run that a lost node returns with has not begun yet: that run seals anew, too."""
    return any((job.command, job.state) == (CONVERGE, JobState.QUEUED) for job in jobs.open_on(id))


def _apply(actor: str, command: str, id: str, now: float) -> None:
    queue.call(actor, command, id, "state.apply", ["pubs"], {"queue": 10}, now)
