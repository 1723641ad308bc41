"""The catalogue in force: read from its files when they change, and stored, so that a broken file changes nothing."""

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pillar_service.catalogue import loading
from pillar_service.core.chat.personas import Personas
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import catalogue as rules
from pillar_service.core.meeseeks import loaded
from pillar_service.core.meeseeks.catalogue import Catalogue
from pillar_service.core.meeseeks.loaded import Loaded
from pillar_service.core.meeseeks.roles import Policy
from pillar_service.settings import settings
from pillar_service.store.database import transaction
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.meeseeks import catalogues
from pillar_service.usecases.service import auditing

log = logging.getLogger(__name__)

CHANGED = "The command {} has changed since this was asked for: ask for it again."

LOOK_EVERY_S = 1.0
"""How long this process waits at least before it looks at the files again."""

EMPTY = Loaded(Catalogue({}), Policy(), Personas({}, ""), "")


class _Looked:
    """When and where (catalogue folder and database) this process last looked, the files' stamp, and what it read."""

    at = 0.0
    where: object = None
    stamp: object = None
    known = EMPTY
    lock = threading.Lock()


def current() -> Loaded:
    """The catalogue, roles and personas in force; while a file is broken, the last good ones."""
    refresh()
    fingerprint = catalogues.fingerprint() or ""
    if fingerprint != _Looked.known.fingerprint:
        kept = catalogues.find()  # with its own fingerprint: a newer one may have been stored since
        _Looked.known = loaded.from_json(kept.body) if kept is not None and kept.body else EMPTY
    return _Looked.known


def refresh() -> None:
    """Read the files if they have changed since this process last looked. A fault in them is logged and stored."""
    with _Looked.lock:
        now, where = time.monotonic(), (settings().catalogue, settings().database)
        is_first = where != _Looked.where
        if not is_first and now - _Looked.at < LOOK_EVERY_S:
            return
        files = loading.stamp(settings().catalogue)
        stamp = where, files
        _Looked.where, _Looked.at = where, now
        if stamp == _Looked.stamp or not (is_first or loading.is_settled(files, time.time())):
            return
        try:
            _take("files", lambda: _read(settings().catalogue, files))
        except Invalid as error:
            log.error("The catalogue could not be read again, so the last good one stays in force: %s", error)
        _Looked.stamp = stamp


@lru_cache(maxsize=1)
def _read(folder: Path, _files: loading.Stamp) -> Loaded:
    return loading.load(folder)


def reload(actor: str) -> dict[str, Any]:
    """Read the files now; returns {"commands", "roles", "fingerprint"}.

    Raises Invalid with every fault; then nothing changes.
    """
    found = _take(actor, lambda: loading.load(settings().catalogue))
    return {
        "commands": found.catalogue.listed(),
        "roles": [role.name for role in found.policy.roles],
        "fingerprint": found.fingerprint,
    }


def _take(actor: str, read: Callable[[], Loaded]) -> Loaded:
    """Put what ``read`` returns into force, and return it; a fault in it is stored, and raised."""
    try:
        found = read()
    except Invalid as error:
        with transaction():
            catalogues.fail(error.sentence, time.time())
        raise
    with transaction():
        now, body, kept = time.time(), loaded.to_json(found), catalogues.find()
        # Compare the body, too: another version may have written the same files in a form that this one can't read.
        if kept is not None and (kept.fingerprint, kept.body) == (found.fingerprint, body):
            catalogues.fail(None, now)
            return found
        catalogues.put(body, found.fingerprint, now)
        auditing.record(actor, "meeseeks.reload", "catalogue", now, found.fingerprint[:16])
    log.info("The catalogue %s is in force now: %d commands.", found.fingerprint[:16], len(found.catalogue.commands))
    return found


def changed(job: Job, known: Catalogue | None = None) -> str | None:
    """Why a node would now run something other than what the job was asked for; None if it would not.

    ``known`` is the catalogue in force, for callers that check many jobs at once.
    """
    was = (job.plan or {}).get("entry")
    if was is None:
        return None
    now = (known or current().catalogue).commands.get(job.command)
    if now is not None and now.digest == was:
        return None
    return CHANGED.format(job.command)


def fault() -> str | None:
    """Why the files can't be used now; None if they can."""
    kept = catalogues.find()
    return None if kept is None else kept.fault


def for_node(labels: dict[str, str]) -> dict[str, Any]:
    """What a node with these labels is told of the catalogue."""
    return rules.for_node(current().catalogue, labels)
