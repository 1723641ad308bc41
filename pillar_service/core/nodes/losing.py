"""Lost nodes, and restoring their bots from exports: refuses what would let an identity run twice, or from an old log.

A node is only lost when somebody says so who knows that its containers will never run again: the service can't see that.
"""

from dataclasses import dataclass

from pillar_service.core.errors import Conflict, ForkHazard, NotFound

HEARD_WITHIN_S = 300.0
"""A node that was heard from within this many seconds is probably not lost."""

SHOWN = (
    "Its node {0} was declared lost: restore the bot on another node from its newest export. If the machine comes back, "
    "enrol it again instead, and the bot is there as it was."
)
"""What is shown for a bot of a lost node."""


def refuse_if_heard(node: str, heard_at: float | None, now: float) -> None:
    """Raise Conflict if a node was heard from just now (``heard_at`` in Unix seconds), as it seems to be alive."""
    if heard_at is not None and now - heard_at < HEARD_WITHIN_S:
        raise Conflict(
            f"{node} was heard from {max(0, int(now - heard_at))} seconds ago, so it seems to be alive: drain it instead. If "
            "its containers will never run again all the same, say so (anyway)."
        )


def refuse_lost(node: str, lost_at: float | None) -> None:
    """Raise Conflict if a node was declared lost: its bots can't be asked for anything."""
    if lost_at is not None:
        raise Conflict(SHOWN.format(node))


@dataclass(frozen=True)
class Tar:
    """A stored export: the pub's id, the sequence of its newest message in it, and when it was made (Unix seconds)."""

    pub_id: str
    sequence: int
    at: float


def unread(known: int | None, tar: Tar) -> int:
    """How many messages the pub is known to have written after the export."""
    return max(0, (known or 0) - tar.sequence)


def refuse_restore(name: str, node: str, is_lost: bool, pub_id: str | None, tar: Tar | None) -> Tar:
    """The tar from which a bot can be restored; raises ForkHazard, NotFound or Conflict if it can't be."""
    if not is_lost:
        raise ForkHazard(
            f"{node}, which has {name}, was not declared lost, so the bot may run there, and an identity never runs twice: "
            "drain that node, or declare it lost first."
        )
    if tar is None or pub_id is None:
        raise NotFound(
            f"No export of everything is kept of {name}, so it can't be restored: only its machine has its data."
        )
    if tar.pub_id != pub_id:
        raise Conflict(f"The stored tar is of {tar.pub_id}, but {name} is {pub_id}: it can't be restored from that.")
    return tar


def refuse_unread(name: str, known: int | None, tar: Tar, typed: str | None) -> None:
    """Raise ForkHazard if the pub has written more than the tar contains, unless ``typed`` is its name, as a confirmation."""
    missing = unread(known, tar)
    if missing and typed != name:
        raise ForkHazard(
            f"The newest export ends at message {tar.sequence}, and {name} has written {missing} more, which are lost. Whoever "
            f"has read those will never accept what it writes next. To restore it anyway, type its name ({name})."
        )
