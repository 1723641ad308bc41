"""The dashboard: a person's bots, and what is being done with them."""

from typing import Any

from pillar_service.core.agents import Actual
from pillar_service.store import jobs
from pillar_service.usecases import bots, queue

STEPS = 12
"""How many of the last steps of a pouring are shown."""


def of(person: str) -> list[dict[str, Any]]:
    """The bots that a person belongs to, each with its ``job`` that is not over (the first, or None) and its ``steps``.

    The steps are the last lines of that job, for a bot that is being poured.
    """
    found = bots.listed(account=person)
    doing = {job.bot: job for job in reversed(jobs.open_of_all(bot["id"] for bot in found))}
    return [bot | _doing(bot, doing.get(bot["id"])) for bot in found]


def _doing(bot: dict[str, Any], job: jobs.Job | None) -> dict[str, Any]:
    if job is None:
        return {"job": None, "steps": []}
    pouring = bot["actual"] == Actual.PROVISIONING
    steps = [line.text for line in jobs.lines(job.id)[-STEPS:]] if pouring else []
    return {"job": queue.described(job, bot["name"]), "steps": steps}
