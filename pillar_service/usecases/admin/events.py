"""Events: what all nodes sent, and what they last reported of each bot."""

import time
from typing import Any

from pillar_service.core import listing
from pillar_service.core.bots import health
from pillar_service.core.events.events import Filter
from pillar_service.core.listing import Cursor
from pillar_service.core.people.agents import Actual
from pillar_service.store import listings
from pillar_service.store.bots.bots import Bot
from pillar_service.usecases.admin import bots, filters
from pillar_service.usecases.events import stories


def listed(before: str = "", since: str = "", until: str = "", **asked: str) -> filters.Listing:
    """What nodes sent, newest first; ``asked`` is what `Filter.read` takes, the days are those on which events were taken."""
    page = stories.page(None, Filter.read(**asked), before, listing.since(since), listing.until(until))
    return {"rows": page["events"], "next": page["next"]}


def reports(
    before: str = "", state: str = "", node: str = "", bot: str = "", since: str = "", until: str = ""
) -> filters.Listing:
    """The last report of each bot, or of one (its id or name), latest first."""
    rows = listings.reports(
        filters.page(before, since, until),
        filters.silence(),
        filters.one_of(Actual, state, "state of a bot"),
        node=filters.word(node, "node"),
        agent=bots.show(bot)["id"] if bot else None,
    )
    return filters.listed(rows, lambda row: Cursor(row.reported_at, row.id), lambda some: [_last(row) for row in some])


def _last(row: Bot) -> dict[str, Any]:
    actual = health.seen(Actual(row.actual), row.reported_at, time.time())
    told = {"at": row.reported_at, "actual": str(actual), "report": row.report or {}}
    return {**told, "bot": row.id, "bot_name": row.name, "node": row.node}
