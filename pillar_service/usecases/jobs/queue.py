"""The queue: how use cases ask for jobs, in their own transactions."""

import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any

from pillar_service.core import names, tracing
from pillar_service.core.errors import Conflict, Invalid
from pillar_service.core.jobs import jobs as rules
from pillar_service.core.jobs.commands import applies_states, command
from pillar_service.core.jobs.jobs import NORMAL, QUEUED_FOR_S
from pillar_service.store.bots import bots
from pillar_service.store.bots.bots import Bot
from pillar_service.store.database import after_commit
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.service import measuring

log = logging.getLogger(__name__)

KEY_LENGTH = 200
CALL_S = 60
"""How long a call of our own may take on a node, in seconds."""


class Request:
    """Who asks (``actor``), for what (the fingerprint of ``parts``), and under which idempotency key (or None).

    ``number`` is the request's number in the logs; it is kept here since one thread may write what several ask for.
    """

    def __init__(self, actor: str, key: str | None, *parts: object) -> None:
        if key is not None:
            names.text(key, "Idempotency-Key", KEY_LENGTH)
            if not key:
                raise Invalid("The Idempotency-Key is empty: leave it out, or send something unique.")
        self.actor, self.key, self.number = actor, key, tracing.current()
        self.fingerprint = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def before(self, new: Iterable[Job] = ()) -> Job | None:
        """The job that this same request made before, also among ``new`` jobs that are not added yet, or None.

        Raises Conflict if the key belongs to another request.
        """
        if self.key is None:
            return None
        just_now = (job for job in new if (job.actor, job.idempotency_key) == (self.actor, self.key))
        found = next(just_now, None) or jobs.with_key(self.actor, self.key)
        if found is not None and found.fingerprint != self.fingerprint:
            raise Conflict(f"The Idempotency-Key {names.shown(self.key)} was used for another request: send a new one.")
        return found


def refuse_too_many(actor: str, bot: Bot, key: str | None) -> None:
    """Raise TooMany if a bot has too many open jobs for another, unless this actor asked for it before (``key``)."""
    if key is None or jobs.with_key(actor, key) is None:
        rules.refuse_too_many(jobs.open_of_bot(bot.id, rules.MOST_OF_BOT))


def ask(
    request: Request, name: str, bot: Bot, now: float, arguments: dict[str, Any] | None = None, node: str | None = None
) -> Job:
    """Queue a job for a bot, on its node unless another is given; the command checks ``arguments``. Raises Invalid."""
    measuring.received(name)
    job = jobs.add(
        id=names.new_id(),
        command=name,
        bot=bot.id,
        node=node or bot.node,
        arguments=command(name).checked(arguments or {}),
        actor=request.actor,
        idempotency_key=request.key,
        fingerprint=request.fingerprint,
        created_at=now,
        not_before=now,
        request=request.number,
    )
    log_asked(job)
    return job


def log_asked(job: Job) -> None:
    """Log that a job was asked for, once that is committed."""
    about = {"request": job.request, "job": job.id, "node": job.node}
    after_commit(lambda: log.info("Asked for %s.", job.command, extra=about))


NOTHING: dict[str, Any] = {
    "nodes": [],
    "bot": None,
    "channel": "",
    "output": {"private": False, "file": False},
    "redact": [],
    "secrets": {},
    "arguments": [],
    "keywords": {},
    "is_guarded": False,
}
"""The defaults of a plan: all but what every plan must give, its function and its limits."""


def call(
    actor: str,
    command: str,
    node: str | None,
    function: str,
    arguments: list[Any],
    keywords: dict[str, Any],
    now: float,
    priority: int = NORMAL,
) -> Job:
    """Queue a call of our own to a node, or (None) the master, in the caller's transaction.

    The call must be harmless to repeat.
    """
    plan = {"nodes": [node] if node else [], "function": function, "arguments": arguments, "keywords": keywords}
    job = jobs.add(
        id=names.new_id(),
        command=command,
        node=node,
        arguments={},
        plan={**NOTHING, **plan, "timeout_s": CALL_S, "retry_safe": True},
        priority=priority,
        actor=actor,
        fingerprint="",
        created_at=now,
        not_before=now,
        deadline_at=now + QUEUED_FOR_S,
        request=tracing.current(),
        converges=applies_states(function),
    )
    log_asked(job)
    return job


def target(job: Job, bot_name: str | None = None) -> str:
    """What a job acts on, for people: a bot's name, a node, a number of nodes, or the master."""
    if job.bot is not None:
        return bot_name or str(bots.of_job(job.bot).name)
    return job.node or (f"{job.parts} nodes" if job.parts else "the master")


def described(job: Job, bot_name: str | None = None) -> dict[str, Any]:
    """A job as the API shows it; passing ``bot_name`` saves a query."""
    return {
        "id": job.id,
        "command": job.command,
        "bot": job.bot,
        "bot_name": target(job, bot_name) if job.bot is not None else None,
        "node": job.node,
        "state": job.state,
        "arguments": job.arguments,
        "result": job.result,
        "error": job.error,
        "attempts": job.attempts,
        "actor": job.actor,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "parent": job.parent,
        "parts": job.parts,
        "priority": job.priority,
        "deadline_at": job.deadline_at,
    }
