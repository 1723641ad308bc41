"""What operators do from chat, each with a privilege: the audit, a lost second factor, the catalogue's files."""

from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid, NotFound
from pillar_service.core.meeseeks.roles import CHAT_USER
from pillar_service.usecases.admin import audit as rows
from pillar_service.usecases.meeseeks import asking, catalogue, people
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import second_factor
from pillar_service.usecases.service import auditing


def audit(asker: Asker, most: int, **wanted: str) -> list[dict[str, Any]]:
    """The newest entries of the audit, at most ``most``; ``wanted``: actor, action, subject. Raises Forbidden, Invalid."""
    asking.require(asker, "meeseeks.audit")
    return rows.newest(**wanted, limit=most)


def verify(asker: Asker) -> dict[str, Any]:
    """Whether the audit's chain is intact, as `auditing.verify` returns it; raises Forbidden."""
    asking.require(asker, "meeseeks.audit")
    return auditing.verify()


def reset_factor(asker: Asker, user: str) -> str:
    """Remove the second factor of a user's account (`T01/U02`, or an address); returns the account's address.

    From then on their password alone lets them in; a mail tells them. Raises Forbidden, Invalid, NotFound, Conflict.
    """
    asking.require(asker, "meeseeks.reset")
    email = people.named(user).email
    if email is None:
        raise NotFound(f"{user} has not linked an account.")
    second_factor.take_off(asker.actor, email)
    return email


def unlink(asker: Asker, user: str) -> None:
    """Unlink a chat user (`T01/U02`) from their account, and tell them by mail. Raises Forbidden, Invalid, NotFound."""
    asking.require(asker, "meeseeks.reset")
    if not CHAT_USER.fullmatch(user):
        raise Invalid(f"{names.shown(user)} is not a chat user: write TEAM/USER, such as T01/U02.")
    team, _, id = user.partition("/")
    people.part(asker.actor, team, id)


def reload(asker: Asker) -> dict[str, Any]:
    """Read the catalogue's files now, as `catalogue.reload` does; raises Forbidden, and Invalid with every fault."""
    asking.require(asker, "meeseeks.reload")
    return catalogue.reload(asker.actor)
