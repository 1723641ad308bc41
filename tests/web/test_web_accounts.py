"""Signing up, signing in and the account's pages."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, owner, poured
from visiting import PASSWORD, csrf, sign_in

from pillar_service.core.people import limits
from pillar_service.core.people.agents import Belonging
from pillar_service.store import database
from pillar_service.store.people import agents
from pillar_service.store.people import second_factor as second_factors
from pillar_service.store.people.second_factor import SecondFactor
from pillar_service.usecases.bots import bots
from pillar_service.usecases.nodes import node_terms
from pillar_service.usecases.people import accounts, codes, tokens
from pillar_service.web import posting

GOOD = "quince teapot walrus 7"
NEW = "new@example.org"


@pytest.fixture
def mailed(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let mail go into this file."""
    path = tmp_path / "mailbox"
    monkeypatch.setenv("CELLAR_MAIL", f"file://{path}")
    service()
    return path


@pytest.fixture
def person(visitor: FlaskClient) -> str:
    return owner()


def send(browser: FlaskClient, path: str, seen: str | None = None, **fields: str) -> Any:
    """Fill in a page's form and send it; ``seen`` is the form's page if it is sent to another address."""
    return browser.post(path, data={**fields, "csrf_token": csrf(browser.get(seen or path))})


def bare(page: Any) -> str:
    return re.sub(r'value="[^"]*"', "", page.text)


def link() -> str:
    while posting.deliver():
        pass
    from pillar_service.usecases.people import mails

    path = mails.mailbox()
    assert path
    found = re.search(r"http://cellar.test(/\S+)", posting.kept(path)[0]["text"])
    assert found
    return found[1]


def test_from_the_landing_page_to_a_first_bot(visitor: FlaskClient, mailed: Path) -> None:
    assert 'href="/start"' in visitor.get("/").text
    begun = send(visitor, "/start", email=NEW, password=GOOD)
    assert begun.headers["Location"] == "/newbie"
    assert GOOD not in begun.headers["Set-Cookie"]
    page = visitor.get("/newbie")
    assert "$5 a month" in page.text
    assert "14 days free" in page.text
    assert send(visitor, "/newbie", name="Ann <b>", bot="No Name").status_code == 422
    assert send(visitor, "/newbie", name="Ann <b>", bot="garden").headers["Location"] == "/mailed"
    assert "/mailbox" in visitor.get("/mailed").text
    there = link()
    assert bots.listed() == []
    assert there in visitor.get("/mailbox").text
    assert "Your first bot" not in visitor.get(there).text
    assert send(visitor, there, bot="garden").headers["Location"] == "/bots"
    assert "garden.butt.nz" in visitor.get("/bots").text
    assert visitor.get(there).status_code == 404
    assert "Ann &lt;b&gt;" in visitor.get("/account").text


def test_without_mail_yes_leads_straight_to_the_dashboard(visitor: FlaskClient) -> None:
    send(visitor, "/start", email=NEW, password=GOOD)
    assert send(visitor, "/newbie", name="Ann", bot="garden").headers["Location"] == "/bots"
    assert visitor.get("/mailbox").status_code == 404
    page = visitor.get("/account").text
    assert "not verified: this place sends no mail" in page
    assert "Send a link" not in page


@pytest.mark.parametrize("by_mail", [True, False])
def test_who_signs_up_where_no_node_has_room_comes_in_and_reads_why(
    visitor: FlaskClient, service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_mail: bool
) -> None:
    monkeypatch.setenv("CELLAR_MAIL", f"file://{tmp_path}/mailbox" if by_mail else "")
    service()
    node_terms.limit("test", "cellar-1", 0)
    send(visitor, "/start", email=NEW, password=GOOD)
    done = send(visitor, "/newbie", name="Ann", bot="garden")
    if by_mail:
        done = send(visitor, link(), bot="garden")
    assert done.headers["Location"] == "/bots"
    page = visitor.get("/bots").text
    assert "Your account is made, but your bot could not be poured. No node can take another bot now" in page
    assert "garden.butt.nz" not in page


