"""Says in a sentence what is wrong with a request to the API."""

from typing import Any, NoReturn

from flask import g
from pydantic import BaseModel, ValidationError

from pillar_service.core.errors import Invalid
from pillar_service.core.names import shown
from pillar_service.web.api import shapes

IN_WORDS = {
    shapes.BOT_NAME: "use 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
    shapes.TAG: "send an ETag with its quotes, such as '\"7\"'",
    shapes.ANY_REVISION: "send '*', or leave it out",
    shapes.KEY_OF_REQUEST: "use printable ASCII characters",
    shapes.EVENT_TYPE: "use lower-case letters, digits, dots, hyphens and asterisks",
    shapes.LAST_LINE: "send the id of the last event that came, or leave it out",
    shapes.LAST_EVENT: "send the id of the last event that came, or leave it out",
}
"""What each pattern in shapes.py asks for, in words: a pattern says nothing to people."""


def refused(error: ValidationError) -> NoReturn:
    """Raise Invalid with a sentence about the first thing that is wrong."""
    wrong = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in wrong["loc"])
    if not where:
        raise Invalid(f"Send a JSON object with {' and '.join(g.fields)}.")
    if wrong["type"] == "extra_forbidden":
        raise Invalid(f"{shown(where)} is not known here{_known(where)}.")
    if wrong["type"] == "missing":
        raise Invalid(f"{shown(where)} is missing.")
    given = "" if isinstance(wrong["input"], BaseModel | dict) else f", not {shown(wrong['input'])}"
    raise Invalid(f"{shown(where)} is wrong: {_wanted(wrong)}{given}.")


def _known(where: str) -> str:
    return f"; known: {', '.join(sorted(g.fields))}" if "." not in where else ""


def _wanted(wrong: Any) -> str:
    pattern = wrong.get("ctx", {}).get("pattern")
    return IN_WORDS.get(pattern) or str(wrong["msg"]).lower()
