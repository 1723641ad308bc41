"""Enrolment: which names a node may have, whose key it has, and whether a token lets it in.

A token belongs to an account, or to none (only operators can make such). It lets in a limited number of machines for a
limited time, with names that match its pattern. The key that a machine brings identifies the node from then on: the
master accepts only that one.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, Invalid, Unauthenticated

PATTERN = re.compile(r"[a-z0-9*?-]{1,40}", re.ASCII)

USES = (1, 1000)
LIFE_S = (60, 30 * 86_400)
DEFAULT_LIFE_S = 3600


class KeyState(StrEnum):
    """Whether masters accept a node's key; ``none`` is a node whose key the service does not know."""

    NONE = "none"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


class KeyAct(StrEnum):
    """What a node may do with its own key, by a signature made with it."""

    TURN = "turn"
    LEAVE = "leave"


class Redeemed(StrEnum):
    """What redeeming a token leads to."""

    NEW = "new"
    SAME = "same"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Token:
    """A token as the rules see it. With ``account`` None it makes nodes of the place's own; ``replaces`` allows a new key."""

    id: str
    account: str | None
    pattern: str
    uses: int
    used: int
    replaces: bool
    expires_at: float
    revoked_at: float | None


@dataclass(frozen=True)
class Known:
    """An existing node as the rules see it; ``enrolled_by`` is the id of the token that let it in."""

    account: str | None
    public_key: str | None
    key_state: KeyState
    enrolled_by: str | None


def node_name(value: object) -> str:
    """The value, if it is a valid name for a node at a customer's site; raises Invalid.

    It is short enough for the whole id (see `minion_id`) to be the value of a label.
    """
    if isinstance(value, str) and names.SHORT_NAME.fullmatch(value):
        return value
    raise Invalid(
        f"{names.shown(value)} can't be a node's name: use 1 to 40 lower-case letters, digits and hyphens, with a letter or "
        "digit at both ends, such as 'shed' or 'rack-2'."
    )


def minion_id(name: str, account: str | None) -> str:
    """The node's id in Salt: the name alone is only unique within its account."""
    return f"{name}.{account}" if account else name


def pattern(value: object) -> str:
    """The value, if it is a valid pattern of names, such as `*` or `shed-?`; raises Invalid."""
    if isinstance(value, str) and PATTERN.fullmatch(value):
        return value
    raise Invalid(
        f"{names.shown(value)} can't be a pattern of names: use letters, digits, '-', '*' and '?', as in 'shed-*'."
    )


def require_fitting(name: str, pattern: str) -> None:
    """Raise Forbidden if a node's name does not match a token's pattern."""
    if not fnmatchcase(name, pattern):
        raise Forbidden(
            f"This token is for nodes called {pattern}, not {name}: choose a name that fits, or make another token."
        )


def decide(token: Token, known: Known | None, name: str, public_key: str, now: float) -> Redeemed:
    """What happens to a machine that brings this key and asks to be the node of that name.

    Raises Unauthenticated, Forbidden or Conflict if it may not. Asking again with the same token and key gives the same
    answer, even if the token is used up: the first answer may have been lost, and nothing new is granted.
    """
    if token.revoked_at is not None:
        raise Unauthenticated("This token was revoked: make a new one.")
    same = known is not None and known.public_key == public_key and known.key_state is KeyState.ACCEPTED
    if known is not None and same and known.account == token.account and known.enrolled_by == token.id:
        return Redeemed.SAME
    if token.expires_at <= now:
        raise Unauthenticated("This token has expired: make a new one.")
    if token.used >= token.uses:
        raise Unauthenticated("This token was already used: make a new one.")
    require_fitting(name, token.pattern)
    if known is None:
        return Redeemed.NEW
    return _again(token, known, name, public_key, same)


def _again(token: Token, known: Known, name: str, public_key: str, same: bool) -> Redeemed:
    if known.account != token.account:
        raise Conflict(f"The node {name} belongs to somebody else: choose another name.")
    if same:
        return Redeemed.SAME
    if known.key_state is KeyState.REVOKED and known.public_key == public_key:
        raise Forbidden("This key was revoked for good: enrol again with `--new-key`.")
    if known.key_state is KeyState.ACCEPTED and not token.replaces:
        raise Conflict(
            f"There is already a node {name} with another key: choose another name, revoke its key, or, if its disk was lost, "
            "make a token for re-enrolment."
        )
    return Redeemed.REPLACED


def fingerprint(public_key: str) -> str:
    """A key's fingerprint in the form in which a minion checks its master's (`master_finger`): SHA-256 over the PEM's body."""
    body = [f"{line}\n" for line in public_key.splitlines() if line.strip()][1:-1]
    digest = hashlib.sha256("".join(body).encode()).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def statement(act: KeyAct, node: str, public_key: str, new_key: str = "") -> bytes:
    """What a node signs to do something with its key. It contains the present key, so it is void once the key changes."""
    return "\n".join(["saltcellar", str(act), node, fingerprint(public_key), new_key]).encode()


@dataclass(frozen=True)
class MasterFacts:
    """How a node reaches a master from outside: its address, its ports, its public key."""

    address: str
    publish_port: int
    return_port: int
    public_key: str


def told(
    masters: list[MasterFacts], node: str, account: str | None, configuration: Mapping[str, str]
) -> dict[str, object]:
    """The answer to a node that was let in: only masters that share the first one's key are listed.

    Each address and port is listed once, because a master may have been registered there before under another name.
    """
    first = masters[0]
    same: dict[tuple[str, int], MasterFacts] = {}
    for one in masters:
        if one.public_key == first.public_key:
            same.setdefault((one.address, one.return_port), one)
    return {
        "node": node,
        "account": account,
        "masters": [
            {"address": one.address, "port": one.return_port, "publish_port": one.publish_port} for one in same.values()
        ],
        "master_key": first.public_key,
        "master_fingerprint": fingerprint(first.public_key),
        "configuration": dict(configuration),
    }