def test_who_is_known_is_signed_in_by_start(visitor: FlaskClient, person: str) -> None:
    assert send(visitor, "/start", email=OWNER, password=PASSWORD).headers["Location"] == "/bots"
    assert visitor.get("/bots").status_code == 200
    assert visitor.get("/start").headers["Location"] == "/bots"


def test_a_wrong_password_and_an_unknown_address_see_the_same_pages(public_app: Flask, mailed: Path) -> None:
    owner()
    seen = []
    for email, bot in ((OWNER, "garden-a"), (NEW, "garden-b")):
        browser = public_app.test_client()
        begun = send(browser, "/start", email=email, password=GOOD)
        page = bare(browser.get("/newbie")).replace(email, "")
        asked = send(browser, "/newbie", name="Ann", bot=bot)
        steps = [(step.status_code, step.headers["Location"]) for step in (begun, asked)]
        seen.append((steps, page, bare(browser.get("/mailed"))))
        forgotten = send(browser, "/forgotten", email=email)
        seen[-1] += ((forgotten.status_code, forgotten.headers["Location"]),)
    assert seen[0] == seen[1]


def test_signing_in_rotates_the_cookie_and_the_old_one_is_dead(public_app: Flask, person: str) -> None:
    browser, thief = public_app.test_client(), public_app.test_client()
    browser.get("/sign-in")
    before = browser.get_cookie("saltcellar")
    sign_in(browser)
    first = browser.get_cookie("saltcellar")
    assert before
    assert first
    assert before.value != first.value

    def steal(value: str) -> int:
        thief.set_cookie("saltcellar", value)
        return int(thief.get("/bots").status_code)

    assert steal(before.value) == 302
    assert steal(first.value) == 200
    send(browser, "/sign-out", "/bots")
    assert steal(first.value) == 302
    sign_in(browser)
    second = browser.get_cookie("saltcellar")
    assert second
    tokens.create(person, "ci", ["read"])
    changed = {"password-password": PASSWORD, "password-new": GOOD}
    assert send(browser, "/account/password", "/account", **changed).status_code == 302
    assert "One token of your programs is still valid" in browser.get("/bots").text
    assert steal(second.value) == 302


@pytest.mark.parametrize("next", ["//evil.test", "/\\evil.test", "https://evil.test", "/x\r\nSet-Cookie: a=b"])
def test_a_hostile_next_leads_nowhere_else(visitor: FlaskClient, person: str, next: str) -> None:
    with_factor(person)
    asked = sign_in(visitor, next=next)
    assert asked.headers["Location"] == "/sign-in/code"
    token = csrf(visitor.get("/sign-in/code"))
    form = {"code": telephone().now(), "csrf_token": token}
    assert visitor.post("/sign-in/code", data=form, query_string={"next": next}).headers["Location"] == "/bots"


POSTS = [
    "/start", "/newbie", "/welcome/x", "/sign-in", "/sign-in/code", "/sign-out", "/forgotten", "/reset/x", "/verify/x",
    "/account/name", "/account/email", "/account/password", "/account/sessions/x/end", "/account/sessions/end",
    "/account/delete", "/account/second-factor/begin", "/account/second-factor/on", "/account/second-factor/renew",
    "/account/second-factor/off", "/account/tokens/new", "/account/tokens/x/revoke",
]  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_no_form_works_without_its_token(visitor: FlaskClient, person: str, path: str) -> None:
    sign_in(visitor)
    assert visitor.post(path, data={"name-name": "x", "email": OWNER}).status_code == 400
    assert accounts.show(person)["name"] == OWNER


def test_the_list_above_names_every_form_of_accounts(public_app: Flask) -> None:
    ours = ("start", "sign_in", "reset", "account", "second_factor", "tokens")
    rules = [rule for rule in public_app.url_map.iter_rules() if rule.endpoint.split(".")[0] in ours]
    paths = {re.sub(r"<\w+>", "x", rule.rule) for rule in rules if "POST" in (rule.methods or ())}
    assert paths == set(POSTS)


