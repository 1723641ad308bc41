"""The audit's chain: each row's link covers all rows before it, so that no row can be changed, added or removed unnoticed.

A row's words are hashed with a salt of their own. When they must be forgotten (a person leaves), words and salt are
deleted, but the hash stays: the chain still holds, and nobody can find an address by trying which one has that hash.
"""

import hashlib
import json
from dataclasses import dataclass

FIRST = "0" * 64
"""The previous link for the first row."""


@dataclass(frozen=True)
class Entry:
    """One row of the audit; ``n`` numbers the rows without gaps, ``at`` is in Unix seconds."""

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
        """Whether its words were deleted."""
        return self.salt == ""


def hashed(salt: str, detail: str) -> str:
    """The hash of a row's words."""
    return hashlib.sha256(f"{salt} {detail}".encode()).hexdigest()


def link(before: str, n: int, id: str, at: float, actor: str, action: str, subject: str, detail_hash: str) -> str:
    """The link of a row: a hash over the link ``before`` it and all that the row contains."""
    told = json.dumps([before, n, id, float(at), actor, action, subject, detail_hash])
    return hashlib.sha256(told.encode()).hexdigest()


def fault(before: str, n: int, row: Entry) -> str | None:
    """What is wrong with the row that should be the n-th, after the link ``before``; None if it is as it was written."""
    if row.n != n:
        return f"Row {n} is missing: the next one is {row.n}."
    if not row.is_blanked and hashed(row.salt, row.detail) != row.detail_hash:
        return "Its words are not what was written."
    if row.is_blanked and row.detail:
        return "Its words were deleted, and something else is there now."
    if link(before, n, row.id, row.at, row.actor, row.action, row.subject, row.detail_hash) != row.chain:
        return "It is not the row that was written here, or the one before it is not."
    return None
