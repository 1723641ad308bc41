"""Nodes that are lost, and bots that are restored from an export: what is refused, because an identity never runs twice and
never from an old log.

A node counts as lost when somebody says so, who knows that its containers never run again: from here nobody can see that.
"""

from dataclasses import dataclass

from pillar_service.core.errors import Conflict, ForkHazard, NotFound

HEARD_WITHIN_S = 300.0
"""A node that was heard of so lately hardly is lost."""

SHOWN = (
    "Its node {0} was declared lost: restore the bot on another node from its newest export. If the machine comes back, "
    "enrol it again instead, and the bot is there as it was."
)
"""What a bot of a lost node shows."""


def refuse_if_heard(node: str, heard_at: float | None, now: float) -> None:
    """Raise Conflict for a node that was heard of just now (Unix seconds): it seems to live."""
    if heard_at is not None and now - heard_at < HEARD_WITHIN_S:
        raise Conflict(
            f"{node} was heard of {max(0, int(now - heard_at))} seconds ago, so it seems to live: drain it instead. If its "
            "containers will never run again all the same, say so (anyway)."
        )


def refuse_lost(node: str, lost_at: float | None) -> None:
    """Raise Conflict for a node that was declared lost: nothing is asked of its bots there."""
    if lost_at is not None:
        raise Conflict(SHOWN.format(node))


@dataclass(frozen=True)
class Tar:
    """An export that is kept: whose identity, up to which of its messages, from when (Unix seconds)."""

    pub_id: str
    sequence: int
    at: float


def unread(known: int | None, tar: Tar) -> int:
    """How many messages the pub is known to have written after the tar."""
    return max(0, (known or 0) - tar.sequence)


def refuse_restore(name: str, node: str, is_lost: bool, pub_id: str | None, tar: Tar | None) -> Tar:
    """The tar from which a bot can be restored; raises ForkHazard, NotFound or Conflict where it can't be, and why."""
    if not is_lost:
        raise ForkHazard(
            f"{node}, which has {name}, was not declared lost, so the bot may run there, and an identity never runs twice: "
            "drain that node, or declare it lost first."
        )
    if tar is None or pub_id is None:
        raise NotFound(f"No export of everything is kept of {name}, so it can't be restored: only its machine has it.")
    if tar.pub_id != pub_id:
        raise Conflict(
            f"The tar that is kept is of {tar.pub_id}, but {name} is {pub_id}: it can't be restored from that."
        )
    return tar


def refuse_unread(name: str, known: int | None, tar: Tar, typed: str | None) -> None:
    """Raise ForkHazard where the pub has written more than the tar holds, unless its name was typed: all the same."""
    missing = unread(known, tar)
    if missing and typed != name:
        raise ForkHazard(
            f"The newest export ends at message {tar.sequence}, and {name} has written {missing} more that are lost: who "
            f"has read those will never take what it writes next. To restore it all the same, type its name ({name})."
        )
