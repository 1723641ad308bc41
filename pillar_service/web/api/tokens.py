"""A person's tokens."""

from typing import Any

from flask import g
from pydantic import BaseModel, Field

from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.people import confirming, tokens
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Confirmation, NewToken, Token

blueprint = Noun("tokens", "Tokens for your programs")


class Wanted(Confirmation):
    """A token for a program."""

    name: str = Field(
        min_length=1, max_length=100, description="What it is for", json_schema_extra={"example": "backups"}
    )
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=len(Scope),
        description="What it may be used for",
        json_schema_extra={"example": ["read"]},
    )
    days: int = Field(
        tokens.DEFAULT_DAYS, ge=tokens.DAYS[0], le=tokens.DAYS[1], strict=True, description="How many days it lasts"
    )


class TokenPath(BaseModel):
    """Which token."""

    id: str


class Tokens(BaseModel):
    """The tokens that are still valid."""

    tokens: list[Token]


class Made(BaseModel):
    """The new token."""

    token: NewToken


@blueprint.on("get", "/tokens", Scope.ACCOUNT, {200: Tokens})
def listed() -> dict[str, Any]:
    """Your tokens, and the sessions of the API, without their secrets."""
    return {"tokens": tokens.listed(g.bearer.account)}


@blueprint.on("post", "/tokens", Scope.ACCOUNT, {201: Made})
def create(body: Wanted) -> tuple[dict[str, Any], int]:
    """Make a token. Only somebody who signed in may, with the password again; its secret is in this answer and nowhere else."""
    tokens.refuse_programs(g.bearer)
    confirming.confirm(g.bearer.account, body.password, body.code)
    return {"token": tokens.create(g.bearer.account, body.name, body.scopes, body.days)}, 201


@blueprint.on("delete", "/tokens/<id>", Scope.ACCOUNT, {204: None})
def revoke(path: TokenPath) -> tuple[str, int]:
    """End a token, or a session of the API."""
    tokens.revoke(g.bearer.account, path.id)
    return "", 204
