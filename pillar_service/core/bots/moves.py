"""A bot's move from a node to another, under the same identity, which never runs at two places.

stopping -> packing -> leaving -> arriving -> clearing -> done
  └──────────┴──────────┴-> back               anything went wrong while it was at home still: it stays there, and runs
                        arriving -> left -> clearing      the node that it left is lost: that is cleared up if it comes back

Its node stops it, and packs what it is. Then it must say that the container is gone: only after that the other node is told
to bring it to life, and from then on there is no way back, for it may have spoken there. What is left behind goes when it
lives at the other place. What fails from there on is tried again.

A bot of a lost node is restored from an export: it begins in arriving.
"""

from enum import StrEnum

from pillar_service.core.people.agents import Desired

VACATE = "bots.vacate"
"""The command of the job by which a node lets a bot go that moves: its container first, what is left of it at the end."""


class MoveState(StrEnum):
    """How far a move is."""

    STOPPING = "stopping"
    PACKING = "packing"
    LEAVING = "leaving"
    ARRIVING = "arriving"
    CLEARING = "clearing"
    DONE = "done"
    BACK = "back"
    LEFT = "left"


AT_HOME = frozenset({MoveState.STOPPING, MoveState.PACKING, MoveState.LEAVING})

COMMAND = {
    MoveState.STOPPING: "bots.stop",
    MoveState.PACKING: "bots.export",
    MoveState.LEAVING: VACATE,
    MoveState.ARRIVING: "bots.import",
    MoveState.CLEARING: VACATE,
}
"""The job by which each step is done."""

AGAIN_AFTER_S = {MoveState.ARRIVING: 300.0, MoveState.CLEARING: 3600.0}
"""How long after a failure the other node, or the one that clears up, is asked again."""


def told(state: MoveState, desired: Desired) -> Desired:
    """What the node that has the bot is told that it should be, while it moves.

    One that is to be stopped has to live for a moment at the other place: only so is it known that it arrived.
    """
    if state in (MoveState.STOPPING, MoveState.PACKING):
        return Desired.STOPPED
    if state is MoveState.LEAVING:
        return Desired.ABSENT
    return Desired.RUNNING if state is MoveState.ARRIVING else desired
