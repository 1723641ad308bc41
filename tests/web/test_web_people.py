"""The people tab, and the page of an invitation."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pouring import OWNER, owner, poured
from visiting import PASSWORD, csrf, join, send, signed_in, somebody, written

from pillar_service.core.people.sharing import NOT_VALID
from pillar_service.store import database
from pillar_service.store.people import agents
from pillar_service.usecases.bots import bots
from pillar_service.usecases.people import accounts, sharing

MEMBER = "bob@example.org"


class Sent:
    """The mails that are queued in the database."""

    def __getitem__(self, at: int) -> dict[str, str]:
        return written()[at]

    def __len__(self) -> int:
        return len(written())


@pytest.fixture
def sent(service: Any, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Let the place send mail; gives the queued mails."""
    monkeypatch.setenv("CELLAR_MAIL", "file:///dev/null")
    service()
    return Sent()


@pytest.fixture
def ann(sent: Sent, public_app: Flask) -> FlaskClient:
    """The owner of a living bot, signed in."""
    owner()
    poured()
    return signed_in(public_app, OWNER)


def path(sent: Sent) -> str:
    """The path of the link in the newest mail."""
    found = re.search(r"http://cellar\.test(/join/\S+)", sent[-1]["text"])
    assert found
    return found[1]


def member(email: str = MEMBER) -> str:
    id = owner(email)
    join(id)
    return id


def roles() -> dict[str, str]:
    return {one["email"]: one["role"] for one in bots.show("my")["account"]}


def test_from_an_address_to_a_member(ann: FlaskClient, public_app: Flask, sent: Sent) -> None:
    done = send(ann, "/bots/my/people/invite", email=MEMBER)
    assert done.headers["Location"] == "/bots/my/people"
    page = ann.get("/bots/my/people").text
    assert f"on its way to {MEMBER}" in page
    assert "Take back" in page
    assert path(sent) not in page
    visitor = public_app.test_client()
    page = visitor.get(path(sent)).text
    assert "Join my.butt.nz" in page
    assert f'href="/sign-in?next={path(sent)}"' in page
    assert OWNER not in page
    owner("bobs-other@example.org")
    form = {"email": "bobs-other@example.org", "password": PASSWORD, "csrf_token": csrf(visitor.get("/sign-in"))}
    entered = visitor.post(f"/sign-in?next={path(sent)}", data=form)
    assert entered.headers["Location"] == path(sent)
    page = visitor.get(path(sent))
    assert "You join as <strong>bobs-other@example.org</strong>" in page.text
    assert len(roles()) == 1  # Opening the page changes nothing.
    joined = visitor.post(path(sent), data={"csrf_token": csrf(page)})
    assert joined.headers["Location"] == "/bots/my/people"
    assert roles()["bobs-other@example.org"] == "member"
    assert "my.butt.nz" in visitor.get("/bots").text


def test_what_can_not_be_accepted_is_one_clear_page(ann: FlaskClient, public_app: Flask, sent: Sent) -> None:
    send(ann, "/bots/my/people/invite", email=MEMBER)
    used = path(sent)
    owner(MEMBER)
    owner("eve@example.org")
    bob, eve = signed_in(public_app, MEMBER), signed_in(public_app, "eve@example.org")
    assert [send(bob, used).location for _ in range(2)] == ["/bots/my/people"] * 2  # A double click.
    assert bob.get(used).location == "/bots/my/people"  # The link in the mail again.
    for again in (
        send(eve, used),
        eve.get(used),
        eve.get("/join/x"),
        public_app.test_client().get(used),
    ):
        assert again.status_code == 404
        assert NOT_VALID in again.text
    assert set(roles()) == {OWNER, MEMBER}


def test_joining_takes_a_session_and_a_token_of_the_form(ann: FlaskClient, public_app: Flask, sent: Sent) -> None:
    send(ann, "/bots/my/people/invite", email=MEMBER)
    visitor = public_app.test_client()
    token = csrf(visitor.get("/sign-in"))
    assert visitor.post(path(sent), data={"csrf_token": token}).headers["Location"].startswith("/sign-in")
    owner(MEMBER)
    assert signed_in(public_app, MEMBER).post(path(sent)).status_code == 400
    assert set(roles()) == {OWNER}


def test_the_owner_who_opens_the_address_is_told_so(ann: FlaskClient, sent: Sent) -> None:
    send(ann, "/bots/my/people/invite", email=MEMBER)
    page = send(ann, path(sent))
    assert page.status_code == 409
    assert "already" in page.text


def test_who_belongs_already_is_not_invited(ann: FlaskClient, sent: Sent) -> None:
    member()
    for email in (OWNER, MEMBER.upper()):
        page = send(ann, "/bots/my/people/invite", email=email)
        assert page.status_code == 422
        assert f"{email.lower()} belongs to this bot already" in page.text
    assert len(sent) == 0


