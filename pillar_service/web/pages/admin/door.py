"""The door of the operators' pages: decides who is let in, and reads the filters from an address.

Whoever is no operator gets the answer for an address that does not exist, whatever the method, so that nobody learns of
these pages. Therefore this check comes before CSRF protection: the blueprint is exempt, and the check asks for it.
"""

from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.blueprints import BlueprintSetupState
from flask_login import current_user

from pillar_service.core.errors import Forbidden, NotFound
from pillar_service.usecases.admin import access

PREFIX = "/admin"

blueprint = Blueprint("admin", __name__, url_prefix=PREFIX)


@blueprint.record_once
def _ask_for_tokens_here(state: BlueprintSetupState) -> None:
    state.app.extensions["csrf"].exempt(blueprint)


@blueprint.before_app_request
def _admit() -> Any:
    if request.path != PREFIX and not request.path.startswith(f"{PREFIX}/"):
        return None
    try:
        access.admit(person())
    except NotFound:
        abort(404)
    except Forbidden as error:
        return render_template("admin/second_factor.html", sentence=error.sentence), error.status
    current_app.extensions["csrf"].protect()
    return None


def person() -> str | None:
    """The id of the account that is signed in, or None."""
    return str(current_user.id) if current_user.is_authenticated else None


def actor() -> str:
    """The actor, as the audit log names them."""
    return f"account:{person()}"


def asked(*names: str) -> dict[str, str]:
    """The values of these filters and of the cursor `before` in the address; an empty text if one is missing."""
    return {name: request.args.get(name, "").strip() for name in (*names, "before")}


def kept(asked: dict[str, str]) -> dict[str, Any]:
    """The filters that are set, without the cursor, for the address of another page."""
    return {name: value for name, value in asked.items() if value and name != "before"}


blueprint.add_app_template_filter(kept, "kept_filters")
