"""What forms say about invalid input: what to do, never WTForms' own sentences."""

import io

import pytest
from flask.testing import FlaskClient
from forms import fill
from pouring import poured
from visiting import csrf, send

from pillar_service.web.pages.forms import SAID


@pytest.mark.parametrize(
    ("uses", "sentence"),
    [
        ("0", "Enter a number from 1 to 1000."),
        ("x", "That is not a whole number. Enter a number from 1 to 1000."),
        ("", "Say for how many."),
        ("9" * 400, "Enter a number from 1 to 1000."),
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
    assert "Choose one of the options." in page.text


@pytest.mark.parametrize("where", ["/sign-in", "/start", "/forgotten"])
def test_a_file_in_the_place_of_a_text_is_no_text(visitor: FlaskClient, where: str) -> None:
    form = {"csrf_token": csrf(visitor.get(where)), "password": "x", "email": (io.BytesIO(b"x"), "x.txt")}
    page = visitor.post(where, data=form)
    assert page.status_code == 422
    assert "Enter your e-mail address." in page.text


@pytest.mark.parametrize("body", [[1], "x", 5, {"email": 5, "password": {"a": 1}}])
def test_json_in_the_place_of_a_form_is_no_form(visitor: FlaskClient, body: object) -> None:
    headers = {"X-CSRFToken": csrf(visitor.get("/sign-in"))}
    page = visitor.post("/sign-in", json=body, headers=headers)
    assert page.status_code == 422
    assert "Enter your e-mail address." in page.text


def test_of_an_import_the_tar_alone_is_a_file(visitor: FlaskClient, at_home: str) -> None:
    form = fill(visitor.get("/bots/import"), tar=(io.BytesIO(b"x"), "my.tar"), name=(io.BytesIO(b"x"), "x.txt"))
    page = visitor.post("/bots/import", data=form)
    assert page.status_code == 422
    assert "Give it a name." in page.text


def test_one_and_many_are_said_alike_as_wtforms_asks_for_them() -> None:
    one, many = "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters."
    assert SAID.ngettext(one, many, 2) == "Write at most %(max)d characters."
    assert SAID.ngettext(one, many, 1) == one  # no field here is limited to one character