def test_what_another_tab_did_before_leads_back_to_the_page(ann: FlaskClient, sent: Sent) -> None:
    gone = f"/bots/my/people/{member()}/remove"
    seen = "http://localhost/bots/my/people"
    form = {"csrf_token": csrf(ann.get("/bots/my/people"))}
    assert ann.post(gone, data=form).status_code == 302
    page = ann.post(gone, data=form, headers={"Referer": seen})
    assert page.status_code == 404
    assert "This person does not belong to the bot." in page.text
    assert "mistyped" not in page.text
    assert '<a class="button" href="/bots/my/people">Look again</a>' in page.text
    for elsewhere in (
        "http://evil.example/bots",
        "http://localhost/sign-out",
        "http://localhost//evil",
        "http://[",
        "",
    ):
        assert "Look again" not in ann.post(gone, data=form, headers={"Referer": elsewhere}).text


def test_known_and_unknown_addresses_are_answered_alike(ann: FlaskClient, sent: Sent) -> None:
    owner("known@example.org")
    said = []
    for email in ("known@example.org", "nobody@example.org"):
        send(ann, "/bots/my/people/invite", email=email)
        page = ann.get("/bots/my/people").text
        said.append(re.sub(r'[0-9a-f]{16}|value="[^"]*"|\d+ s|\d\d:\d\d UTC', "", page.replace(email, "…")))
        send(ann, f"/bots/my/people/invitations/{sharing.people(_id(OWNER), 'my')['invitations'][0]['id']}/withdraw")
    assert said[0] == said[1]
    assert len(sent) == 2


def _id(email: str) -> str:
    return str(accounts.show(email)["id"])


@pytest.mark.parametrize("email", ["", "x", "a@b..c", "x" * 10_000, "two words@example.org", "a\nb@example.org"])
def test_a_wrong_address_is_said_at_the_field(ann: FlaskClient, sent: Sent, email: str) -> None:
    page = send(ann, "/bots/my/people/invite", email=email)
    assert page.status_code == 422
    assert 'id="email-wrong"' in page.text


def test_twenty_invitations_then_a_429(ann: FlaskClient, sent: Sent) -> None:
    for n in range(20):
        sharing.invite(_id(OWNER), "my", f"p{n}@example.org")
    refused = send(ann, "/bots/my/people/invite", email=MEMBER)
    assert refused.status_code == 429
    assert "take one back" in refused.text
    assert "guessing" not in refused.text


