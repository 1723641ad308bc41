"""A bot's move from one node to another, with the same identity, which never runs in two places.

stopping -> packing -> leaving -> arriving -> clearing -> done
  └──────────┴──────────┴-> back               something failed before it left: it stays on its node, and runs
                        arriving -> left -> clearing      the old node was lost: it is cleared if it comes back

The old node stops the bot and exports it. Then it must report that the container is gone: only then is the new node
told to start the bot. From then on there is no way back, because the bot may have published something there; what fails
is tried again. Once the bot runs on the new node, its remains on the old one are removed.

A bot of a lost node is restored from an export: its move begins with arriving.
"""

from enum import StrEnum

from pillar_service.core.people.agents import Desired

VACATE = "bots.vacate"
"""The command by which a node gives up a bot that moves: first its container, at the end all that remains of it."""


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
"""The command of the job that does each step."""

AGAIN_AFTER_S = {MoveState.ARRIVING: 300.0, MoveState.CLEARING: 3600.0}
"""How long after a failure, in seconds, the step is tried again."""


def can_not_arrive(state: MoveState, error: str) -> bool:
    """Whether the last try to bring the bot to life on its new node failed; ``error`` says why, or is empty."""
    return state is MoveState.ARRIVING and error != ""


def told(state: MoveState, desired: Desired) -> Desired:
    """What the node that has the bot is told it should be during a move.

    Even a bot that should be stopped runs for a moment on the new node: only that shows that it arrived.
    """
    if state in (MoveState.STOPPING, MoveState.PACKING):
        return Desired.STOPPED
    if state is MoveState.LEAVING:
        return Desired.ABSENT
    return Desired.RUNNING if state is MoveState.ARRIVING else desired
