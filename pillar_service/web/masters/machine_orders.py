"""Orders of machines at a provider."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.nodes import machine_orders
from pillar_service.web import incoming

blueprint = Blueprint("machine_orders", __name__)


@blueprint.post("/machine-orders")
def create() -> tuple[dict[str, Any], int]:
    """Order a machine. It is made afterwards."""
    given = incoming.body("name", "account", "labels", "size", "volume_gb")
    order = machine_orders.create(g.actor, given.pop("name", None), **given, key=incoming.key())
    return {"order": order}, 202


@blueprint.get("/machine-orders")
def listed() -> dict[str, Any]:
    """List the orders that are not retired, then the newest of those that are."""
    return {"orders": machine_orders.listed()}


@blueprint.get("/machine-orders/<which>")
def show(which: str) -> dict[str, Any]:
    """Show one order, by its own id or its node's."""
    return {"order": machine_orders.show(which)}


@blueprint.post("/machine-orders/<which>/retire")
def retire(which: str) -> tuple[dict[str, Any], int]:
    """Retire a machine. It is destroyed afterwards."""
    return {"order": machine_orders.retire(g.actor, which, **incoming.body("with_bots"))}, 202


@blueprint.post("/machine-orders/<which>/finish")
def finish(which: str) -> tuple[dict[str, Any], int]:
    """Go on with an order that failed."""
    return {"order": machine_orders.finish(g.actor, which)}, 202
