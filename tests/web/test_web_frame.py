"""What surrounds every page: headers, files, navigation, pages about errors."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import url_for
from flask.testing import FlaskClient
from pouring import owner, poured
from visiting import csrf, sign_in

from pillar_service.store.people.sessions import Session
from pillar_service.usecases.people import accounts, sessions
from pillar_service.usecases.service import storage
from pillar_service.web import static_files

CSP = "Content-Security-Policy"


def test_the_policy_lets_our_own_files_run_and_nothing_else(visitor: FlaskClient) -> None:
    policy = visitor.get("/").headers[CSP]
    assert policy == visitor.get("/nope").headers[CSP]
    asked = dict(part.split(" ", 1) for part in policy.split("; "))
    assert asked["default-src"] == asked["base-uri"] == asked["frame-ancestors"] == "'none'"
    assert asked["script-src"] == asked["style-src"] == asked["connect-src"] == asked["form-action"] == "'self'"
    assert "unsafe" not in policy


def test_a_form_may_lead_to_stripe_only_where_stripe_takes_payments(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pillar_service.web.public import create_app

    for name, value in {
        "PAYMENTS": "stripe",
        "STRIPE_KEY": "k",
        "STRIPE_WEBHOOK_SECRET": "w",
        "STRIPE_PRICE": "p",
    }.items():
        monkeypatch.setenv(f"CELLAR_{name}", value)
    service()
    policy = create_app().test_client().get("/").headers[CSP]
    assert "form-action 'self' https://checkout.stripe.com https://billing.stripe.com;" in policy


def files(page: Any) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)


def test_a_files_address_names_its_content_and_is_kept_for_good(visitor: FlaskClient) -> None:
    named = files(visitor.get("/"))
    assert {address.split("?")[0].rsplit("/")[-1] for address in named} == {
        "pico.min.css", "style.css", "htmx.min.js", "cellar.svg", "live.js", "once.js",
    }  # fmt: skip
    for address in named:
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        assert "immutable" in visitor.get(address).headers["Cache-Control"]
        other = visitor.get(address.split("?")[0])
        assert "immutable" not in other.headers["Cache-Control"]
        assert other.headers["ETag"]


def test_a_file_that_caches_keep_carries_nobodys_cookie(visitor: FlaskClient) -> None:
    owner()
    assert "Set-Cookie" in sign_in(visitor).headers
    for address in files(visitor.get("/bots")):
        answer = visitor.get(address)
        assert "Set-Cookie" not in answer.headers
        assert "cookie" not in answer.vary.as_set()


def test_a_cookie_is_renewed_when_it_is_written_down_that_its_person_was_seen_and_no_sooner(
    visitor: FlaskClient,
) -> None:
    owner()
    sign_in(visitor)
    token = csrf(visitor.get("/bots"))
    assert "Set-Cookie" not in visitor.get("/bots").headers
    Session.update(seen_at=Session.seen_at - sessions.SEEN_EVERY_S).execute()
    renewed = visitor.get("/bots")
    assert "Expires" in renewed.headers["Set-Cookie"]
    assert "Set-Cookie" not in visitor.get("/bots").headers
    assert visitor.post("/sign-out", data={"csrf_token": token}).status_code == 302
    assert visitor.get("/bots").status_code == 302


def test_the_first_two_pages_may_be_asked_for_at_once(public_app: Any) -> None:
    owner()
    browser = public_app.test_client()
    cookie = sign_in(browser).headers["Set-Cookie"].split(";")[0]
    one, two = (public_app.test_client(use_cookies=False).get("/bots", headers={"Cookie": cookie}) for _ in range(2))
    assert one.status_code == two.status_code == 200
    for page in (one, two):
        assert "Set-Cookie" not in page.headers
        form = {"csrf_token": csrf(page), "name-csrf_token": csrf(page), "name-name": "Mia"}
        assert browser.post("/account/name", data=form).status_code == 302


def test_a_file_is_sent_compressed_to_who_takes_that(visitor: FlaskClient) -> None:
    address = "/static/vendor/htmx.min.js"
    plain, packed = visitor.get(address), visitor.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.mimetype == plain.mimetype == "text/javascript"
    assert len(packed.data) < len(plain.data) / 2
    assert plain.vary.as_set() == packed.vary.as_set() == {"accept-encoding"}
    assert "Content-Encoding" not in visitor.get(address, headers={"Accept-Encoding": "gzip;q=0"}).headers


@pytest.mark.parametrize("path", ["nope.css", "../public.py", "%2e%2e/public.py", "vendor", ""])
def test_nothing_but_the_files_is_served(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(f"/static/{path}").status_code == 404
    assert static_files.stamp(path) is None


def test_operators_alone_see_the_way_to_the_admin_pages(visitor: FlaskClient) -> None:
    owner()
    accounts.create("test", "op@example.org", password="long enough 1", role="operator")
    assert 'href="/admin"' not in visitor.get("/").text
    sign_in(visitor)
    page = visitor.get("/bots").text
    assert 'href="/admin"' not in page
    assert 'href="/bots" aria-current="page"' in page
    visitor.delete_cookie("saltcellar")
    sign_in(visitor, "op@example.org")
    assert 'href="/admin"' in visitor.get("/bots").text


def test_each_page_says_under_which_way_it_stands(visitor: FlaskClient) -> None:
    owner()
    poured()
    sign_in(visitor)
    under = {
        "/bots": ("/bots/my/actions", "/bots/my/status", "/bots/my/invites", "/bots/my/log", "/bots/my/people",
                  "/bots/my/export", "/bots/my/delete", "/bots/new", "/bots/import"),
        "/account": ("/account/second-factor", "/account/tokens/new"),
        "/nodes": ("/nodes", "/nodes/registry", "/nodes/events", "/account/configuration", "/account/forwardings"),
    }  # fmt: skip
    for way, paths in under.items():
        for path in paths:
            assert f'<a href="{way}" aria-current="page">' in visitor.get(path).text, path


def test_the_page_about_a_database_that_is_away_is_drawn_for_who_is_signed_in(
    visitor: FlaskClient, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner()
    sign_in(visitor)
    monkeypatch.setenv("CELLAR_DATABASE", "sqlite:////nowhere/at/all.sqlite")
    service()
    storage.prepare()
    page = visitor.get("/bots")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    for sentence in ("Part of this place is down", "Your bots keep running", "Try again"):
        assert sentence in page.text
    assert visitor.get("/").status_code == 200  # Pages that need no database still work.
    assert visitor.get("/nope").status_code == 404


def test_no_template_hides_what_every_page_knows(visitor: FlaskClient) -> None:
    """The names that Flask and we give to all templates: a macro of the same name would appear in the header instead."""
    app = visitor.application
    with app.test_request_context("/"):
        known: dict[str, Any] = {}
        app.update_template_context(known)
    assert {"place", "request", "deleted_days"} <= set(known)
    for name in app.jinja_env.list_templates():
        source, _, _ = app.jinja_loader.get_source(app.jinja_env, name)  # type: ignore[union-attr]
        given = re.findall(r"{% macro (\w+)\(", source)
        given += re.findall(r"\w+", " ".join(re.findall(r"{% from \S+ import ([^%]*)%}", source)))
        assert not set(given) & set(known), name


def test_an_address_is_what_flask_would_build(public_app: Any) -> None:
    again = [("status.show", {"name": "my", "span": "month"}), ("status.show", {"span": "day", "name": "a b/ü&"})]
    again += [("landing.landing", {}), ("sign_in.form", {"next": None}), ("nodes.events", {"name": "n", "before": "3"})]
    again = [one for one in again if one[0] in public_app.view_functions]
    for environment in ({}, {"SCRIPT_NAME": "/below"}):
        with public_app.test_request_context("/", environ_overrides=environment):
            for endpoint, values in again * 2:
                assert url_for(endpoint, **values) == type(public_app).url_for(public_app, endpoint, **values)
            assert url_for("landing.landing", _external=True).startswith("http://localhost")
    with pytest.raises(RuntimeError), public_app.app_context():
        url_for("landing.landing")


def test_a_file_that_changes_has_another_address_at_once(
    public_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "FOLDER", tmp_path)
    file, found = tmp_path / "a.css", []
    for n, content in enumerate(("one", "two", "two"), 1):
        file.write_text(content)
        os.utime(file, (n, n))
        with public_app.test_request_context("/"):
            found.append(url_for("static", filename="a.css"))
    assert len(set(found)) == 2
    assert found[1] == found[2]
    with public_app.test_request_context("/"):
        assert url_for("static", filename="none.css") == "/static/none.css"
