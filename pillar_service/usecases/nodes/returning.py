"""Returning: a node is let in again, perhaps one that was declared lost. Bots that were restored elsewhere have tombstones in
its pillar."""

from pillar_service.core.jobs.jobs import JobState
from pillar_service.store.bots import bots, moves
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import queue

CONVERGE = "nodes.return"
"""The command of the job by which such a node lets those bots go, before anything else is cleared up there."""

SEAL = "nodes.seal"
"""The command of the job by which a node with another key keeps anew, sealed with it, what it goes by with no master there."""


def came_back(actor: str, id: str, now: float) -> None:
    """Masters accept a key of that node again, in the caller's transaction. Nothing changes for one that was not lost."""
    node = nodes.find(id)
    if node is None or node.lost_at is None:
        return
    nodes.change(id, lost_at=None)
    bots.found_again(id)
    if moves.behind(id):
        # A job of the node, not of its bots: theirs wait for one another, and this must wait for none.
        _apply(actor, CONVERGE, id, now)


def with_another_key(actor: str, id: str, now: float) -> None:
    """A token gave that node another key, in the caller's transaction: its bots come back on a new disk, too."""
    if bots.held(id) and not _will_converge(id):
        _apply(actor, SEAL, id, now)


def _will_converge(id: str) -> bool:
    """Whether the run that a lost node returns with is still to begin: it seals anew, too."""
    return any((job.command, job.state) == (CONVERGE, JobState.QUEUED) for job in jobs.open_on(id))


def _apply(actor: str, command: str, id: str, now: float) -> None:
    queue.call(actor, command, id, "state.apply", ["pubs"], {"queue": 10}, now)
