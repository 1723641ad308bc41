"""What can be done with a bot of this node."""

from typing import Any

from pillar_service.core import names
from pillar_service.core.bots.exports import Kind
from pillar_service.node import containers, control, starting, stillness, transfers
from pillar_service.node.door import Door
from pillar_service.node.lastgood import Known
from pillar_service.node.paths import Home, bot_id
from pillar_service.node.sampler import Sampler
from pillar_service.node.told import Told

export = transfers.export
"""The export that older masters ask for: afterwards the bot runs if it did before."""


def export_as_told(
    known: Known, home: Home, node: str, bot: str, job: str, door: Door, kind: object = Kind.EVERYTHING
) -> dict[str, Any]:
    """Like ``export``, but a bot that should not run by then, as ``known`` returns it, is not started again."""
    return transfers.export(home, node, bot, job, door, kind, known)


def info(home: Home, bot: str) -> dict[str, Any]:
    """What the pub says about itself; raises Unavailable if it does not answer."""
    return control.info(home.bot(bot))


def invite(home: Home, bot: str, uses: object, note: object) -> dict[str, Any]:
    """Create an invite; raises Invalid for a bad number of uses or note."""
    checked = names.whole_number(uses, "number of uses", 1, 1000), names.text(note, "note", names.NOTE_LENGTH)
    return control.invite(home.bot(bot), *checked)


def invites(home: Home, bot: str) -> list[dict[str, Any]]:
    """The invites in the pub's ledger, at most as many as the service keeps."""
    return control.invites(home.bot(bot))


def revoke(home: Home, bot: str, invite_id: str) -> dict[str, Any]:
    """Revoke an invite; raises NotFound if the pub does not know it."""
    return control.revoke(home.bot(bot), str(invite_id))


def restart(home: Home, node: str, bot: str, timeout_s: object) -> dict[str, Any]:
    """Restart the bot's container and wait ``timeout_s`` seconds for the pub; returns what the pub says about itself.

    Raises Conflict while the bot is being packed for an export.
    """
    seconds = names.whole_number(timeout_s, "timeout in seconds", 1, 600)
    with stillness.starting(home, bot), containers.engine(timeout_s=60) as client:
        container = containers.of_bot(client, node, bot_id(bot))["Id"]
        client.restart(container, timeout=containers.STOP_S)
    return starting.wait(home, node, bot, seconds)


def logs(node: str, bot: str, lines: object) -> dict[str, list[str]]:
    """The last lines of the bot's output, each with its time: {"lines"}."""
    count = names.whole_number(lines, "number of lines", 1, 1000)
    with containers.engine() as client:
        return {"lines": containers.logs(client, containers.of_bot(client, node, bot_id(bot))["Id"], count)}


def status(home: Home, node: str, told: Told) -> list[dict[str, Any]]:
    """A fresh report of every bot; raises Unavailable if Docker does not answer."""
    with containers.engine():
        return Sampler(node, home, keep=False).sample(told, budget_s=60)["bots"]
