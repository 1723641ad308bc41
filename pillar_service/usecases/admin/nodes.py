"""Nodes, as operators see them."""

from typing import Any

from pillar_service.core import names, searching
from pillar_service.core.errors import Invalid
from pillar_service.core.listing import PAGE
from pillar_service.store import listings
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.admin import bots, filters, jobs
from pillar_service.usecases.nodes import nodes


def listed(before: str = "", account: str = "", label: str = "") -> filters.Listing:
    """Nodes by id, of an account and with a label if these are given; ``before`` is the last id of the previous page."""
    known = searching.label(label) if label else None
    if label and known is None:
        raise Invalid(f"{names.shown(label)} is not a label: write it as environment=prd, or part of a key or value.")
    found = listings.nodes(PAGE + 1, filters.word(before, "node") or "", known, account=filters.account(account))
    return {"rows": described(found[:PAGE]), "next": found[PAGE - 1].id if len(found) > PAGE else None}


def described(found: list[Node]) -> list[dict[str, Any]]:
    """Nodes with the number of their ports, and of the ports that are taken."""
    used = listings.ports_used([node.id for node in found])
    return [
        {**nodes.described(node), "used": used.get(node.id, 0), "ports": node.port_last - node.port_first + 1}
        for node in found
    ]


def show(id: str) -> dict[str, Any]:
    """One node: {"node", "bots", "jobs"}, the newest of each; raises NotFound."""
    node = nodes.found(id)
    return {
        "node": described([node])[0],
        "bots": bots.listed(node=node.id)["rows"],
        "jobs": jobs.listed(node=node.id)["rows"][:20],
    }
