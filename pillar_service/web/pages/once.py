"""Forms that ask for something once: they carry a key, so that a form that is sent twice makes one job."""

import secrets
from typing import Any

from flask import render_template
from flask_login import current_user
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Invalid
from pillar_service.usecases.jobs import jobs
from pillar_service.web.pages.forms import Form

TOO_LONG = "The page was open for too long: send it again."


def new_key() -> str:
    """A new key for a form: however often the form is sent, the key makes one job."""
    return secrets.token_urlsafe(12)


class Once(Form):
    """A form that makes one job. Its key is made when the form is shown."""

    key = HiddenField(default=new_key, validators=[InputRequired(), Length(max=64)])

    def was_sent(self) -> str | None:
        """The id of the job that this form has made already, or None."""
        return jobs.asked_before(actor(), self.key.data)

    def again(self) -> None:
        """Give the form a new key before it is shown again: it made nothing, so the next sending is a new request."""
        self.key.data = new_key()


def actor() -> str:
    """The actor, as the audit log names them."""
    return f"account:{current_user.id}"


def sent_key() -> str:
    """The key of a form that has no other field. Raises Invalid if it is missing."""
    form = Once()
    if not form.validate_on_submit():
        raise Invalid("The form was sent without its key: go back, reload the page and send it again.")
    return str(form.key.data)


def refused(template: str, form: Once, error: Exception | None = None, **more: Any) -> tuple[str, int]:
    """Show the form again, with what is wrong."""
    form.again()
    said = str(error) if error else TOO_LONG if "csrf_token" in form.errors else None
    return render_template(template, form=form, wrong=said, **more), getattr(error, "status", 422)
