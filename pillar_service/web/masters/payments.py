"""Payments, for operators and the masters' schedule."""

from typing import Any

from flask import Blueprint, g

from pillar_service.usecases.payments import payments, taking_back
from pillar_service.web import incoming

blueprint = Blueprint("payments", __name__)


@blueprint.get("/payments")
def listed() -> dict[str, Any]:
    """How every account stands."""
    return {"payments": payments.listed()}


@blueprint.get("/payments/<account>")
def show(account: str) -> dict[str, Any]:
    """How one account stands, and what it paid."""
    return {"payment": payments.of_account(account)}


@blueprint.post("/payments/<account>")
def mark_paid(account: str) -> dict[str, Any]:
    """So many months are paid."""
    months = incoming.body("months").get("months")
    return {"payment": payments.mark_paid(g.actor, account, months, incoming.key())}


@blueprint.delete("/payments/<account>/<payment>")
def take_back(account: str, payment: str) -> dict[str, Any]:
    """What was marked as paid was not; twice does no harm."""
    return {"payment": taking_back.take_back(g.actor, account, payment)}


@blueprint.post("/payments/run")
def run() -> dict[str, Any]:
    """Do what is due; twice does no harm."""
    return payments.run_due()
