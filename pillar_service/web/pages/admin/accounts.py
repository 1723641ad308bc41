"""Accounts."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from wtforms import HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.names import new_id
from pillar_service.core.payments.payments import span
from pillar_service.core.people.agents import AccountRole, AccountState
from pillar_service.usecases.admin import accounts
from pillar_service.usecases.payments import payments
from pillar_service.web.pages.admin.door import actor, asked, blueprint, person
from pillar_service.web.pages.forms import Between, Form

SECOND_FACTOR_OFF = "turn off the second factor of"


class Reason(Form):
    """Why an account is suspended or resumed."""

    reason = StringField("Why (kept in the audit)", [InputRequired("Say why."), Length(max=accounts.REASON_LENGTH)])


class Paid(Form):
    """How many months were paid; the key makes a form that is sent twice count once."""

    months = IntegerField("Months paid", [InputRequired("Say how many."), Between(1, payments.MOST_MONTHS)], default=1)
    key = HiddenField(validators=[Length(max=32)])


@blueprint.get("/accounts", endpoint="accounts")
def listed() -> str:
    """All accounts."""
    filters = asked("state", "role", "since", "until")
    known = {"states": list(AccountState), "roles": list(AccountRole)}
    return render_template("admin/accounts.html", page=accounts.listed(**filters), asked=filters, **known)


@blueprint.get("/accounts/<id>", endpoint="account")
def show(id: str) -> str:
    """One account."""
    return _page(id, Paid(formdata=None, key=new_id()))


def _page(id: str, form: Paid) -> str:
    return render_template("admin/account.html", **accounts.show(id), form=form if accounts.takes_payments() else None)


@blueprint.route("/accounts/<id>/suspend", endpoint="suspend", methods=["GET", "POST"])
def suspend(id: str) -> Any:
    """Ask for a reason, then suspend an account."""
    return _confirmed(id, "suspend", lambda reason: accounts.suspend(actor(), person() or "", id, reason))


@blueprint.route("/accounts/<id>/resume", endpoint="resume", methods=["GET", "POST"])
def resume(id: str) -> Any:
    """Ask for a reason, then resume an account."""
    return _confirmed(id, "resume", lambda reason: accounts.resume(actor(), id, reason))


@blueprint.route("/accounts/<id>/second-factor-off", endpoint="second_factor_off", methods=["GET", "POST"])
def second_factor_off(id: str) -> Any:
    """Ask for a reason, then turn an account's second factor off."""
    ask = lambda reason: accounts.take_second_factor_off(actor(), person() or "", id, reason)  # noqa: E731
    return _confirmed(id, SECOND_FACTOR_OFF, ask)


def _confirmed(id: str, act: str, carry_out: Any) -> Any:
    form = Reason()
    if not form.validate_on_submit():
        told = render_template("admin/confirm.html", **accounts.show(id), act=act, form=form)
        return told, 422 if request.method == "POST" else 200
    done = carry_out(form.reason.data)
    if act == SECOND_FACTOR_OFF:
        flash(f"{done['agent']['email']} now signs in by password alone, and was told by mail.")
    else:
        told = len(done["jobs"])
        flash(
            f"{done['agent']['email']} is now {done['agent']['state']}; {told} bot{'s are' if told != 1 else ' is'} being told."
        )
    return redirect(url_for("admin.account", id=done["agent"]["id"]))


@blueprint.post("/accounts/<id>/paid", endpoint="paid")
def paid(id: str) -> Any:
    """Mark a number of months as paid."""
    form = Paid()
    if not form.validate_on_submit():
        return _page(id, form), 422
    accounts.mark_paid(actor(), id, form.months.data, form.key.data or None)
    flash(f"Marked as paid: {span(form.months.data)}.")
    return redirect(url_for("admin.account", id=id))


@blueprint.post("/accounts/<id>/paid/<payment>/take-back", endpoint="take_back")
def take_back(id: str, payment: str) -> Any:
    """Take back months that were marked by mistake."""
    accounts.take_back(actor(), id, payment)
    flash("Taken back: those months no longer count.")
    return redirect(url_for("admin.account", id=id))