def test_where_no_mail_is_set_up_the_address_is_shown_once(
    ann: FlaskClient, sent: Sent, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_MAIL", "")
    service()
    page = send(ann, "/bots/my/people/invite", email=MEMBER)
    assert page.status_code == 200
    shown = re.search(r"/join/[\w-]+", page.text)
    assert shown
    assert shown[0] not in ann.get("/bots/my/people").text


def test_removing_and_leaving(ann: FlaskClient, public_app: Flask) -> None:
    bob, cy = member(), member("cy@example.org")
    browser = signed_in(public_app, "cy@example.org")
    assert f"/bots/my/people/{bob}/remove" in ann.get("/bots/my/people").text
    assert send(ann, f"/bots/my/people/{bob}/remove").status_code == 302
    assert "Leave my.butt.nz" in browser.get("/bots/my/people").text
    left = send(browser, "/bots/my/people/leave")
    assert left.headers["Location"] == "/bots"
    assert set(roles()) == {OWNER}
    assert browser.get("/bots/my/people").status_code == 404
    assert send(ann, f"/bots/my/people/{cy}/remove").status_code == 404
    assert "Leave my.butt.nz" not in ann.get("/bots/my/people").text
    last = send(ann, "/bots/my/people/leave")
    assert last.status_code == 409
    assert "hand it over" in last.text


def test_handing_over_takes_the_bots_name(ann: FlaskClient) -> None:
    bob = member()
    assert f'value="{bob}"' in ann.get("/bots/my/people").text
    for typed in ("", "mine", "My"):
        wrong = send(ann, "/bots/my/people/hand-over", to=bob, typed=typed)
        assert wrong.status_code == 422
        assert 'id="typed-wrong"' in wrong.text
    assert send(ann, "/bots/my/people/hand-over", to="0" * 16, typed="my").status_code == 404
    assert roles() == {OWNER: "owner", MEMBER: "member"}
    assert send(ann, "/bots/my/people/hand-over", to=bob, typed="my").status_code == 302
    assert roles() == {OWNER: "member", MEMBER: "owner"}
    page = ann.get("/bots/my/people").text
    assert "Invite by e-mail" not in page
    assert MEMBER not in page  # Only owners see addresses.


def test_a_script_in_a_name_is_text(ann: FlaskClient, public_app: Flask, sent: Sent) -> None:
    bob = member()
    with database.transaction():
        for person in (bob, _id(OWNER)):
            agents.change(person, name="<script>alert(1)</script>")
    refused = send(ann, "/bots/my/people/invite", email="<script>alert(1)</script>@example.org")
    send(ann, "/bots/my/people/invite", email="carol@example.org")
    joining = path(sent)
    for page in (refused, ann.get("/bots/my/people"), public_app.test_client().get(joining), ann.get(joining)):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


CHANGES = {
    "invite": {"email": "x@example.org"},
    "invitations/{invitation}/withdraw": {},
    "{other}/remove": {},
    "hand-over": {"to": "{other}", "typed": "my"},
}


@pytest.mark.parametrize(
    ("who", "sees", "changes", "leaves"),
    [
        ("member", 200, 403, 302),
        ("stranger", 404, 404, 404),
        ("nobody", 302, 302, 302),
        ("operator", 200, 403, 404),
        ("suspended owner", 200, 403, 302),
        ("suspended member", 200, 403, 302),
    ],
)
def test_who_may(ann: FlaskClient, public_app: Flask, who: str, sees: int, changes: int, leaves: int) -> None:
    other = member("cy@example.org")
    sharing.invite(_id(OWNER), "my", "open@example.org")
    invitation = sharing.people(_id(OWNER), "my")["invitations"][0]["id"]
    client = somebody(public_app, who)
    page = client.get("/bots/my/people")
    assert page.status_code == sees
    assert "open@example.org" not in page.text
    assert "Invite by e-mail" not in page.text
    token = csrf(client.get("/sign-in" if who == "nobody" else "/bots"))
    before = roles()
    for to, form in CHANGES.items():
        names = {"invitation": invitation, "other": other}
        filled = {key: value.format(**names) for key, value in form.items()} | {"csrf_token": token}
        done = client.post(f"/bots/my/people/{to.format(**names)}", data=filled)
        assert done.status_code == changes
        if who == "nobody":
            assert done.headers["Location"].startswith("/sign-in")
    assert roles() == before
    assert len(sharing.people(_id(OWNER), "my")["invitations"]) == 1
    assert client.post("/bots/my/people/leave", data={"csrf_token": token}).status_code == leaves
    assert len(before) - len(roles()) == (1 if who not in ("stranger", "nobody", "operator") else 0)


def test_a_form_without_its_token_does_nothing(ann: FlaskClient, sent: Sent) -> None:
    bob = member()
    for to in ("invite", f"{bob}/remove", "hand-over", "leave", "invitations/0000000000000000/withdraw"):
        form = {"email": "x@example.org", "to": bob, "typed": "my"}
        assert ann.post(f"/bots/my/people/{to}", data=form).status_code == 400
    assert (len(sent), len(roles())) == (0, 2)


@pytest.mark.parametrize("by_mail", [True, False])
def test_who_is_new_joins_without_a_bot_of_their_own(
    ann: FlaskClient, public_app: Flask, sent: Sent, service: Any, monkeypatch: pytest.MonkeyPatch, by_mail: bool
) -> None:
    send(ann, "/bots/my/people/invite", email=MEMBER)
    there = path(sent)
    if not by_mail:
        monkeypatch.setenv("CELLAR_MAIL", "")
        service()
    visitor, good = public_app.test_client(), "quince teapot walrus 7"
    assert f'href="/start?next={there}"' in visitor.get(there).text
    start = visitor.get(f"/start?next={there}")
    assert f'action="/start?next={there}"' in start.text
    form = {"email": "new@example.org", "password": good, "csrf_token": csrf(start)}
    assert visitor.post(f"/start?next={there}", data=form).headers["Location"] == "/newbie"
    page = visitor.get("/newbie")
    done = visitor.post("/newbie", data={"name": "New", "bot": "", "csrf_token": csrf(page)})
    if by_mail:
        assert done.headers["Location"] == "/mailed"
        link = re.search(r"http://cellar\.test(/welcome/\S+)", written()[-1]["text"])
        assert link
        other = public_app.test_client()  # The mail is opened on a telephone.
        token = csrf(other.get(link[1]))
        done = other.post(link[1], data={"bot": "", "password": good, "csrf_token": token})
    assert done.headers["Location"] == there
    assert bots.listed(account="new@example.org") == []


@pytest.mark.parametrize("next", ["//evil.test", "/\\evil.test", "https://evil.test", "/x\r\nA: b", "evil"])
def test_a_hostile_next_of_a_newcomer_leads_nowhere_else(
    visitor: FlaskClient, service: Any, monkeypatch: pytest.MonkeyPatch, next: str
) -> None:
    form = {"email": "new@example.org", "password": "quince teapot walrus 7", "csrf_token": csrf(visitor.get("/start"))}
    visitor.post("/start", data=form, query_string={"next": next})
    nameless = {"name": "New", "bot": "", "csrf_token": csrf(visitor.get("/newbie"))}
    assert visitor.post("/newbie", data=nameless).status_code == 422
    assert visitor.post("/newbie", data=nameless | {"bot": "own"}).headers["Location"] == "/bots"
