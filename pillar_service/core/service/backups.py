"""Backups: when a snapshot or its verification is due, what is kept, and what a snapshot says of itself.

A round is one thing done with the repository: a backup (a new snapshot, then retention) or a verification (the newest
snapshot, restored into a scratch place and looked through).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pillar_service.core import names
from pillar_service.core.errors import Invalid


class RoundKind(StrEnum):
    BACKUP = "backup"
    VERIFICATION = "verification"


class RoundState(StrEnum):
    """asked -> running -> succeeded | failed; one of a kind is asked or running at a time."""

    ASKED = "asked"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN = (RoundState.ASKED, RoundState.RUNNING)

SILENT_S = 120.0
"""Who works on a round says so each few seconds; after so long without a word they are dead, and the round has failed."""

RETRY_S = 900.0
"""How long after one that failed the next is tried."""

EXPORT_RETRY_S = 6 * 3600.0
"""How long after an export of a bot that failed the next is tried: each stops it for a moment."""

RESTORER = "restore"
"""Who puts a snapshot back, as the audit says it."""

ROOT = "cellar"
"""The folder of a snapshot that holds all but the files and folders that were named: those stand at their own paths."""

MANIFEST, ENVIRONMENT, TARS = f"/{ROOT}/manifest.json", f"/{ROOT}/environment.json", f"/{ROOT}/tars"
FORMAT = 1

KEEPS = ("last", "hourly", "daily", "weekly", "monthly", "yearly", "within")
"""restic's kinds of retention, without their ``--keep-``."""

KEPT = "within=3d daily=14 weekly=8 monthly=12"


def keep(text: str) -> dict[str, str]:
    """Retention, from ``within=3d daily=14 …``; raises ValueError that says what it takes."""
    found: dict[str, str] = {}
    for word in text.split():
        kind, _, value = word.partition("=")
        number = value[:-1] if kind == "within" and value[-1:] in ("h", "d", "m", "y") else value
        is_good = kind in KEEPS and number.isascii() and number.isdigit() and int(number) > 0
        if not is_good or (kind == "within") == (number == value):
            raise ValueError(f"what is kept, such as {KEPT}")
        found[kind] = value
    if not found:
        raise ValueError(f"what is kept, such as {KEPT}: nothing would be")
    return found


def address(text: str) -> str:
    """Where a repository is: a folder, SFTP or S3, as restic names it; empty for none. Raises ValueError."""
    is_known = text.startswith(("/", "sftp:", "s3:"))
    if text and not (is_known and text.isprintable() and " " not in text):
        raise ValueError("an absolute folder, sftp:user@host:/folder or s3:https://host/bucket")
    return text


def is_due(began_at: float | None, succeeded: bool, every_s: float, now: float) -> bool:
    """Whether the next round of a kind is due, by when the last began; a clock that was set back makes it due, too."""
    if began_at is None or began_at > now + every_s:
        return True
    return now - began_at >= (every_s if succeeded else min(RETRY_S, every_s))


def is_dead(heard_at: float, now: float) -> bool:
    """Whether who worked on a round has died: nothing was heard for too long, or only in a future that never was."""
    return abs(now - heard_at) > SILENT_S


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself.

    ``database`` is its address then, without a password, ``is_sqlite`` whether its copy is a file of SQLite's. ``tars`` is the
    folder of tars, ``paths`` the files and folders beside it, ``doors`` where the two apps listened (``host:port``),
    ``counts`` how many rows the copy has of what matters most.
    """

    taken_at: float
    version: str
    database: str
    is_sqlite: bool
    tars: str
    paths: list[str]
    doors: list[str]
    counts: dict[str, int]

    @property
    def copy(self) -> str:
        """The path of the database's copy in the snapshot."""
        return f"/{ROOT}/database.{'sqlite' if self.is_sqlite else 'dump'}"

    def text(self) -> str:
        """As it stands in the snapshot."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)


def manifest(text: str) -> Manifest:
    """What a snapshot says; raises Invalid for one that this version can't read."""
    try:
        told = json.loads(text)
        if told.pop("format") != FORMAT:
            raise Invalid("The snapshot was made by a newer Saltcellar: restore it with that version.")
        found = Manifest(**told)
        _check(found)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Invalid("The snapshot's manifest can't be read: it was not made by Saltcellar, or is damaged.") from error
    return found


def _check(found: Manifest) -> None:
    paths = [found.tars, *found.paths]
    if not all(isinstance(path, str) and path.startswith("/") and ".." not in path.split("/") for path in paths):
        raise ValueError("paths")
    if not isinstance(found.counts, Mapping) or not isinstance(found.database, str):
        raise ValueError("counts")


def differences(manifest: Manifest, counts: Mapping[str, int]) -> str:
    """In what the rows of a restored copy differ from those that were copied; empty if in nothing."""
    wrong = [name for name, count in manifest.counts.items() if counts.get(name) != count]
    return ", ".join(f"{names.shown(name)}: {counts.get(name)} of {manifest.counts[name]}" for name in wrong)
