"""A pub's ledger of invites, read from what its node returned: bounded and checked, because the pub is not trusted."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pillar_service.core import names

MOST = 1000
"""How many invites of a ledger are kept at most, and how many uses of one invite."""

LARGEST = 2 << 20
"""The most bytes, as JSON, of a ledger that a node returns."""

CODE = re.compile(r"[\x21-\x7e]{1,500}", re.ASCII)
"""The form of an invite's code: one printable word."""

STALE_S = 60.0
"""After this many seconds a copy of the ledger is stale: looking at it then fetches it again."""


class InviteState(StrEnum):
    UNUSED = "unused"
    USED = "used"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Entry:
    """One invite. ``used_by`` is a list of {"id", "at"}; times are Unix seconds, None where the pub knows none."""

    invite: str
    note: str
    uses: int
    used: int = 0
    used_by: list[dict[str, Any]] = field(default_factory=list)
    created_at: float | None = None
    revoked_at: float | None = None
    code: str | None = None


def state(uses: int, used: int, revoked_at: float | None) -> InviteState:
    """The state of an invite: unused for as long as it can be used once more."""
    if revoked_at is not None:
        return InviteState.REVOKED
    return InviteState.USED if used >= uses else InviteState.UNUSED


def ledger(returned: object) -> list[Entry] | None:
    """The newest invites that `bots.invites` returned, oldest first; None if that is no ledger."""
    if not isinstance(returned, list):
        return None
    found = {entry.invite: entry for entry in map(_entry, returned[-MOST:]) if entry is not None}
    return list(found.values())


def worth_telling(whole: Sequence[Any]) -> list[Any]:
    """The part of a pub's ledger that a node returns, in its order: at most `MOST` invites and `LARGEST` bytes.

    Usable invites come before used and revoked ones, because they may have to be revoked; among equals, newer ones come first.
    """
    told = sorted(range(len(whole)), key=lambda place: (_is_open(whole[place]), place), reverse=True)[:MOST]
    kept, room = [], LARGEST
    for place in told:
        room -= len(json.dumps(whole[place], ensure_ascii=False).encode())
        if room < 0:
            break
        kept.append(place)
    return [whole[place] for place in sorted(kept)]


def _is_open(told: object) -> bool:
    return isinstance(told, Mapping) and told.get("state") == InviteState.UNUSED


def made(returned: object, now: float) -> Entry | None:
    """The invite, with its code, that `bots.invite` returned; None if there is none."""
    entry = _entry(returned)
    code = returned.get("code") if isinstance(returned, Mapping) else None
    if entry is None or not isinstance(code, str) or not CODE.fullmatch(code):
        return None
    return Entry(entry.invite, entry.note, entry.uses, created_at=now, code=code)


def _entry(told: object) -> Entry | None:
    if not isinstance(told, Mapping) or not names.is_pub_id(told.get("id")):
        return None
    uses, used = _count(told.get("uses")), _count(told.get("used", 0))
    if not uses or used is None:
        return None
    created, revoked = _moment(told.get("created")), _moment(told.get("revoked_at"))
    return Entry(told["id"], _note(told.get("note")), uses, used, _used_by(told.get("used_by")), created, revoked)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _note(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return names.printable(text[: names.NOTE_LENGTH])


def _used_by(value: object) -> list[dict[str, Any]]:
    rows = value[:MOST] if isinstance(value, list) else []
    return [
        {"id": row["id"], "at": _moment(row.get("at"))}
        for row in rows
        if isinstance(row, Mapping) and names.is_pub_id(row.get("id"))
    ]


def _moment(value: object) -> float | None:
    """The Unix seconds of a time as JavaScript writes it ('2026-11-21T11:20:24.000Z'); None if it is no such time."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
