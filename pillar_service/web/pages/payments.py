"""The pages about paying: how one stands, the way to the provider and back."""

from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.people.agents import AccountState
from pillar_service.usecases.payments import payments
from pillar_service.usecases.service import storage
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("payments", __name__)


def standing() -> dict[str, Any]:
    """For every template: how who is signed in stands, as `payment`, and `is_suspended`; nothing when that can't be told."""
    nobody = {"payment": None, "is_suspended": False}
    try:
        if not current_user.is_authenticated:
            return nobody
        told = payments.standing(current_user.id, current_user.role)
        return {"payment": told, "is_suspended": current_user.state == AccountState.SUSPENDED}
    except (SaltcellarError, *storage.FAULTS):
        return nobody


def _page(about: dict[str, Any], **more: Any) -> str:
    return render_template("payment.html", about=about, form=Form(), **more)


@blueprint.get("/payment")
@login_required
def show() -> str:
    """State, until when, what it costs, what was paid."""
    return _page(payments.show(current_user.id))


@blueprint.post("/payment/pay")
@login_required
def pay() -> str:
    """To the provider's page, where one pays."""
    return render_template("payment_leave.html", address=payments.checkout(current_user.id), what="to pay")


@blueprint.post("/payment/manage")
@login_required
def manage() -> str:
    """To the provider's page, where one changes the card or cancels."""
    return render_template(
        "payment_leave.html", address=payments.portal(current_user.id), what="to change your card or cancel"
    )


@blueprint.get("/payment/thanks")
@login_required
def thanks() -> str:
    """Back from the provider, having paid."""
    return _page(payments.returned(current_user.id), came_from="thanks")


@blueprint.get("/payment/cancelled")
@login_required
def cancelled() -> str:
    """Back from the provider, not having paid."""
    return _page(payments.show(current_user.id), came_from="cancelled")
