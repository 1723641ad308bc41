"""The health of the service: the operators' first page."""

import time

from flask import render_template

from pillar_service.usecases.service import backup_rounds, overview
from pillar_service.web.pages.admin.door import blueprint


@blueprint.get("", endpoint="health")
def health() -> str:
    """Show the state of service, backups, queue and masters."""
    told = {
        "backups": backup_rounds.standing(time.time()),
        "service": overview.service(),
        "queue": overview.queue(),
        **overview.masters(),
    }
    return render_template("admin/health.html", **told)
