"""The bots of a person's own node: whose bots it takes, how many, and which it has."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from pillar_service.core.errors import Forbidden, Invalid
from pillar_service.core.nodes.rooms import Sharing
from pillar_service.core.people.permissions import NodeAct
from pillar_service.usecases.nodes import draining, node_terms, nodes
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("node_bots", __name__)

CHOICES = {Sharing.OWN: "those of its own account", Sharing.NAMED: "those of named accounts, too", Sharing.ALL: "all"}


class Terms(Form):
    """Whose bots a node takes, and how many."""

    sharing = SelectField("Bots it takes", choices=[SelectChoice(str(key), said) for key, said in CHOICES.items()])
    emails = TextAreaField("Named accounts", [Length(max=30_000)])
    most = StringField("Bots at most", [Length(max=5)])

    @classmethod
    def of(cls, its: dict[str, Any]) -> "Terms":
        """The form, filled in with what is set now."""
        node = its["node"]
        most = "" if node["bots_most"] is None else str(node["bots_most"])
        return cls(formdata=None, sharing=node["sharing"], emails="\n".join(its["emails"]), most=most)

    def read(self) -> tuple[str, list[str], int | str | None]:
        """Sharing, e-mail addresses and limit. Raises Invalid."""
        if not self.validate_on_submit():
            raise Invalid("Something in the form is not right: correct it and send it again.")
        most = (self.most.data or "").strip()
        emails = (self.emails.data or "").replace(",", " ").split()
        return str(self.sharing.data), emails, (int(most) if most.isascii() and most.isdigit() else most or None)


def _page(id: str, form: Terms | None = None, wrong: str | None = None) -> str:
    its, going = node_terms.show_of(current_user.id, id), draining.show(id, current_user.id)
    shown = {"its": its, "node": its["node"], "going": going}
    return render_template("node_bots.html", **shown, form=form or Terms.of(its), wrong=wrong)


@blueprint.get("/nodes/<id>/bots")
@login_required
def show(id: str) -> str:
    """Show which bots a node takes and has."""
    return _page(id)


@blueprint.post("/nodes/<id>/bots")
@login_required
def take(id: str) -> Any:
    """Set whose bots a node takes, and how many."""
    nodes.allowed(current_user.id, NodeAct.OFFER, id)
    form = Terms()
    try:
        node_terms.set_of(current_user.id, id, *form.read())
    except (Invalid, Forbidden) as error:
        return _page(id, form, error.sentence), error.status
    flash("Saved: it takes bots by these rules from now on.")
    return redirect(url_for("node_bots.show", id=id))


@blueprint.post("/nodes/<id>/drain")
@login_required
def drain(id: str) -> Any:
    """Drain a node: move its bots to other nodes."""
    draining.drain_of(current_user.id, id)
    flash("It takes no new bots now, and its bots move to other machines, one by one.")
    return redirect(url_for("node_bots.show", id=id))


@blueprint.post("/nodes/<id>/undrain")
@login_required
def undrain(id: str) -> Any:
    """Let a node take new bots again."""
    draining.undrain_of(current_user.id, id)
    flash("It takes new bots again. Moves under way go on.")
    return redirect(url_for("node_bots.show", id=id))
