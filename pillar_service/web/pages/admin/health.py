"""The health of the service: the first of the operators' pages."""

from flask import render_template

from pillar_service.usecases import overview
from pillar_service.web.pages.admin.door import blueprint


@blueprint.get("", endpoint="health")
def health() -> str:
    """Service, queue and masters."""
    told = {"service": overview.service(), "queue": overview.queue(), **overview.masters()}
    return render_template("admin/health.html", **told)
