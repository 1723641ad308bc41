"""The audit: what was done, and whether the rows are still those that were written."""

from typing import Any

from flask import Blueprint, request

from pillar_service.core.errors import Invalid
from pillar_service.usecases.admin import audit
from pillar_service.usecases.service import auditing

blueprint = Blueprint("audit", __name__)

FILTERS = ("actor", "action", "subject", "since", "until", "limit")


@blueprint.get("/audit")
def newest() -> dict[str, Any]:
    """The newest of what was done, by these filters."""
    return {"rows": audit.newest(**{name: request.args[name] for name in FILTERS if name in request.args})}


@blueprint.get("/audit/verify")
def verify() -> dict[str, Any]:
    """Whether every row is the one that was written, also up to a head that was noted (`?n=…&chain=…`)."""
    n, chain = request.args.get("n", ""), request.args.get("chain", "")
    if not n and not chain:
        return auditing.verify()
    if not (n.isascii() and n.isdigit() and len(n) < 19 and chain):
        raise Invalid("A noted head has both: its number 'n', and its 'chain'.")
    return auditing.verify((int(n), chain))
