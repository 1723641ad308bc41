"""The landing page."""

from flask import Blueprint, render_template

blueprint = Blueprint("landing", __name__)


@blueprint.get("/")
def landing() -> str:
    """What this place is, and the way in."""
    return render_template("landing.html")
