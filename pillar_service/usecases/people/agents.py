"""Agents of either type, as the API lists and finds them."""

from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import NotFound
from pillar_service.core.people.agents import AgentType
from pillar_service.usecases.bots import bots
from pillar_service.usecases.people import accounts


def kind(value: object) -> AgentType:
    """The type of an agent; raises Invalid."""
    return names.one_of(AgentType, value, "type of an agent")


def listed(
    type: str | None = None, name: str | None = None, account: str | None = None, email: str | None = None
) -> list[dict[str, Any]]:
    """The agents of one type or both: bots by name or account, persons by address or name."""
    chosen = None if type is None else kind(type)
    found: list[dict[str, Any]] = []
    if chosen is not AgentType.BOT and account is None:
        found += [person for person in accounts.listed(email) if name is None or person["name"] == name]
    if chosen is not AgentType.PERSON and email is None:
        found += bots.listed(name, account)
    return found


def find(key: str) -> dict[str, Any]:
    """The agent with that id, bot name or e-mail address; raises NotFound."""
    for show in (bots.show, accounts.show):
        try:
            return show(key)
        except NotFound:
            continue
    raise NotFound(f"There is no bot or account {names.shown(key)}.")
