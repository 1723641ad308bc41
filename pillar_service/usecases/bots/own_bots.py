"""What a person asks of a bot; their permission is checked in the transaction that acts, so nothing changes in between.

``person`` is an account's id. Each function raises NotFound if they may not even see the bot, Forbidden if they may
only see it, and what the function that it calls raises (`jobs`, `bots`, `bringing_back`). Those that queue a job raise
TooMany if the bot has too many queued. The same ``idempotency_key`` twice gives the same job. A returned bot is as
`seen` shows it.
"""

from collections.abc import Sequence
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import NotFound
from pillar_service.core.jobs import commands
from pillar_service.core.people.agents import Desired
from pillar_service.core.people.permissions import OF_COMMAND, Act, to_ask
from pillar_service.store.database import transaction
from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.jobs import jobs, queue
from pillar_service.usecases.people import accounts, permissions


def listed(person: str) -> list[dict[str, Any]]:
    """The existing bots that a person belongs to, by name."""
    return seen(person, bots.listed(account=person))


def show(person: str, key: object) -> dict[str, Any]:
    """One bot, by id or name."""
    return seen(person, bots.described([permissions.require(person, Act.SEE, key)]))[0]


def seen(person: str, told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bots as a person may see them: the addresses of others only where they may share the bot."""
    own, may = accounts.found(person).email, permissions.of_each(person, [bot["id"] for bot in told])
    return [bot if Act.SHARE in may[bot["id"]] else bot | {"account": _of(own, bot)} for bot in told]


def _of(email: str, bot: dict[str, Any]) -> list[dict[str, str]]:
    return [one for one in bot["account"] if one["email"] == email]


def _told(person: str, done: dict[str, Any]) -> dict[str, Any]:
    return done | {"agent": seen(person, [done["agent"]])[0]}


def submit(
    person: str, command: str, key: object, arguments: dict[str, Any], idempotency_key: str | None = None
) -> dict[str, Any]:
    """Ask for a command on a bot (by id or name); returns {"agent", "job"}."""
    with transaction():
        bot = permissions.require(person, OF_COMMAND[command], key)
        queue.refuse_too_many(f"account:{person}", bot, idempotency_key)
        return _told(person, jobs.submit(f"account:{person}", command, bot.id, arguments, idempotency_key))


def again(person: str, id: object, idempotency_key: str | None = None) -> dict[str, Any]:
    """Retry a failed job of a bot, as `jobs.again` does, for a person who may ask for the command that this takes."""
    with transaction():
        job = jobs.found(id)
        if job.bot is None:
            raise NotFound(f"There is no job {names.shown(id)}.")
        act = to_ask(commands.again(job.command) or job.command)
        bot = permissions.require(person, act, job.bot, deleted=True)
        queue.refuse_too_many(f"account:{person}", bot, idempotency_key)
        return _told(person, jobs.again(f"account:{person}", job.id, idempotency_key))


def desire(person: str, key: object, desired: Desired, idempotency_key: str | None = None) -> dict[str, Any]:
    """Say that a bot should run or be stopped; returns {"agent", "job"}."""
    with transaction():
        bot = permissions.require(person, Act.OPERATE, key)
        queue.refuse_too_many(f"account:{person}", bot, idempotency_key)
        return _told(person, bots.desire(f"account:{person}", bot.id, desired, idempotency_key))


def describe(person: str, key: object, description: object) -> dict[str, Any]:
    """Change a bot's description; returns {"agent"}."""
    with transaction():
        bot = permissions.require(person, Act.CHANGE, key)
        return _told(person, bots.describe(f"account:{person}", bot.id, description))


def delete(person: str, key: object, idempotency_key: str | None = None) -> dict[str, Any]:
    """Delete a bot, which can be brought back for a while; returns {"agent", "job"}."""
    with transaction():
        bot = permissions.require(person, Act.DELETE, key)
        return _told(person, bots.delete(f"account:{person}", bot.id, purge=False, idempotency_key=idempotency_key))


def bring_back(person: str, id: object, idempotency_key: str | None = None) -> dict[str, Any]:
    """Let a deleted bot (by its id) run again; returns {"agent", "job"}."""
    with transaction():
        bot = permissions.require(person, Act.DELETE, id, deleted=True)
        return _told(person, bringing_back.bring_back(f"account:{person}", bot.id, idempotency_key))
