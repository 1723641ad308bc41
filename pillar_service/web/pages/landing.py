"""The landing page."""

from flask import Blueprint, render_template

from pillar_service.settings import settings

blueprint = Blueprint("landing", __name__)


@blueprint.get("/")
def landing() -> str:
    """Show what this place is, what it costs, and how to start."""
    return render_template("landing.html", chosen=settings())
