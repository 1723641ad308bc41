"""The base of all forms of the pages: Flask-WTF's, with error messages that say what to do."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from wtforms.validators import NumberRange, ValidationError

SENTENCES = {
    "This field is required.": "Fill this in.",
    "Field cannot be longer than %(max)d characters.": "Write at most %(max)d characters.",
    "Not a valid integer value.": "That is not a whole number.",
    "Number must be between %(min)s and %(max)s.": "Enter a number from %(min)s to %(max)s.",
    "Not a valid choice.": "Choose one of the options.",
    "'%(value)s' is not a valid choice for this field.": "Choose from the options.",
    "'%(value)s' are not valid choices for this field.": "Choose from the options.",
}
"""Our words for WTForms' own error messages."""


class _Said:
    """Translations, with the methods that WTForms calls."""

    def gettext(self, text: str) -> str:
        return SENTENCES.get(text, text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.gettext(one if n == 1 else many)


SAID = _Said()


class Form(FlaskForm):  # type: ignore[misc]
    """A form of a page."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """How WTForms makes the form."""

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """The form fields that were sent, unless data is given: Flask-WTF would take files or JSON for text."""
            is_asked = formdata is _Auto and request.method in ("POST", "PUT", "PATCH", "DELETE")
            return (request.form or None) if is_asked else super().wrap_formdata(form, formdata)

        def get_translations(self, form: FlaskForm) -> _Said:
            """Our error messages in place of WTForms' own."""
            return SAID


class Between(NumberRange):  # type: ignore[misc]
    """The validator of a number's bounds: WTForms' own, which fails for one that is too large to be a float."""

    def __call__(self, form: Any, field: Any) -> None:
        try:
            super().__call__(form, field)
        except OverflowError as error:
            said = SENTENCES["Number must be between %(min)s and %(max)s."]
            raise ValidationError(said % {"min": self.min, "max": self.max}) from error
