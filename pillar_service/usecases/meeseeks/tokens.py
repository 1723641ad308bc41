"""Command tokens: each runs one command as its maker, with pinned arguments. Roles are checked at each use."""

import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.catalogue import Command
from pillar_service.core.nodes import selectors
from pillar_service.core.people import tokens
from pillar_service.store.database import transaction
from pillar_service.store.meeseeks import command_tokens as rows
from pillar_service.store.meeseeks.command_tokens import CommandToken
from pillar_service.usecases.meeseeks import asking, catalogue, deciding
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.service import auditing

DAYS = (1, 366)
DEFAULT_DAYS = 30
MOST = 20
"""How many tokens one user may have at a time."""

PREFIX = 8
"""How many characters of a token are stored, for its maker to recognise it by."""

OTHERS = "meeseeks.tokens"
"""The privilege to see and revoke other people's tokens."""


def make(asker: Asker, line: str, days: object = DEFAULT_DAYS, name: str = "") -> dict[str, Any]:
    """Make a token for a line (`restart-bot my -l environment=prd`); its ``secret`` is in the answer, and shown only here.

    The arguments in the line are pinned; the others are given at each use. Each use counts as asked in the asker's
    channel. Raises Invalid, NotFound (command), Forbidden (roles; a command that waits for a person), Conflict (too
    many).
    """
    if asker.caller is None:
        raise Forbidden("A token runs as somebody in chat, or an account: an operator at the master is neither.")
    known = catalogue.current().catalogue
    parsed = typed.read(line, known.flags)
    command = known.command(parsed.command)
    refuse_waiting(command)
    pinned = _pinned(asker, command, command.bound(parsed.positional, parsed.named))
    life, label = names.whole_number(days, "number of days", *DAYS) * DAY_S, names.text(name, "name", 100)
    with transaction():
        now = time.time()
        rows.forget_expired(now)
        if len(rows.listed(asker.actor, now)) >= MOST:
            raise Conflict(f"You have {MOST} tokens, the most you may have: revoke one that you no longer use.")
        return _add(asker, label, command, pinned, str(parsed.selector), (now, now + life))


def refuse_waiting(command: Command) -> None:
    """Raise Forbidden for a command that needs a confirmation, a code or an approval."""
    if command.requires:
        raise Forbidden(f"{command.name} waits for a yes, a code or an approval, which no token can give: ask in chat.")


def _pinned(asker: Asker, command: Command, given: dict[str, str]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(command.named))
    secret = sorted(set(given) & command.secrets)
    if unknown:
        raise Invalid(f"{command.name} takes no argument {names.shown(unknown[0])}: write {command.usage}.")
    if secret:
        raise Invalid(f"{secret[0]} is a secret and can't be pinned: leave it out here, and send it at each use.")
    pinned = {name: command.named[name].checked(value) for name, value in given.items()}
    is_whole = all(one.name in pinned for one in command.parameters if one.required)
    decision = deciding.decided(asker, command.name, command.checked(pinned) if is_whole else None)
    if not decision.allowed:
        raise Forbidden(decision.why)
    return pinned


def _add(
    asker: Asker, name: str, command: Command, pinned: dict[str, Any], selector: str, life: tuple[float, float]
) -> dict[str, Any]:
    secret, now = tokens.new_token(), life[0]
    made = rows.add(
        id=names.new_id(),
        actor=asker.actor,
        name=name,
        prefix=secret[:PREFIX],
        token_hash=tokens.hash_token(secret),
        command=command.name,
        arguments=pinned,
        selector=selector,
        channel=asker.channel,
        created_at=now,
        expires_at=life[1],
    )
    auditing.record(asker.actor, "meeseeks.token_make", f"token:{made.id}", now, f"for {command.name}")
    return described(made) | {"secret": secret}


def listed(asker: Asker, of: str = "") -> list[dict[str, Any]]:
    """The asker's valid tokens; with the privilege, those of an actor, or (`*`) of everybody. Without their secrets.

    Raises Forbidden.
    """
    if of not in ("", asker.actor):
        asking.require(asker, OTHERS)
    return [described(one) for one in rows.listed(None if of == "*" else of or asker.actor, time.time())]


def revoke(asker: Asker, id: object) -> None:
    """End a token: one's own, or with the privilege anybody's. Raises NotFound, also for another's."""
    with transaction():
        token = rows.find(id) if names.is_id(id) else None
        if token is None or not (token.actor == asker.actor or deciding.decided(asker, OTHERS, None).allowed):
            raise NotFound(f"You have no token {names.shown(id)}.")
        rows.forget(token.id)
        auditing.record(asker.actor, "meeseeks.token_revoke", f"token:{token.id}", time.time(), f"for {token.command}")


def described(token: CommandToken) -> dict[str, Any]:
    """A token as it is shown: everything but the secret."""
    return {
        "id": token.id,
        "actor": token.actor,
        "name": token.name,
        "prefix": token.prefix,
        "command": token.command,
        "arguments": token.arguments,
        "selector": token.selector,
        "channel": token.channel,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def selector(token: CommandToken) -> selectors.Selector:
    """The nodes that the token's maker chose."""
    return selectors.parse(token.selector)
