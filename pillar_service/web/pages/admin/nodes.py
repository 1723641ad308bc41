"""Nodes."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from pillar_service.core.errors import Conflict, Forbidden, Invalid, NotFound
from pillar_service.core.nodes import labels
from pillar_service.usecases.admin import nodes
from pillar_service.usecases.nodes import draining, enrolment_tokens, losing, node_keys, node_terms
from pillar_service.usecases.nodes import nodes as node_cases
from pillar_service.web.pages.admin.door import actor, asked, blueprint
from pillar_service.web.pages.forms import Form
from pillar_service.web.pages.node_bots import Terms
from pillar_service.web.pages.node_lost import Lost
from pillar_service.web.pages.nodes import Forget, Token


class Labels(Form):
    """A node's labels."""

    labels = TextAreaField("Labels", [Length(max=8000)])


class AnyToken(Token):
    """What a token lets in, and for which account."""

    account = StringField("Whose node", [Length(max=320)])


@blueprint.get("/nodes", endpoint="nodes")
def listed() -> str:
    """List all nodes."""
    return _page(AnyToken(formdata=None))


def _page(form: AnyToken, wrong: str | None = None) -> str:
    filters = asked("account", "label")
    told = {"page": nodes.listed(**filters), "tokens": enrolment_tokens.listed()}
    return render_template("admin/nodes.html", asked=filters, form=form, wrong=wrong, **told)


@blueprint.post("/nodes/tokens", endpoint="node_token")
def create() -> Any:
    """Make an enrolment token for an account, or for the place itself; its secret is shown this once."""
    form = AnyToken()
    try:
        if not form.validate_on_submit():
            raise Invalid("Something in the form is not right: correct it and send it again.")
        made = enrolment_tokens.create(actor(), form.account.data or None, **form.told())
    except (Invalid, Conflict, Forbidden, NotFound) as error:
        return _page(form, error.sentence), error.status
    return render_template("node_token_made.html", token=made, back=url_for("admin.nodes"))


@blueprint.post("/nodes/tokens/<id>/revoke", endpoint="node_token_revoke")
def revoke_token(id: str) -> Any:
    """Revoke an enrolment token."""
    enrolment_tokens.revoke(actor(), id)
    flash("The token no longer lets anybody in.")
    return redirect(url_for("admin.nodes"))


@blueprint.post("/nodes/<id>/revoke", endpoint="node_revoke")
def revoke(id: str) -> Any:
    """Cut a node off: its key is revoked."""
    node_keys.revoke(actor(), id)
    flash(f"{id} is cut off.")
    return redirect(url_for("admin.node", id=id))


@blueprint.post("/nodes/<id>/forget", endpoint="node_forget")
def forget(id: str) -> Any:
    """Forget a node that is cut off."""
    told = nodes.show(id)
    try:
        node_keys.forget(actor(), Forget().read(id))
    except (Invalid, Conflict) as error:
        return _node(told, refused=error.sentence), error.status
    flash(f"{id} is forgotten.")
    return redirect(url_for("admin.nodes"))


@blueprint.post("/nodes/<id>/rotate", endpoint="node_rotate")
def rotate(id: str) -> Any:
    """Tell a node to make itself a new key."""
    job = node_keys.rotate(actor(), id)
    flash(f"{id} is told to make itself another key.")
    return redirect(url_for("admin.job", id=job["id"]))


@blueprint.get("/nodes/<id>", endpoint="node")
def show(id: str) -> str:
    """Show one node."""
    return _node(nodes.show(id))


def _node(
    told: dict[str, Any],
    form: Labels | None = None,
    terms: Terms | None = None,
    wrong: str | None = None,
    refused: str | None = None,
) -> str:
    its = node_terms.show(told["node"]["id"])
    forms = {"form": form or _form(told), "terms": terms or Terms.of(its)}
    going = draining.show(told["node"]["id"])
    return render_template("admin/node.html", **told, **forms, its=its, going=going, wrong=wrong, refused=refused)


def _form(told: dict[str, Any]) -> Labels:
    return Labels(formdata=None, data={"labels": labels.written(told["node"]["labels"])})


@blueprint.post("/nodes/<id>/label", endpoint="label")
def label(id: str) -> Any:
    """Replace a node's labels."""
    told, form = nodes.show(id), Labels()
    try:
        if not form.validate_on_submit():
            raise Invalid("That is too long: shorten it.")
        node_cases.label(actor(), id, labels.read(form.labels.data or ""))
    except Invalid as error:
        return _node(told, form=form, wrong=error.sentence), error.status
    flash("The labels are set.")
    return redirect(url_for("admin.node", id=id))


@blueprint.post("/nodes/<id>/terms", endpoint="node_terms")
def terms(id: str) -> Any:
    """Set whose bots a node takes, and how many."""
    told, form = nodes.show(id), Terms()
    try:
        sharing, emails, most = form.read()
        node_terms.set(actor(), id, sharing, emails, most)
    except Invalid as error:
        return _node(told, terms=form, wrong=error.sentence), error.status
    flash("Saved: it takes bots by these rules from now on.")
    return redirect(url_for("admin.node", id=id))


@blueprint.post("/nodes/<id>/drain", endpoint="node_drain")
def drain(id: str) -> Any:
    """Drain a node: move its bots to other nodes."""
    draining.drain(actor(), id)
    flash("It takes no new bots now, and its bots move to other nodes, one by one.")
    return redirect(url_for("admin.node", id=id))


@blueprint.post("/nodes/<id>/undrain", endpoint="node_undrain")
def undrain(id: str) -> Any:
    """Let a node take new bots again."""
    draining.undrain(actor(), id)
    flash("It takes new bots again. Moves under way go on.")
    return redirect(url_for("admin.node", id=id))


@blueprint.route("/nodes/<id>/lost", endpoint="node_lost", methods=["GET", "POST"])
def lost(id: str) -> Any:
    """Ask whether a node is lost, then declare it lost."""
    its, form, wrong = losing.show(id), Lost(), None
    if form.is_submitted():
        try:
            losing.declare(actor(), id, form.read(id))
        except (Invalid, Conflict) as error:
            wrong = error
        else:
            flash(f"{id} is lost, and cut off. Its bots can be restored.")
            return redirect(url_for("admin.node", id=id))
    told = {"its": its, "node": its["node"], "form": form, "wrong": wrong and wrong.sentence}
    return render_template("admin/node_lost.html", **told), wrong.status if wrong else 200
