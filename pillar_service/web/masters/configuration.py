"""Configuration and governors of accounts, for operators; `operators` stands for the place's own nodes."""

from typing import Any

from flask import Blueprint, Response, g, request

from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.usecases.nodes import configuration, governors
from pillar_service.usecases.people import accounts
from pillar_service.web import conditions, incoming

blueprint = Blueprint("configuration", __name__)


def _account(named: str) -> str:
    return OPERATORS if named == "operators" else accounts.found(named).id


@blueprint.get("/configuration/<account>")
def listed(account: str) -> dict[str, Any]:
    """List all keys of an account, which is given by its id or e-mail address."""
    return configuration.listed(_account(account))


@blueprint.get("/configuration-changes/<account>")
def changes(account: str) -> dict[str, Any]:
    """List what was changed, by whom and when, the newest first."""
    return {"changes": configuration.history(_account(account), request.args.get("key"))}


@blueprint.get("/configuration/<account>/<path:key>")
def show(account: str, key: str) -> dict[str, Any]:
    """Show one key."""
    return configuration.show(_account(account), key)


@blueprint.put("/configuration/<account>/<path:key>")
def put(account: str, key: str) -> Response:
    """Set a key."""
    value = incoming.body("value").get("value")
    told = configuration.set(g.actor, _account(account), key, value, conditions.expected())
    return conditions.tagged(told, told["revision"])


@blueprint.delete("/configuration/<account>/<path:key>")
def delete(account: str, key: str) -> tuple[str, int]:
    """Delete a key."""
    configuration.delete(g.actor, _account(account), key, conditions.expected())
    return "", 204


@blueprint.get("/governors/<account>")
def held(account: str) -> dict[str, Any]:
    """List the governors of an account, and who holds them."""
    return {"governors": governors.listed(_account(account))}
