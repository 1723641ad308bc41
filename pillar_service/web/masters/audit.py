"""The audit log: what was done, and whether its rows are unchanged."""

from typing import Any

from flask import Blueprint, request

from pillar_service.core.errors import Invalid
from pillar_service.usecases.admin import audit
from pillar_service.usecases.service import auditing

blueprint = Blueprint("audit", __name__)

FILTERS = ("actor", "action", "subject", "since", "until", "limit")


@blueprint.get("/audit")
def newest() -> dict[str, Any]:
    """List the newest rows that these filters fit."""
    return {"rows": audit.newest(**{name: request.args[name] for name in FILTERS if name in request.args})}


@blueprint.get("/audit/verify")
def verify() -> dict[str, Any]:
    """Check that no row was changed since it was written, also against a head that was noted (`?n=…&chain=…`)."""
    n, chain = request.args.get("n", ""), request.args.get("chain", "")
    if not n and not chain:
        return auditing.verify()
    if not (n.isascii() and n.isdigit() and len(n) < 19 and chain):
        raise Invalid("Send both of a noted head: its number 'n' and its 'chain'.")
    return auditing.verify((int(n), chain))
