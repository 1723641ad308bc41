"""A person's own nodes: their state and events, enrolment tokens, cutting a node off, rotating its key."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Conflict, Forbidden, Invalid
from pillar_service.core.events.events import Filter, Kind, Severity
from pillar_service.core.nodes import enrolment as rules
from pillar_service.core.nodes import labels
from pillar_service.core.nodes.wheels import needed
from pillar_service.usecases.events import stories
from pillar_service.usecases.nodes import enrolment_tokens, facts, node_keys, standings, wheels
from pillar_service.web import incoming
from pillar_service.web.pages.forms import Between, Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("nodes", __name__)


class Token(Form):
    """What an enrolment token lets in."""

    pattern = StringField("Names it lets in", [Length(max=40)], default="*")
    labels = StringField("Labels", [Length(max=2000)])
    uses = IntegerField("For how many machines", [InputRequired("Say how many."), Between(*rules.USES)], default=1)
    life = StringField("For how long", [Length(max=20)], default="1h")
    replaces = BooleanField("Also for a node that lost its disk: it gets a new key")

    def told(self) -> dict[str, Any]:
        """The fields, as the use case takes them. Raises Invalid."""
        return {
            "pattern": self.pattern.data or "*",
            "labels": labels.read(self.labels.data or ""),
            "uses": self.uses.data,
            "life": self.life.data or rules.DEFAULT_LIFE_S,
            "replaces": bool(self.replaces.data),
        }


@blueprint.get("/nodes")
@login_required
def listed() -> str:
    """List the person's nodes and enrolment tokens."""
    return _page(Token(formdata=None))


def _page(form: Token, wrong: str | None = None, refused: str | None = None) -> str:
    told = {
        "nodes": node_keys.listed_of(current_user.id),
        "tokens": enrolment_tokens.listed_of(current_user.id),
        "needed": needed(wheels.fits()),
    }
    return render_template(
        "nodes.html", form=form, wrong=wrong, refused=refused, standing=standings.of(current_user.id), **told
    )


@blueprint.get("/nodes/<id>/story")
@login_required
def story(id: str) -> str:
    """Show a node's events in the order in which it sent them."""
    return render_template("story.html", **stories.story(current_user.id, id, request.args.get("before", "")))


@blueprint.get("/nodes/registry")
@login_required
def registry() -> str:
    """Show the facts of all nodes."""
    return render_template("registry.html", page=facts.listed(current_user.id, request.args.get("before", "")))


@blueprint.get("/nodes/<id>/facts")
@login_required
def told(id: str) -> str:
    """Show one node's facts, and how they changed."""
    return render_template("facts.html", **facts.show(current_user.id, id, incoming.before()))


@blueprint.get("/nodes/events")
@login_required
def events() -> str:
    """List the events of all nodes, the newest first."""
    asked = {name: request.args.get(name, "") for name in ("node", "kind", "severity")}
    page = stories.page(current_user.id, Filter.read(**asked), request.args.get("before", ""))
    shown = {
        "nodes": list(standings.of(current_user.id)),
        "kinds": list(Kind),
        "severities": [one.name.lower() for one in Severity],
    }
    return render_template("node_events.html", asked=asked, **shown, **page)


@blueprint.post("/nodes/tokens")
@login_required
def create() -> Any:
    """Make an enrolment token, and show how to use it; its secret is shown this once."""
    form = Token()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        made = enrolment_tokens.create_for(current_user.id, **form.told())
    except (Invalid, Conflict, Forbidden) as error:
        return _page(form, error.sentence), error.status
    return render_template("node_token_made.html", token=made, back=url_for("nodes.listed"))


@blueprint.post("/nodes/tokens/<id>/revoke")
@login_required
def revoke_token(id: str) -> Any:
    """Revoke an enrolment token."""
    enrolment_tokens.revoke_of(current_user.id, id)
    flash("The token no longer lets anybody in.")
    return redirect(url_for("nodes.listed"))


@blueprint.post("/nodes/<id>/revoke")
@login_required
def revoke(id: str) -> Any:
    """Cut a node off: its key is revoked."""
    node = node_keys.revoke_of(current_user.id, id)
    flash(f"{node['id']} is cut off. To let it in again, make a token and run the script there with --new-key.")
    return redirect(url_for("nodes.listed"))


@blueprint.post("/nodes/<id>/rotate")
@login_required
def rotate(id: str) -> Any:
    """Tell a node to make itself a new key."""
    node_keys.rotate_of(current_user.id, id)
    flash(f"{id} makes itself another key as soon as it hears of this; its old key stops working then.")
    return redirect(url_for("nodes.listed"))


class Forget(Form):
    """Forgetting a node, confirmed by its name."""

    typed = StringField("The machine's name, to be sure", [Length(max=200)])

    def read(self, id: str) -> str:
        """The node's id. Raises Invalid if what was typed is another."""
        if not self.validate_on_submit() or (self.typed.data or "").strip() != id:
            raise Invalid(f"Type {id} to confirm.")
        return id


@blueprint.post("/nodes/<id>/forget")
@login_required
def forget(id: str) -> Any:
    """Forget a node that is cut off."""
    node_keys.of(current_user.id, id)
    try:
        node_keys.forget_of(current_user.id, Forget().read(id))
    except (Invalid, Conflict) as error:
        return _page(Token(formdata=None), refused=error.sentence), error.status
    flash(f"{id} is forgotten. A token lets its machine in again, with a new key.")
    return redirect(url_for("nodes.listed"))
