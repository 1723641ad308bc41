"""Payments, for operators and the masters' schedule."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.payments import payments, taking_back
from pillar_service.web import incoming

blueprint = Blueprint("payments", __name__)


@blueprint.get("/payments")
def listed() -> dict[str, Any]:
    """List how every account stands."""
    return {"payments": payments.listed()}


@blueprint.get("/payments/<account>")
def show(account: str) -> dict[str, Any]:
    """Show how one account stands, and what it paid."""
    return {"payment": payments.of_account(account)}


@blueprint.post("/payments/<account>")
def mark_paid(account: str) -> dict[str, Any]:
    """Mark a number of months as paid."""
    months = incoming.body("months").get("months")
    return {"payment": payments.mark_paid(g.actor, account, months, incoming.key())}


@blueprint.delete("/payments/<account>/<payment>")
def take_back(account: str, payment: str) -> dict[str, Any]:
    """Take back a payment that was marked by mistake. More than one call does no harm."""
    return {"payment": taking_back.take_back(g.actor, account, payment)}


@blueprint.post("/payments/run")
def run() -> dict[str, Any]:
    """Do what is due. More than one call does no harm."""
    return payments.run_due()
