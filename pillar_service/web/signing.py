"""Who is signed in: Flask-Login's side of the sessions in the database. The cookie carries a random token alone."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import flask_login
from flask import Flask, current_app, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf

from pillar_service.usecases.people import second_factor, sessions
from pillar_service.usecases.people.accounts import Proof

View = TypeVar("View", bound=Callable[..., Any])


class Person(UserMixin):  # type: ignore[misc]
    """Who is signed in; ``session`` is the id of the session, ``role`` and ``state`` are those of the account."""

    def __init__(self, token: str, held: dict[str, Any]) -> None:
        self.token, self.id, self.session = token, held["account"], held["session"]
        self.name, self.role, self.state = held["name"], held["role"], held["state"]

    def get_id(self) -> str:
        """What the cookie carries."""
        return self.token


def register(app: Flask) -> None:
    """Let pages ask who is signed in (`current_user`, `login_required`)."""
    # Its own context processor asks the database at once, for every page: one about a database that is away, too.
    manager = LoginManager(app, add_context_processor=False)
    manager.session_protection = None  # what it would mark, whether a browser has moved since, is asked by nobody here
    manager.user_loader(person)
    manager.unauthorized_handler(ask)


def login_required(view: View) -> View:
    """Flask-Login's decorator, which has no types: only who is signed in sees the view, a visitor is asked to sign in."""
    return cast(View, flask_login.login_required(view))


def ask() -> Any:
    """Ask a visitor to sign in; then they come to the page that they wanted, or on which they pressed a button."""
    flash("Sign in to see that page.")
    return redirect(url_for("sign_in.form", next=looked_at()))


def looked_at() -> str | None:
    """The page that a browser wants, or the one on which somebody pressed a button; None for one that can't be opened here."""
    try:
        there = urlsplit(request.url if request.method in ("GET", "HEAD") else request.referrer or "")
    except ValueError:  # a header may hold anything
        return None
    adapter = current_app.create_url_adapter(request)
    if there.netloc != urlsplit(request.host_url).netloc or adapter is None or not adapter.test(there.path, "GET"):
        return None
    return inside(there.path + (f"?{there.query}" if there.query else ""))


def person(token: str) -> Person | None:
    """Who a session's cookie stands for, or None."""
    if g.get("is_asking"):  # the database failed just now, and the page that says so asks again
        return None
    g.is_asking = True
    found = sessions.find(token, address())
    g.is_asking = False
    if found is None:
        return None
    session.modified = session.modified or found["is_renewed"]
    return Person(token, found)


def address() -> str:
    """Where the request comes from; behind proxies as CELLAR_PROXIES says."""
    return request.remote_addr or ""


def enter(account: str, proof: Proof | None = None) -> None:
    """Sign an account in, in a new session; whatever this browser had before ends. Raises Unauthenticated where the proof is
    old."""
    before = current_user.token if current_user.is_authenticated else None
    token = sessions.begin(account, address(), request.headers.get("User-Agent", ""), before, proof)
    found = sessions.find(token, address())
    session.clear()
    session.permanent = True
    _begin_forms()
    if found is not None:
        login_user(Person(token, found))


def _begin_forms() -> None:
    # Else the first page would: two that are asked for at once would each give the browser a cookie that the other's
    # forms don't go with.
    g.pop("csrf_token", None)
    generate_csrf()


def go_on(proof: Proof, then: str | None = None) -> Any:
    """Where who wrote the right password goes: in, or to the second step where one is on."""
    if second_factor.is_on(proof.account):
        session["second_step"] = second_factor.first_step(proof.account)
        return redirect(url_for("sign_in.code", next=inside(then)))
    enter(proof.account, proof)
    return there(then)


def there(then: str | None) -> Any:
    """To the path where a person wanted to go, if it is on this site; else to their bots."""
    return redirect(inside(then) or url_for("bots.listed"))


def leave() -> None:
    """End the session of this browser."""
    if current_user.is_authenticated:
        sessions.end(current_user.id, current_user.session)
    forget()


def forget() -> None:
    """Let this browser carry nothing any more."""
    logout_user()
    session.clear()


def inside(path: str | None) -> str | None:
    """The path, if it stays on this site: '//elsewhere' and '/\\elsewhere' would leave it."""
    stays = path and path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if stays else None
