"""Invites to a bot."""

from typing import Any

from flask import g
from pydantic import BaseModel, Field

from pillar_service.core.bots.invites import InviteState
from pillar_service.core.people.scopes import Scope
from pillar_service.usecases.bots import invites
from pillar_service.web.api.actions import asked
from pillar_service.web.api.operations import Noun
from pillar_service.web.api.shapes import Asked, BotPath, Moment, Note, Repeatable, Taken

blueprint = Noun("invites", "Invites to a bot")


class NewInvite(Taken):
    """Whom an invite is for."""

    uses: int = Field(1, ge=1, le=1000, strict=True, description="How many people may use it")
    note: Note = Field("", description="Whom it is for; only those who belong to the bot see this")


class InvitePath(BotPath):
    """Which invite of which bot."""

    invite: str = Field(description="The invite's id: '@….ed25519'")


class Use(BaseModel):
    """Somebody who used an invite, and when, where the pub knows that."""

    id: str
    at: Moment | None


class Invite(BaseModel):
    """An invite, and who used it; its code is only in the result of the job that made it."""

    id: str
    note: str
    state: InviteState
    uses: int
    used: int
    used_by: list[Use]
    created_at: Moment | None
    revoked_at: Moment | None


class Invites(BaseModel):
    """The invites as the pub last reported them, and when; ask it again with the action 'invites'."""

    invites: list[Invite]
    told_at: Moment | None


@blueprint.on("get", "/agents/<id>/invites", Scope.READ, {200: Invites})
def listed(path: BotPath) -> dict[str, Any]:
    """The invites, as the pub last reported them."""
    return invites.told(g.bearer.account, path.id)


@blueprint.on("post", "/agents/<id>/invites", Scope.OPERATE, {202: Asked})
def create(path: BotPath, body: NewInvite, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Make an invite: its code is in the result of the job."""
    return asked("bots.invite", path.id, {"uses": body.uses, "note": body.note}, header.key), 202


@blueprint.on("delete", "/agents/<id>/invites/<path:invite>", Scope.OPERATE, {202: Asked})
def revoke(path: InvitePath, header: Repeatable) -> tuple[dict[str, Any], int]:
    """Revoke an invite: nobody can use its code any more."""
    return asked("bots.revoke", path.id, {"invite": path.invite}, header.key), 202
