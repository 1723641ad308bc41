"""The dashboard: a person's bots, and what is being done with them."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core.agents import Actual
from pillar_service.store import bots as rows
from pillar_service.store import jobs
from pillar_service.usecases import bots, queue

STEPS = 12
"""How many of the last steps of a pouring are shown."""


def of(person: str) -> list[dict[str, Any]]:
    """The bots that a person belongs to, each with its ``job`` that is not over (the first, or None) and its ``steps``.

    The steps are the last lines of that job, for a bot that is being poured.
    """
    found = bots.described(rows.listed(of=person))
    doing = {job.bot: job for job in reversed(jobs.open_for(person))}
    pouring = [bot["id"] for bot in found if bot["actual"] == Actual.PROVISIONING and bot["id"] in doing]
    steps = jobs.texts([doing[bot].id for bot in pouring]) if pouring else {}
    return [bot | _doing(bot["name"], doing.get(bot["id"]), steps) for bot in found]


def _doing(name: str, job: jobs.Job | None, steps: Mapping[str, list[str]]) -> dict[str, Any]:
    if job is None:
        return {"job": None, "steps": []}
    return {"job": queue.described(job, name), "steps": steps.get(job.id, [])[-STEPS:]}
