"""People with browsers: signing in, and sending the forms of pages."""

import re
import time
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, has_second_factor

from pillar_service.core.people.agents import Belonging
from pillar_service.store import database
from pillar_service.store.people import agents, mails
from pillar_service.store.people import second_factor as second_factors
from pillar_service.usecases.bots import bots
from pillar_service.usecases.people import accounts

PASSWORD, OPERATOR = "long enough 1", "op@example.org"


class SecondFactors:
    """Turns accounts' second factors on and off."""

    def add(self, account: str) -> None:
        with database.transaction():
            second_factors.put(account, "A" * 32, time.time())
            second_factors.turn_on(account)

    def drop(self, account: str) -> None:
        with database.transaction():
            second_factors.drop(account)


def csrf(page: Any) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def sign_in(browser: FlaskClient, email: str = OWNER, password: str = PASSWORD, **query: str) -> Any:
    """Sign in with an address and a password; return the answer."""
    form = {"email": email, "password": password, "csrf_token": csrf(browser.get("/sign-in"))}
    return browser.post("/sign-in", data=form, query_string=query)


def signed_in(app: Flask, email: str, password: str = PASSWORD) -> FlaskClient:
    """A new browser in which this account is signed in."""
    client = app.test_client()
    assert sign_in(client, email, password).status_code == 302
    return client


def come_as(browser: FlaskClient, email: str = OWNER) -> None:
    """Sign another account in in this browser."""
    browser.delete_cookie("saltcellar")
    assert sign_in(browser, email).status_code == 302


def send(client: FlaskClient, path: str, **form: str) -> Any:
    """Send a form to a path, with this browser's token."""
    return client.post(path, data={**form, "csrf_token": csrf(client.get("/bots"))})


def somebody(app: Flask, who: str) -> FlaskClient:
    """A browser of someone with this relation to the bot `my`: nobody, stranger, member, owner, operator, 'suspended …'.

    The operator's second factor is on.
    """
    if who == "nobody":
        return app.test_client()
    email = f"{who.replace(' ', '-')}@example.org"
    role = "operator" if who == "operator" else None
    id = accounts.create("test", email, password=PASSWORD, role=role)[0]["id"]
    if "member" in who or "owner" in who:
        join(id, Belonging.OWNER if "owner" in who else Belonging.MEMBER)
    client = signed_in(app, email)
    if role is not None:
        has_second_factor(id)
    if "suspended" in who:
        accounts.set_state("test", id, "suspended")
    return client


def join(person: str, role: Belonging = Belonging.MEMBER) -> None:
    """Let a person (an account's id) belong to the bot `my`."""
    with database.transaction():
        agents.join(person, bots.show("my")["id"], role)


def written() -> list[dict[str, str]]:
    """Every queued mail, oldest first."""
    rows = mails.Mail.select().order_by(mails.Mail.created_at)
    return [{"to": row.recipient, "subject": row.subject, "text": row.text} for row in rows]
