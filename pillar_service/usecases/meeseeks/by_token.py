"""What a program does with a command token: run its command, and see how that goes."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from pillar_service.core.meeseeks import roles
from pillar_service.core.people import tokens
from pillar_service.core.people.limits import Tried
from pillar_service.store.database import transaction
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.meeseeks import command_tokens as rows
from pillar_service.store.meeseeks.command_tokens import CommandToken
from pillar_service.usecases.meeseeks import asking, catalogue, looking, people
from pillar_service.usecases.meeseeks import tokens as made
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import limits
from pillar_service.usecases.service import auditing

UNKNOWN = "This token is unknown, was revoked or has expired: make a new one in chat ('token')."


def run(secret: str, arguments: Mapping[str, object], key: str | None = None) -> dict[str, Any]:
    """Run a token's command, with the arguments that are not pinned; returns {"job"}.

    Repeating a ``key`` returns the same job. The current roles of the token's maker decide. Raises Unauthenticated,
    Forbidden, NotFound (the command is gone), Invalid (a pinned argument, or a bad value of another), Conflict, TooMany
    (60 runs in 15 minutes, or too many open jobs).
    """
    token, asker = _known(secret)
    limits.spend(Tried.RUN, token.id)
    command = catalogue.current().catalogue.command(token.command)
    made.refuse_waiting(command)
    pinned = sorted(set(arguments) & set(token.arguments))
    if pinned:
        raise Invalid(f"{names.shown(pinned[0])} is pinned in this token and can't be given.")
    wanted = asking.wish(asker, command.name, {**token.arguments, **arguments}, made.selector(token))
    with transaction():
        asked = asking.ask(asker, wanted, _key(token, key))
        now, id = time.time(), asked["job"]["id"]
        if not rows.used(token.id, now):  # it was revoked in the meantime
            raise Unauthenticated(UNKNOWN)
        auditing.record(asker.actor, "meeseeks.token_run", f"job:{id}", now, f"token {token.id}")
    return asked


def show(secret: str, id: object, after: int = 0) -> dict[str, Any]:
    """A job that this very token asked for, as looking.show returns it; raises Unauthenticated, Forbidden, NotFound."""
    token, asker = _known(secret)
    job = looking.found(asker, id)
    if not _is_of(token, job):
        raise NotFound(f"There is no job {names.shown(id)}.")
    return looking.show(asker, job.id, after)


def _known(secret: str) -> tuple[CommandToken, Asker]:
    token = rows.with_hash(tokens.hash_token(secret))
    caller = people.of_actor(token.actor) if token is not None else None
    if token is None or caller is None or token.expires_at <= time.time():
        raise Unauthenticated(UNKNOWN)
    if roles.suspended(caller):
        raise Forbidden("The account of whoever made this token is suspended.")
    return token, Asker(token.actor, caller, token.channel)


def _mark(token: CommandToken) -> str:
    return f"token:{token.id}:"


def _key(token: CommandToken, key: str | None) -> str:
    """The idempotency key of a job of this token: unlike any other token's, and never empty, as jobs are found by it."""
    return _mark(token) + (names.new_id() if key is None else hashlib.sha256(key.encode()).hexdigest())


def _is_of(token: CommandToken, job: Job) -> bool:
    return str(job.idempotency_key or "").startswith(_mark(token))
