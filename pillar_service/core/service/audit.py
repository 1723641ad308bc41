"""The audit's chain: each row's link holds all before it, so that no row can change, come or go unseen.

What a row tells in words is hashed with a salt of its own. It may be forgotten later (a person leaves): words and salt go,
their hash stays, the chain holds, and nobody can try addresses until one has that hash.
"""

import hashlib
import json
from dataclasses import dataclass

FIRST = "0" * 64
"""What the first link holds in place of one before it."""


@dataclass(frozen=True)
class Entry:
    """One row of the audit; ``n`` counts them without a gap, ``at`` is in Unix seconds."""

    n: int
    id: str
    at: float
    actor: str
    action: str
    subject: str
    detail: str
    salt: str
    detail_hash: str
    chain: str

    @property
    def is_blanked(self) -> bool:
        """Whether its words were forgotten."""
        return self.salt == ""


def hashed(salt: str, detail: str) -> str:
    """The hash of a row's words."""
    return hashlib.sha256(f"{salt} {detail}".encode()).hexdigest()


def link(before: str, n: int, id: str, at: float, actor: str, action: str, subject: str, detail_hash: str) -> str:
    """The link of a row, from the one ``before`` and all that the row says."""
    told = json.dumps([before, n, id, float(at), actor, action, subject, detail_hash])
    return hashlib.sha256(told.encode()).hexdigest()


def fault(before: str, n: int, row: Entry) -> str | None:
    """What is wrong with the row that should be the n-th, after the link ``before``; None when it is as it was written."""
    if row.n != n:
        return f"Row {n} is missing: the next one is {row.n}."
    if not row.is_blanked and hashed(row.salt, row.detail) != row.detail_hash:
        return "What it tells is not what was written."
    if row.is_blanked and row.detail:
        return "What it tells was forgotten once, and something else stands there now."
    if link(before, n, row.id, row.at, row.actor, row.action, row.subject, row.detail_hash) != row.chain:
        return "It is not the row that was written here, or the one before it is not."
    return None
