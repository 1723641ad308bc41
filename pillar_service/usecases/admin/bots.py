"""Bots, as operators see them, including those that are gone."""

from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import NotFound
from pillar_service.core.listing import Cursor
from pillar_service.core.people.agents import Actual, Desired
from pillar_service.store import listings
from pillar_service.store.bots import bots as rows
from pillar_service.store.bots.bots import Bot
from pillar_service.usecases.admin import filters
from pillar_service.usecases.bots import bots


def listed(
    before: str = "",
    state: str = "",
    desired: str = "",
    node: str = "",
    account: str = "",
    since: str = "",
    until: str = "",
) -> filters.Listing:
    """Bots, newest first."""
    found = listings.bots(
        filters.page(before, since, until),
        filters.silence(),
        filters.one_of(Actual, state, "state of a bot"),
        filters.account(account),
        desired=filters.one_of(Desired, desired, "wish for a bot"),
        node=filters.word(node, "node"),
    )
    return filters.listed(found, lambda row: Cursor(row.agent.created_at, row.id), described)


def described(found: list[Bot]) -> list[dict[str, Any]]:
    """Bots as the API shows them, with when each was removed and its sequence."""
    return [
        {**told, "removed_at": row.agent.removed_at, "sequence": row.sequence}
        for row, told in zip(found, bots.described(found), strict=True)
    ]


def show(key: str) -> dict[str, Any]:
    """One bot by id (even if it is gone) or name; raises NotFound."""
    bot = rows.find(key) if names.BOT_NAME.fullmatch(key) else None
    if bot is None:
        raise NotFound(f"There is no bot {names.shown(key)}.")
    return described([bot])[0]
