"""The payment pages: how an account stands, and the way to the provider and back."""

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
    """Give all templates `payment` and `is_suspended` of the account that is signed in.

    `payment` is None for visitors, and while the database is away.
    """
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
    """Show the state, the date until which it is paid, the price, and past payments."""
    return _page(payments.show(current_user.id))


@blueprint.post("/payment/pay")
@login_required
def pay() -> str:
    """Go to the provider's page for paying."""
    return render_template("payment_leave.html", address=payments.checkout(current_user.id), what="to pay")


@blueprint.post("/payment/manage")
@login_required
def manage() -> str:
    """Go to the provider's page for changing the card or cancelling."""
    return render_template(
        "payment_leave.html", address=payments.portal(current_user.id), what="to change your card or cancel"
    )


@blueprint.get("/payment/thanks")
@login_required
def thanks() -> str:
    """Come back from the provider after paying."""
    return _page(payments.returned(current_user.id), came_from="thanks")


@blueprint.get("/payment/cancelled")
@login_required
def cancelled() -> str:
    """Come back from the provider without paying."""
    return _page(payments.show(current_user.id), came_from="cancelled")
