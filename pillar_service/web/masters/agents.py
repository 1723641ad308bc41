"""Agents: people and bots."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, request

from pillar_service.core.errors import Invalid
from pillar_service.core.people.agents import AgentType, Desired
from pillar_service.usecases.bots import bots, restoring
from pillar_service.usecases.people import accounts, agents, resetting, second_factor
from pillar_service.web import incoming

blueprint = Blueprint("agents", __name__)

BOT = ("type", "name", "account", "description", "node", "selector", "memory_mb", "import")
CHANGES_OF_BOT = ("desired", "description", "image")
CHANGES_OF_PERSON = ("state", "second_factor", "verified", "password")
PERSON = ("type", "email", "name", "password", "role")

OF_PERSON: dict[str, tuple[object, Callable[[str, object], dict[str, Any]], str]] = {
    "second_factor": ("off", second_factor.take_off, "'off': the person must turn it on themselves"),
    "verified": (True, accounts.verify, "true"),
    "password": ("new", resetting.give, "'new': the service makes one, and shows it only once"),
}
"""Fields of a person that can be set to one value alone: the value, what sets it, and how the error names it."""


@blueprint.get("/agents")
def listed() -> dict[str, Any]:
    """List agents, filtered by type, name, account or e-mail address."""
    asked = {key: request.args.get(key) for key in ("type", "name", "account", "email")}
    return {"agents": agents.listed(**asked)}


@blueprint.post("/agents")
def create() -> tuple[dict[str, Any], int]:
    """Create a bot and the job that pours it, or an account."""
    asked = incoming.body(*dict.fromkeys(BOT + PERSON))
    if agents.kind(asked.get("type")) is AgentType.PERSON:
        return _person(incoming.body(*PERSON)), 201
    given = incoming.body(*BOT)
    del given["type"]
    description = given.pop("description", None) or ""
    made = bots.create(
        g.actor,
        given.pop("name", None),
        given.pop("account", None),
        description,
        upload=given.pop("import", None),
        key=incoming.key(),
        **given,
    )
    return made, 201


def _person(given: dict[str, Any]) -> dict[str, Any]:
    made, password = accounts.create(
        g.actor, given.get("email"), given.get("name"), given.get("password"), given.get("role")
    )
    return {"agent": made} | ({"password": password} if password else {})


@blueprint.get("/agents/<key>")
def show(key: str) -> dict[str, Any]:
    """Show one agent, by its id, bot name or e-mail address."""
    return {"agent": agents.find(key)}


@blueprint.patch("/agents/<key>")
def change(key: str) -> dict[str, Any]:
    """Make one change to a bot or an account."""
    given = incoming.body(*CHANGES_OF_BOT, *CHANGES_OF_PERSON)
    if len(given) != 1:
        raise Invalid(
            "Send one change: 'desired', 'description' or 'image' of a bot, "
            "'state', 'second_factor', 'verified' or 'password' of a person."
        )
    [(what, value)] = given.items()
    return _change_person(key, what, value) if what in CHANGES_OF_PERSON else _change_bot(key, what, value)


def _change_bot(key: str, what: str, value: object) -> dict[str, Any]:
    if what == "description":
        return bots.describe(g.actor, key, value)
    if what == "image":
        return _upgrade(key, value)
    if value not in (Desired.RUNNING, Desired.STOPPED):
        raise Invalid("'desired' must be 'running' or 'stopped'; to remove a bot, use DELETE.")
    return bots.desire(g.actor, key, Desired(value), incoming.key())


def _upgrade(key: str, image: object) -> dict[str, Any]:
    if image != "latest":
        raise Invalid("'image' must be 'latest': the setting CELLAR_PUB_IMAGE of the service says which image that is.")
    return bots.upgrade(g.actor, key, incoming.key())


def _change_person(key: str, what: str, value: object) -> dict[str, Any]:
    if what == "state":
        return accounts.set_state(g.actor, key, value)
    known, change, only = OF_PERSON[what]
    if value != known or type(value) is not type(known):
        raise Invalid(f"'{what}' can only be set to {only}.")
    return change(g.actor, key)


@blueprint.delete("/agents/<key>")
def delete(key: str) -> tuple[dict[str, Any], int]:
    """Delete a bot; with ?purge=true, its data, too."""
    purge = request.args.get("purge", "false").lower()
    if purge not in ("true", "false"):
        raise Invalid("'purge' must be 'true' or 'false'.")
    return bots.delete(g.actor, key, purge == "true", incoming.key()), 202


@blueprint.get("/agents/<key>/restore")
def show_restore(key: str) -> dict[str, Any]:
    """Show what restoring a bot would mean."""
    return {"restore": restoring.show(key)}


@blueprint.post("/agents/<key>/restore")
def restore(key: str) -> tuple[dict[str, Any], int]:
    """Restore a bot of a lost node on another node."""
    given = incoming.body("node", "typed")
    return restoring.restore(g.actor, key, given.get("node"), given.get("typed"), incoming.key()), 202
