"""Which bots are due for an export into the backups, and which nodes are busy with one."""

from pillar_service.core.jobs.jobs import OPEN
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store.sql import places, read

DUE = """
SELECT bot.agent, bot.node FROM bot JOIN agent ON agent.id = bot.agent
WHERE agent.removed_at IS NULL AND bot.desired = ? AND bot.actual = ? AND bot.reported_at > ?
    AND NOT EXISTS (
        SELECT 1 FROM job WHERE job.bot = bot.agent AND job.command = 'bots.export' AND job.actor = ? AND job.created_at <= ?
            AND (job.created_at > ? OR (job.created_at > ? AND job.state = 'succeeded'))
    )
ORDER BY bot.agent LIMIT ?
"""


def due(
    actor: str, now: float, heard_since: float, tried_before: float, exported_before: float, most: int
) -> list[tuple[str, str]]:
    """Bots (id, node) that are due for an export by this actor, at most ``most``. All times are Unix seconds.

    They run and were reported since ``heard_since``. The actor has asked for no export of them since ``tried_before``, and
    for none since ``exported_before`` that succeeded. Exports asked for after ``now``, while the clock was ahead, don't count.
    """
    values = (str(Desired.RUNNING), str(Actual.ALIVE), heard_since, actor, now, tried_before, exported_before, most)
    return [(bot, node) for bot, node in read(DUE, *values)]


def busy(actor: str) -> set[str]:
    """The nodes for which a job of this actor waits or runs."""
    states = sorted(map(str, OPEN))
    question = f"SELECT node FROM job WHERE actor = ? AND parent IS NULL AND state IN ({places(len(states))})"  # noqa: S608
    return {node for (node,) in read(question, actor, *states)}
