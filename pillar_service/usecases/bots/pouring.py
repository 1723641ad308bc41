"""A person's own bots, up to as many as an account may own: making one, or bringing an export to life."""

from contextlib import suppress
from typing import IO, Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, SaltcellarError
from pillar_service.settings import settings
from pillar_service.store.bots import bots as rows
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.usecases.bots import bots, refusing, transfers


def create(
    person: str,
    name: object,
    description: object = "",
    key: str | None = None,
    node: object = None,
    selector: object = None,
) -> dict[str, Any]:
    """Pour a bot for a person (an account's id); returns {"agent", "job"}, the same for the same ``key``.

    ``node`` and ``selector`` say where, as in bots.create. Raises what that does, and Conflict if the person owns as
    many bots as an account may.
    """
    return _create(person, name, description, None, key, node, selector)


def bring_in(
    person: str,
    name: object,
    description: object,
    tar: IO[bytes],
    key: str,
    node: object = None,
    selector: object = None,
) -> dict[str, Any]:
    """Bring an export to life as a new bot of a person; returns {"agent", "job"}, the same for the same ``key``.

    Raises what bots.create and transfers.upload do. Whatever can be refused without the tar is refused before the tar
    is read, and a tar that comes to nothing is not kept.
    """
    label = names.bot_name(name)
    before = _asked_before(person, key, label)
    if before is not None:
        return before
    _refuse(person, label)
    bots.refuse_if_no_room(person, node, selector)
    upload = transfers.upload(f"account:{person}", tar)["upload"]
    try:
        return _create(person, name, description, upload, key, node, selector)
    except BaseException as error:
        with suppress(SaltcellarError):  # then it goes after a day
            transfers.drop(f"account:{person}", upload)
        # A double click sends the tar twice, and the other request may have finished first.
        before = _asked_before(person, key, label) if isinstance(error, Conflict) else None
        if before is None:
            raise
        return before


def _asked_before(person: str, key: str | None, name: str) -> dict[str, Any] | None:
    job = None if key is None else jobs.with_key(f"account:{person}", key)
    before = None if job is None else bots.shown(job)
    return before if before and before["agent"]["name"] == name else None


def _create(
    person: str,
    name: object,
    description: object,
    upload: str | None,
    key: str | None,
    node: object,
    selector: object,
) -> dict[str, Any]:
    label = names.bot_name(name)
    with transaction():
        if _asked_before(person, key, label) is None:
            _refuse(person, label)
        return bots.create(f"account:{person}", label, person, description, node, None, upload, key, selector)


def _refuse(person: str, name: str) -> None:
    most = settings().bots_most
    if rows.owned(person) >= most:
        raise Conflict(f"You own {most} bots, as many as an account may: delete one first.")
    refusing.if_taken(name, person)
