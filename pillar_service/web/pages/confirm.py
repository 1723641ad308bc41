"""Confirmation: dangerous forms ask for the password again, and for a code if the second factor is on."""

from flask_login import current_user
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from pillar_service.core.errors import Unauthenticated
from pillar_service.usecases.people import codes
from pillar_service.usecases.people.confirming import confirm
from pillar_service.web.pages.forms import Form

EMPTY = "Enter your password."


class Confirm(Form):
    """The part of a form that asks for the password again; templates show the code's field if `asks_code`."""

    password = PasswordField("Your password", [Length(max=1000)])
    code = StringField("Code from your phone", [Length(max=100)])

    @property
    def asks_code(self) -> bool:
        """Whether this person must give a code, too."""
        return codes.is_on(current_user.id)


class MustConfirm(Confirm):
    """As `Confirm`, but the form can't be sent without the password."""

    password = PasswordField("Your password", [InputRequired(EMPTY), Length(max=1000)])


def confirmed(form: Confirm) -> bool:
    """Whether the form's password and code are right; if not, the form gets an error. Raises TooMany."""
    if not form.password.data:
        form.password.errors = [*form.password.errors, EMPTY]
        return False
    try:
        confirm(current_user.id, form.password.data, form.code.data or None)
    except Unauthenticated:
        said = "That is not right. Check the password" + (" and the code." if form.asks_code else ".")
        form.password.errors = [*form.password.errors, said]
        return False
    return True
