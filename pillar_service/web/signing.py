"""Who is signed in: connects Flask-Login with the sessions in the database. The cookie carries a random token alone."""

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
    """The person who is signed in; ``session`` is the session's id, ``role`` and ``state`` are the account's."""

    def __init__(self, token: str, held: dict[str, Any]) -> None:
        self.token, self.id, self.session = token, held["account"], held["session"]
        self.name, self.role, self.state = held["name"], held["role"], held["state"]

    def get_id(self) -> str:
        """The token that the cookie carries."""
        return self.token


def register(app: Flask) -> None:
    """Make `current_user` and `login_required` available to pages."""
    # Flask-Login's own context processor would query the database for every page, also for the page that says that the
    # database is away.
    manager = LoginManager(app, add_context_processor=False)
    manager.session_protection = None  # it would mark sessions whose browser has moved, and nothing here asks
    manager.user_loader(person)
    manager.unauthorized_handler(ask)


def login_required(view: View) -> View:
    """Flask-Login's decorator, with types: a visitor is asked to sign in instead of seeing the view."""
    return cast(View, flask_login.login_required(view))


def ask() -> Any:
    """Ask a visitor to sign in; afterwards they get the page that they wanted, or on which they pressed a button."""
    flash("Sign in to see that page.")
    return redirect(url_for("sign_in.form", next=looked_at()))


def looked_at() -> str | None:
    """The page that a browser wants, or on which somebody pressed a button; None if this site has no such page."""
    try:
        there = urlsplit(request.url if request.method in ("GET", "HEAD") else request.referrer or "")
    except ValueError:  # the Referer header may hold anything
        return None
    adapter = current_app.create_url_adapter(request)
    if there.netloc != urlsplit(request.host_url).netloc or adapter is None or not adapter.test(there.path, "GET"):
        return None
    return inside(there.path + (f"?{there.query}" if there.query else ""))


def person(token: str) -> Person | None:
    """The person whom a session's token stands for, or None."""
    if g.get("is_asking"):  # the database failed in this request, and the error page asks again
        return None
    g.is_asking = True
    found = sessions.find(token, address())
    g.is_asking = False
    if found is None:
        return None
    session.modified = session.modified or found["is_renewed"]
    return Person(token, found)


def address() -> str:
    """The client's address, behind proxies as CELLAR_PROXIES says."""
    return request.remote_addr or ""


def enter(account: str, proof: Proof | None = None) -> None:
    """Sign an account in with a new session; this browser's session before that ends.

    Raises Unauthenticated if the account's password has changed since the proof.
    """
    before = current_user.token if current_user.is_authenticated else None
    token = sessions.begin(account, address(), request.headers.get("User-Agent", ""), before, proof)
    found = sessions.find(token, address())
    session.clear()
    session.permanent = True
    _begin_forms()
    if found is not None:
        login_user(Person(token, found))


def _begin_forms() -> None:
    # Otherwise the first page would make the token: two pages that are loaded at once would each set a cookie with
    # another token, and the forms of one of them would be refused.
    g.pop("csrf_token", None)
    generate_csrf()


def go_on(proof: Proof, then: str | None = None) -> Any:
    """Go on after the right password: sign in, or go to the second step if the second factor is on."""
    if second_factor.is_on(proof.account):
        session["second_step"] = second_factor.first_step(proof.account)
        return redirect(url_for("sign_in.code", next=inside(then)))
    enter(proof.account, proof)
    return there(then)


def there(then: str | None) -> Any:
    """Redirect to the path where the person wanted to go if it is on this site, else to their bots."""
    return redirect(inside(then) or url_for("bots.listed"))


def leave() -> None:
    """End the session of this browser."""
    if current_user.is_authenticated:
        sessions.end(current_user.id, current_user.session)
    forget()


def forget() -> None:
    """Clear this browser's session cookie."""
    logout_user()
    session.clear()


def inside(path: str | None) -> str | None:
    """The path if it stays on this site, else None: '//elsewhere' and '/\\elsewhere' would leave it."""
    stays = path and path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if stays else None
