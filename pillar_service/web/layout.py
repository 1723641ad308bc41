"""What every page has around its content: the name of the place and the menu."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, g, request, url_for
from flask_login import current_user

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.people.agents import AccountRole
from pillar_service.settings import Settings
from pillar_service.usecases.admin import access
from pillar_service.usecases.service import storage

WAYS = (("bots.listed", "Bots"), ("nodes.listed", "Nodes"), ("account.show", "Account"), ("payments.show", "Payment"))
OF_OPERATORS = (("admin.health", "Admin"),)
BELOW = {
    **dict.fromkeys(
        ("status", "invites", "log", "people", "exports", "imports", "deletions", "restores", "jobs"), "bots"
    ),
    **dict.fromkeys(("node_bots", "node_lost", "configuration", "forwardings"), "nodes"),
    **dict.fromkeys(("second_factor", "tokens", "chat"), "account"),
}
"""Which menu entry pages without an entry of their own belong to, by blueprint."""


@dataclass(frozen=True)
class Way:
    """An entry of the menu."""

    address: str
    text: str
    is_here: bool


def ways() -> list[Way] | None:
    """The menu of this page, built once for each request."""
    if "ways" not in g:
        g.ways = _found()
    return cast(list[Way] | None, g.ways)


def _found() -> list[Way] | None:
    """The menu of the person who is signed in; None for a visitor, empty while the database is away.

    Error pages have the menu, too, so this must not raise.
    """
    try:
        if not current_user.is_authenticated:
            return None
        return [_way(endpoint, text) for endpoint, text in WAYS + _of_role()]
    except (*storage.FAULTS, SaltcellarError):
        storage.release()
        return []


def _of_role() -> tuple[tuple[str, str], ...]:
    is_one = current_user.role == AccountRole.OPERATOR and access.is_operator(current_user.id)
    return OF_OPERATORS if is_one else ()


def _way(endpoint: str, text: str) -> Way:
    here = request.blueprint or ""
    return Way(url_for(endpoint), text, BELOW.get(here, here) == endpoint.partition(".")[0])


def register(app: Flask, chosen: Settings) -> None:
    """Give all templates `place` (its name), `ways()` and `current_user`."""
    told = {"place": chosen.domain, "ways": ways, "current_user": current_user}
    app.context_processor(lambda: told)
