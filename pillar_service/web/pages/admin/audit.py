"""The audit log."""

from flask import render_template

from pillar_service.usecases.admin import audit
from pillar_service.web.pages.admin.door import asked, blueprint


@blueprint.get("/audit", endpoint="audit")
def listed() -> str:
    """List who did what, and when."""
    filters = asked("actor", "action", "subject", "account", "since", "until")
    return render_template("admin/audit.html", page=audit.listed(**filters), asked=filters)
