"""Declaring a person's own node lost."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from wtforms import BooleanField, StringField
from wtforms.validators import Length

from pillar_service.core.errors import Conflict, Invalid
from pillar_service.usecases.nodes import losing
from pillar_service.web.pages.forms import Form
from pillar_service.web.signing import login_required

blueprint = Blueprint("node_lost", __name__)


class Lost(Form):
    """Declaration that a node is lost, confirmed by its name."""

    typed = StringField("The machine's name, to be sure", [Length(max=200)])
    anyway = BooleanField("It was heard from just now, but will never run its bots again")

    def read(self, id: str) -> bool:
        """Whether to declare it lost though it was heard from just now. Raises Invalid if the name is not the node's."""
        if not self.validate_on_submit() or (self.typed.data or "").strip() != id:
            raise Invalid(f"Type {id} to confirm.")
        return bool(self.anyway.data)


@blueprint.get("/nodes/<id>/lost")
@login_required
def form(id: str) -> str:
    """Show what declaring a node lost means, with the form."""
    return _page(losing.show_of(current_user.id, id), Lost(formdata=None))


def _page(its: dict[str, Any], form: Lost, wrong: str | None = None) -> str:
    return render_template("node_lost.html", its=its, node=its["node"], form=form, wrong=wrong)


@blueprint.post("/nodes/<id>/lost")
@login_required
def declare(id: str) -> Any:
    """Declare a node lost."""
    its, form = losing.show_of(current_user.id, id), Lost()
    try:
        losing.declare_of(current_user.id, id, form.read(id))
    except (Invalid, Conflict) as error:
        return _page(its, form, error.sentence), error.status
    flash(f"{id} is lost, and cut off. Its bots can be restored on another machine: each has a button on its page.")
    return redirect(url_for("node_bots.show", id=id))
