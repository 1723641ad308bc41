"""Backups: when a snapshot or its verification is due, what is kept, and what a snapshot says about itself.

A round is one piece of work on the repository: a backup (a new snapshot, then retention) or a verification (the newest
snapshot is restored into a scratch place and checked).
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
    """asked -> running -> succeeded | failed; only one round of a kind is asked or running at a time."""

    ASKED = "asked"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN = (RoundState.ASKED, RoundState.RUNNING)

SILENT_S = 120.0
"""Whoever works on a round says so every few seconds; after this many seconds of silence they are dead, and the round
failed."""

RETRY_S = 900.0
"""How many seconds after a failed round the next one is tried."""

EXPORT_RETRY_S = 6 * 3600.0
"""How many seconds after a failed export of a bot the next one is tried: each export stops the bot for a moment."""

RESTORER = "restore"
"""The actor in the audit for restoring a snapshot."""

ROOT = "cellar"
"""The folder in a snapshot that holds all but the files and folders named for backup, which keep their own paths."""

MANIFEST, ENVIRONMENT, TARS = f"/{ROOT}/manifest.json", f"/{ROOT}/environment.json", f"/{ROOT}/tars"
FORMAT = 1

KEEPS = ("last", "hourly", "daily", "weekly", "monthly", "yearly", "within")
"""restic's kinds of retention, without their ``--keep-``."""

KEPT = "within=3d daily=14 weekly=8 monthly=12"


def keep(text: str) -> dict[str, str]:
    """The retention in a text such as ``within=3d daily=14 …``; raises ValueError, which says what is accepted."""
    found: dict[str, str] = {}
    for word in text.split():
        kind, _, value = word.partition("=")
        number = value[:-1] if kind == "within" and value[-1:] in ("h", "d", "m", "y") else value
        is_good = kind in KEEPS and number.isascii() and number.isdigit() and int(number) > 0
        if not is_good or (kind == "within") == (number == value):
            raise ValueError(f"snapshots to keep, such as {KEPT}")
        found[kind] = value
    if not found:
        raise ValueError(f"at least one kind of snapshot to keep, such as {KEPT}")
    return found


def address(text: str) -> str:
    """The address of a repository as restic writes it: a folder, SFTP or S3; empty for none. Raises ValueError."""
    is_known = text.startswith(("/", "sftp:", "s3:"))
    if text and not (is_known and text.isprintable() and " " not in text):
        raise ValueError("an absolute folder, sftp:user@host:/folder or s3:https://host/bucket")
    return text


def is_due(began_at: float | None, succeeded: bool, every_s: float, now: float) -> bool:
    """Whether the next round of a kind is due, given when the last one began; also if the clock was set back since."""
    if began_at is None or began_at > now + every_s:
        return True
    return now - began_at >= (every_s if succeeded else min(RETRY_S, every_s))


def is_dead(heard_at: float, now: float) -> bool:
    """Whether whoever worked on a round has died: their last sign is too old, or in the future because of a wrong clock."""
    return abs(now - heard_at) > SILENT_S


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says about itself.

    ``database`` is the database's address at that time, without a password; ``is_sqlite`` says whether its copy is an
    SQLite file. ``tars`` is the folder of tars, ``paths`` are the files and folders besides it, ``doors`` are the
    addresses at which the two apps listened (``host:port``), and ``counts`` are the numbers of rows in the most
    important tables of the copy.
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
        """The manifest as text for the snapshot."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)


def manifest(text: str) -> Manifest:
    """Read a snapshot's manifest; raises Invalid if this version can't read it."""
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
    """How the rows of a restored copy differ in number from those that were copied; empty if they do not."""
    wrong = [name for name, count in manifest.counts.items() if counts.get(name) != count]
    return ", ".join(f"{names.shown(name)}: {counts.get(name)} of {manifest.counts[name]}" for name in wrong)
