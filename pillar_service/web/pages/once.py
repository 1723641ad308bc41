"""Forms that ask for something once: who asks, and a key that makes a form sent twice one job."""

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
    """A key for a form that is shown: however often that is sent, it asks once."""
    return secrets.token_urlsafe(12)


class Once(Form):
    """A form that asks for something once. Its key is made when the form is shown."""

    key = HiddenField(default=new_key, validators=[InputRequired(), Length(max=64)])

    def was_sent(self) -> str | None:
        """The id of the job that this very form made before, or None."""
        return jobs.asked_before(actor(), self.key.data)

    def again(self) -> None:
        """Show it once more after a refusal: as nothing was made, the next sending is another request."""
        self.key.data = new_key()


def actor() -> str:
    """Who asks, as the audit names them."""
    return f"account:{current_user.id}"


def sent_key() -> str:
    """The key of a form that has nothing else in it; raises Invalid when it came without."""
    form = Once()
    if not form.validate_on_submit():
        raise Invalid("The form came without its key: go back, reload the page, send it again.")
    return str(form.key.data)


def refused(template: str, form: Once, error: Exception | None = None, **more: Any) -> tuple[str, int]:
    """The form once more, with what is wrong."""
    form.again()
    said = str(error) if error else TOO_LONG if "csrf_token" in form.errors else None
    return render_template(template, form=form, wrong=said, **more), getattr(error, "status", 422)
