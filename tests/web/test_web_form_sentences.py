"""What forms say of what can't be taken: what to do, never WTForms' own sentences."""

import pytest
from flask.testing import FlaskClient
from pouring import poured
from visiting import csrf, send

from pillar_service.web.pages.forms import SAID


@pytest.mark.parametrize(
    ("uses", "sentence"),
    [
        ("0", "Write a number from 1 to 1000."),
        ("x", "That is no whole number. Write a number from 1 to 1000."),
        ("", "Say for how many."),
    ],
)
def test_a_number_that_can_not_be_taken(visitor: FlaskClient, at_home: str, uses: str, sentence: str) -> None:
    poured()
    form = {"csrf_token": csrf(visitor.get("/bots/my/invites")), "note": "", "uses": uses, "once": "a"}
    page = visitor.post("/bots/my/invites/make", data=form)
    assert page.status_code == 422
    assert sentence in page.text


def test_what_is_too_long(visitor: FlaskClient, at_home: str) -> None:
    page = send(visitor, "/account/name", **{"name-name": "x" * 201})
    assert page.status_code == 422
    assert "Write at most 200 characters." in page.text


def test_what_nobody_offered(visitor: FlaskClient, at_home: str) -> None:
    page = send(visitor, "/account/forwardings", way="pigeon", address="https://example.org")
    assert page.status_code == 422
    assert "Choose one of those that are offered." in page.text


def test_one_and_many_are_said_alike_as_wtforms_asks_for_them() -> None:
    one, many = "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters."
    assert SAID.ngettext(one, many, 2) == "Write at most %(max)d characters."
    assert SAID.ngettext(one, many, 1) == one  # nothing here is one character at most
