"""Register, sign in, sign out."""

from typing import Any

from flask import g, request
from pydantic import BaseModel, Field

from pillar_service.usecases.people import sign_up, tokens
from pillar_service.web.api.operations import ANY_TOKEN, Noun
from pillar_service.web.api.shapes import NewToken, Taken

blueprint = Noun("authentication", "Accounts, and the tokens that signing in gives")

TOLD = "If that address is new here, it has an account now: sign in with the password you chose."
MAILED = "Look into your mailbox: if that address is new here, the link in the mail makes the account."


class Registration(Taken):
    """Who wants an account."""

    email: str = Field(
        max_length=320, description="Where mail reaches you", json_schema_extra={"example": "ann@example.org"}
    )
    password: str = Field(
        min_length=10,
        max_length=200,
        description="Hard to guess",
        json_schema_extra={"example": "quince teapot walrus 7"},
    )
    name: str | None = Field(None, max_length=200)


class SignIn(Taken):
    """Who signs in; ``code`` is the second factor, where one is on."""

    email: str = Field(max_length=400)
    password: str = Field(max_length=1000)
    code: str | None = Field(None, max_length=40)


class Sentence(BaseModel):
    """A sentence for people."""

    sentence: str


class SignedIn(BaseModel):
    """The token, valid for 14 days and for everything its owner may do."""

    token: NewToken


@blueprint.on("post", "/authentication/register", None, {202: Sentence})
def register(body: Registration) -> tuple[dict[str, Any], int]:
    """Ask for an account. The answer is the same whether or not the address has one."""
    is_mailed = sign_up.register(body.email, body.password, body.name, request.remote_addr or "")
    return {"sentence": MAILED if is_mailed else TOLD}, 202


@blueprint.on("post", "/authentication/sign-in", None, {201: SignedIn})
def sign_in(body: SignIn) -> tuple[dict[str, Any], int]:
    """Sign in: the answer is the bearer token to send from now on."""
    return {"token": tokens.sign_in(body.email, body.password, body.code, request.remote_addr or "")}, 201


@blueprint.on("post", "/authentication/sign-out", ANY_TOKEN, {204: None})
def sign_out() -> tuple[str, int]:
    """End the token that this request is made with."""
    tokens.revoke(g.bearer.account, g.bearer.token)
    return "", 204
