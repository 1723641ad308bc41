"""Linking a chat user to an account: the link that chat gives, and the account's page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chatting import ANN, BEN, chat, link, scene
from flask.testing import FlaskClient
from pouring import OWNER, owner
from trails import trail
from visiting import PASSWORD, come_as, csrf, send

from pillar_service.core.errors import NotFound
from pillar_service.store import database
from pillar_service.store.chat import chat_people
from pillar_service.store.meeseeks import aliases as alias_rows
from pillar_service.store.people import mails
from pillar_service.usecases.meeseeks import aliases, people, tokens
from pillar_service.usecases.people import leaving


@pytest.fixture
def person(visitor: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Callable[[], None]) -> str:
    """Someone who is signed in, with mail going into a file; the account's id."""
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mail")
    service()
    id = owner()
    come_as(visitor)
    return id


def given(id: str = ANN) -> str:
    """The path of the link that a chat user gets."""
    return people.invite(chat(id)).removeprefix("http://cellar.test")


def test_who_opens_their_link_and_says_yes_is_that_chat_user(visitor: FlaskClient, person: str) -> None:
    path = given()
    page = visitor.get(path)
    assert "T01/U01" in page.text
    assert OWNER in page.text
    assert people.listed(person) == []  # Opening the page changes nothing.
    answer = visitor.post(path, data={"csrf_token": csrf(page)})
    assert answer.location == "/account/second-factor"
    assert [one["user"] for one in people.listed(person)] == [ANN]
    caller = chat().caller
    assert caller is not None
    assert caller.email == OWNER
    assert "T01/U01 in Slack is now linked to you" in visitor.get("/account").text
    assert trail(f"agent:{person}")[-1]["detail"] == "T01/U01"
    [mail] = mails.Mail.select()
    assert (mail.recipient, "T01/U01 in Slack is now linked to your account" in mail.text) == (OWNER, True)
    for again in (visitor.get(path), send(visitor, path)):
        assert again.status_code == 404


def test_a_link_needs_somebody_signed_in_and_a_form_of_ours(visitor: FlaskClient, person: str) -> None:
    path = given()
    assert visitor.post(path).status_code == 400
    stranger = visitor.application.test_client()
    for answer in (stranger.get(path), stranger.get("/chat/link/guessed")):
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/sign-in")
    assert people.listed(person) == []


def test_a_guessed_used_or_old_link_is_the_same_nothing(visitor: FlaskClient, person: str) -> None:
    old = given()
    with database.transaction():
        chat_people.ChatLink.update(expires_at=1.0).execute()
    said = {visitor.get(path).text.split("<main")[1].split("Number")[0] for path in (old, "/chat/link/guessed")}
    assert len(said) == 1
    for path in (old, "/chat/link/guessed"):
        assert send(visitor, path).status_code == 404


def test_a_chat_user_who_is_somebody_becomes_nobody_else(visitor: FlaskClient, person: str) -> None:
    other = owner("other@example.org")
    link(ANN, other)
    answer = send(visitor, given())
    assert (answer.status_code, "is linked to another account here" in answer.text) == (409, True)
    assert (people.listed(person), [one["user"] for one in people.listed(other)]) == ([], [ANN])
    [mail] = mails.Mail.select()
    assert (mail.recipient, "tried to link the user T01/U01 in Slack" in mail.text) == ("other@example.org", True)
    assert trail(f"agent:{other}")[-1]["action"] == "meeseeks.link_refused"


def test_a_refused_link_is_used_up_and_mails_once(visitor: FlaskClient, person: str) -> None:
    link(ANN, owner("other@example.org"))
    path = given()
    assert [send(visitor, path).status_code for _ in range(2)] == [409, 404]
    assert mails.Mail.select().count() == 1


def test_who_ended_it_or_is_the_same_may_say_who_they_are_again(visitor: FlaskClient, person: str) -> None:
    other = owner("other@example.org")
    link(ANN, other)
    people.unlink(other, "T01", ANN)
    assert [send(visitor, given()).status_code for _ in range(2)] == [302, 302]
    assert [one["user"] for one in people.listed(person)] == [ANN]


def test_the_account_lists_who_one_is_and_ends_it(visitor: FlaskClient, person: str) -> None:
    other = owner("other@example.org")
    link(ANN, person)
    link(BEN, other)
    assert "T01/U01" in visitor.get("/account").text
    assert "T01/U02" not in visitor.get("/account").text
    assert send(visitor, "/account/chat/T01/U02/unlink").status_code == 404
    assert send(visitor, "/account/chat/T01/U01/unlink").status_code == 302
    assert (people.listed(person), len(people.listed(other))) == ([], 1)


def test_who_leaves_is_nobody_in_chat_and_their_tokens_run_nothing(visitor: FlaskClient, person: str) -> None:
    scene()
    link(ANN, person)
    secret = tokens.make(chat(), "any")["secret"]
    aliases.alias(chat(), "mine", "any")
    assert leaving.data(person)["chat"][0]["user"] == ANN
    leaving.delete(person, OWNER, PASSWORD, None)
    assert people.listed(person) == []
    assert alias_rows.of("chat:T01/U01") == []
    assert tokens.listed(chat()) == []
    with pytest.raises(NotFound):
        people.unlink(person, "T01", ANN)
    assert secret