def telephone() -> pyotp.TOTP:
    return pyotp.TOTP(str(codes.secret(SecondFactor.get())))


def with_factor(person: str) -> None:
    """Turn on the person's second factor, with the code before the current one."""
    from pillar_service.usecases.people import second_factor

    second_factor.begin(person, PASSWORD)
    second_factor.turn_on(person, telephone().at(time.time(), counter_offset=-1))


def test_a_second_factor_from_its_key_to_a_recovery_code(public_app: Flask, person: str) -> None:
    browser = public_app.test_client()
    sign_in(browser)
    page = "/account/second-factor"
    assert browser.get(f"{page}/qr.svg").status_code == 404
    assert send(browser, f"{page}/begin", page, password="wrong").status_code == 401
    assert send(browser, f"{page}/begin", page, password=PASSWORD).status_code == 302
    drawn = browser.get(f"{page}/qr.svg")
    assert (drawn.mimetype, drawn.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert b"style=" not in drawn.data
    assert telephone().secret in browser.get(page).text
    assert send(browser, f"{page}/on", page, code="000000").status_code == 401
    code = telephone().now()
    shown = send(browser, f"{page}/on", page, code=code)
    codes = re.findall(r"<code>([a-z2-7-]+)</code>", shown.text)
    assert len(codes) == 10
    assert telephone().secret not in browser.get(page).text
    assert browser.get(f"{page}/qr.svg").status_code == 404
    other = public_app.test_client()
    assert sign_in(other).headers["Location"] == "/sign-in/code"
    assert other.get("/bots").status_code == 302
    assert send(other, "/sign-in/code", code=code).status_code == 401  # It was used already.
    assert send(other, "/sign-in/code", code=codes[0]).headers["Location"] == "/bots"
    assert other.get("/bots").status_code == 200
    assert "9 recovery codes are left." in other.get(page).text
    refused = send(other, f"{page}/off", page, password=PASSWORD, code=codes[0])
    assert refused.status_code == 401
    assert send(other, f"{page}/off", page, password=PASSWORD, code=codes[1]).status_code == 302


def test_what_goes_with_an_account_is_named(visitor: FlaskClient, person: str) -> None:
    sign_in(visitor)
    assert "export it first" not in visitor.get("/account").text
    poured()
    poured("garden", upload=None)
    with database.transaction():
        agents.join(owner("second@example.org"), bots.show("garden")["id"], Belonging.OWNER)
    page = visitor.get("/account").text
    assert ("<strong>my.butt.nz</strong>" in page, "garden.butt.nz" in page) == (True, False)


def test_others_can_be_ended_where_there_are_others(public_app: Flask, person: str) -> None:
    browser = public_app.test_client()
    sign_in(browser)
    assert "End all others" not in browser.get("/account").text
    sign_in(public_app.test_client())
    assert "End all others" in browser.get("/account").text


def test_the_last_recovery_codes_ask_for_new_ones(visitor: FlaskClient, person: str) -> None:
    sign_in(visitor)
    with_factor(person)
    with database.transaction():
        second_factors.put_recovery(person, ["one"])
    for path in ("/account", "/account/second-factor"):
        assert "1 recovery code is left: make new ones." in visitor.get(path).text


def test_a_long_page_shows_the_form_that_was_refused(visitor: FlaskClient, person: str) -> None:
    sign_in(visitor)
    assert "autofocus" not in visitor.get("/account").text
    refused = send(visitor, "/account/delete", "/account", **{"delete-email": OWNER, "delete-password": "wrong"})
    assert refused.status_code == 401
    assert re.findall(r"<h2[^>]* autofocus>([^<]+)", refused.text) == ["Delete the account"]


def test_a_second_factor_without_a_code_asks_for_it(visitor: FlaskClient, person: str) -> None:
    sign_in(visitor)
    page = "/account/second-factor"
    send(visitor, f"{page}/begin", page, password=PASSWORD)
    refused = send(visitor, f"{page}/on", page, code="")
    assert refused.status_code == 422
    assert "Enter the code your phone shows." in refused.text
    assert telephone().secret in refused.text


def test_a_second_step_without_a_first_is_none(visitor: FlaskClient, person: str) -> None:
    assert visitor.get("/sign-in/code").headers["Location"] == "/sign-in"
    form = {"code": "123456", "csrf_token": csrf(visitor.get("/sign-in"))}
    assert visitor.post("/sign-in/code", data=form).status_code == 401


def test_ten_wrong_passwords_are_a_page_that_says_how_long(visitor: FlaskClient, person: str) -> None:
    for _ in range(limits.PAIR):
        assert send(visitor, "/start", email=OWNER, password=GOOD).status_code == 302
    for page in (send(visitor, "/start", email=OWNER, password=PASSWORD), sign_in(visitor)):
        assert (page.status_code, page.headers["Retry-After"]) == (429, "900")
        assert "15 minutes" in page.text


def test_a_forgotten_password_ends_every_session(public_app: Flask, mailed: Path) -> None:
    tokens.create(owner(), "ci", ["read"])
    browser, other = public_app.test_client(), public_app.test_client()
    sign_in(browser)
    send(other, "/forgotten", email=OWNER)
    there = link()
    assert send(other, there, password="password12").status_code == 422
    assert browser.get("/bots").status_code == 200
    assert send(other, there, password=GOOD).headers["Location"] == "/sign-in"
    assert browser.get("/bots").status_code == 302
    assert "One token of your programs ended with it" in other.get("/sign-in").text
    assert other.get(there).status_code == 404
    assert sign_in(other, password=GOOD).status_code == 302


def test_sessions_are_listed_and_ended(public_app: Flask, person: str) -> None:
    browser, other, third = (public_app.test_client() for _ in range(3))
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
    for one, name in ((browser, firefox), (other, "<script>"), (third, "Lynx")):
        one.environ_base["HTTP_USER_AGENT"] = name
        sign_in(one)
    page = browser.get("/account").text
    assert ("&lt;script&gt;" in page, "Firefox on Linux" in page, "Mozilla" in page) == (True, True, False)
    [first, _] = re.findall(r"/account/sessions/(\w{64})/end", page)
    assert send(browser, f"/account/sessions/{first}/end", "/account").status_code == 302
    assert sorted(one.get("/bots").status_code for one in (other, third)) == [200, 302]
    send(browser, "/account/sessions/end", "/account")
    assert [one.get("/bots").status_code for one in (browser, other, third)] == [200, 302, 302]


def test_the_account_page_changes_what_it_shows(visitor: FlaskClient, mailed: Path) -> None:
    owner()
    sign_in(visitor)
    send(visitor, "/account/name", "/account", **{"name-name": "Ann <i>"})
    assert "Ann &lt;i&gt;" in visitor.get("/account").text
    wrong = {"email-email": NEW, "email-password": "wrong"}
    refused = send(visitor, "/account/email", "/account", **wrong)
    assert refused.status_code == 401
    assert "not your password" in refused.text
    assert len(set(re.findall(r'\bid="([^"]+)"', refused.text))) == len(re.findall(r'\bid="', refused.text))
    send(visitor, "/account/email", "/account", **wrong | {"email-password": PASSWORD})
    there = link()
    assert OWNER in visitor.get("/account").text
    assert NEW in visitor.get(there).text
    send(visitor, there)
    assert f"{NEW}, verified" in visitor.get("/account").text
    assert visitor.get(there).status_code == 404


def test_a_token_is_made_shown_once_and_ended(visitor: FlaskClient, person: str) -> None:
    sign_in(visitor)
    wanted = {"name": "backup <b>", "days": "9"}

    def ask(scopes: list[str], password: str) -> Any:
        form = {**wanted, "password": password, "csrf_token": csrf(visitor.get("/account/tokens/new"))}
        return visitor.post("/account/tokens/new", data={**form, "scopes": scopes})

    for scopes, password in (([], PASSWORD), (["king"], PASSWORD), (["read"], "wrong")):
        assert ask(scopes, password).status_code == 422
    assert "backup" not in visitor.get("/account").text
    made = ask(["read", "export"], PASSWORD)
    found = re.search(r'<code class="code">(c[\w-]{43})</code>', made.text)
    assert found
    header = {"Authorization": f"Bearer {found[1]}"}
    assert visitor.get("/agents", headers=header).status_code == 200
    page = visitor.get("/account").text
    assert found[1] not in page
    assert "backup &lt;b&gt;" in page
    path = re.search(r'action="(/account/tokens/\w+/revoke)"', page)
    assert path
    assert send(visitor, path[1], "/account").headers["Location"] == "/account"
    assert visitor.get("/agents", headers=header).status_code == 401


def test_a_person_takes_their_data_and_leaves(visitor: FlaskClient, person: str) -> None:
    poured()
    sign_in(visitor)
    data = visitor.get("/account/data")
    assert "attachment" in data.headers["Content-Disposition"]
    assert [bot["name"] for bot in json.loads(data.text)["bots"]] == ["my"]
    form = {"delete-email": OWNER, "delete-password": PASSWORD}
    for wrong in ({"delete-email": NEW}, {"delete-password": "wrong"}, {"delete-email": ""}):
        assert send(visitor, "/account/delete", "/account", **form | wrong).status_code in (401, 422)
    assert send(visitor, "/account/delete", "/account", **form).headers["Location"] == "/"
    assert visitor.get("/account").status_code == 302
    assert sign_in(visitor).status_code == 401
    assert bots.show("my")["desired"] == "absent"


@pytest.mark.parametrize("path", ["/account", "/account/data", "/account/second-factor", "/verify/x"])
def test_nobody_sees_an_account(visitor: FlaskClient, person: str, path: str) -> None:
    assert visitor.get(path).headers["Location"].startswith("/sign-in")


def test_a_link_that_never_was_is_a_page_that_helps(visitor: FlaskClient) -> None:
    for path in ("/welcome/x", "/reset/x", "/welcome/ü"):
        page = visitor.get(path)
        assert page.status_code == 404
        assert "link" in page.text


def test_hostile_fields_are_shown_escaped_or_refused(visitor: FlaskClient, person: str) -> None:
    for value in ("<script>x</script>", "x" * 10_240, "\x00", "{{ 7*7 }}", "'\"><img>"):
        for path in ("/start", "/sign-in"):
            page = send(visitor, path, email=value, password=value)
            assert page.status_code in (401, 422), (path, value[:20])
            assert "<script>x" not in page.text
            assert "<img>" not in page.text


@pytest.mark.parametrize(("proxies", "counted"), [("0", "127.0.0.1"), ("1", "203.0.113.5")])
def test_who_asks_is_told_by_as_many_proxies_as_are_set(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, proxies: str, counted: str
) -> None:
    from pillar_service.store.people.sessions import Session
    from pillar_service.web.public import create_app

    monkeypatch.setenv("CELLAR_PROXIES", proxies)
    service()
    owner()
    browser = create_app().test_client()
    browser.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.66, 203.0.113.5"
    sign_in(browser)
    assert Session.get().address == counted


def test_who_is_suspended_reads_it_on_every_page(visitor: FlaskClient) -> None:
    person = owner()
    sign_in(visitor)
    for state, is_told in (("suspended", 1), ("active", 0)):
        accounts.set_state("test", person, state)
        for path in ("/bots", "/account", "/nodes"):
            assert visitor.get(path).text.count("Your account is suspended") == is_told, (state, path)
