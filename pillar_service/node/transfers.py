"""Bots leave and come: export to the service, import from it."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pillar_service.core import exports, names
from pillar_service.core.errors import Conflict, Failed, ForkHazard
from pillar_service.node import containers, disk, identity, tar
from pillar_service.node.door import Door
from pillar_service.node.paths import Home

FORMAT = 1
"""The version of what a tar looks like."""


def export(home: Home, node: str, bot: str, job: str, door: Door) -> dict[str, Any]:
    """Send the bot's identity and data to the service as the tar of that job; returns pub_id, sequence, size, sha256.

    The pub is stopped only while the tar is written beside its data, and started again whatever happens.
    """
    _job(job)
    with _stopped(node, bot), _spooled(home, job) as file:
        tar.pack(home.bot(bot), home.config(bot), _manifest(home, bot), file)
        file.flush()
        kept = os.dup(file.fileno())
    with os.fdopen(kept, "rb") as file:
        return _sent(door, job, file)


def _job(job: object) -> str:
    if isinstance(job, str) and names.ID.fullmatch(job):
        return job
    raise Failed(f"{names.shown(job)} is not a job's id.")


@contextlib.contextmanager
def _stopped(node: str, bot: str) -> Iterator[None]:
    """Holds the bot's container still for a while; afterwards it is what it was before."""
    with containers.engine(timeout_s=60) as client:
        container = containers.of_bot(client, node, bot)["Id"]
        was_running = client.inspect_container(container)["State"]["Running"]
        try:
            containers.stop(client, container)
            yield
        finally:
            if was_running:
                client.start(container)


def _manifest(home: Home, bot: str) -> dict[str, Any]:
    found = identity.of(home.bot(bot))
    if found.pub_id is None:
        raise Conflict("This bot has no identity yet: start it once, then export it.")
    if not found.whole:
        raise ForkHazard("The bot's log is missing beside its secret: an export would fork the identity.")
    sequence = identity.sequence(home.bot(bot), found.pub_id)
    return {"pub_id": found.pub_id, "sequence": sequence, "exported_at": int(time.time()), "version": FORMAT}


@contextlib.contextmanager
def _spooled(home: Home, job: str) -> Iterator[IO[bytes]]:
    """A file without a name: a crash leaves nothing behind."""
    home.transfers.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=home.transfers, prefix=job) as file:
            yield file
    except OSError as error:
        raise Failed(f"The tar of job {job} could not be written: {error.strerror or error}.") from error


def _sent(door: Door, job: str, file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    held = exports.check(file)
    file.seek(0)
    ours = {"size": os.fstat(file.fileno()).st_size, "sha256": disk.sha256(file)}
    file.seek(0)
    stored = door.send(job, file)
    if stored.get("sha256") != ours["sha256"]:
        raise Failed("What the service stored is not what this node sent: try again.")
    return {"pub_id": held.pub_id, "sequence": held.sequence, **ours}


def is_imported(home: Home, bot: str, wanted: Mapping[str, Any]) -> bool:
    """Whether the data directory already holds the identity with its log.

    Raises Conflict when it holds another identity, ForkHazard when it holds this one without its log.
    """
    found = identity.of(home.bot(bot))
    if not found.has_secret:
        return False
    if found.pub_id != wanted["pub_id"]:
        raise Conflict(
            f"The bot's data directory already holds another identity ({found.pub_id or 'unreadable'}): nothing is "
            "imported over it. Import into a new bot."
        )
    if not found.whole:
        raise ForkHazard("The bot's data directory holds this identity without its log: running it would fork it.")
    return True


def bring_in(home: Home, bot: str, wanted: Mapping[str, Any], door: Door) -> None:
    """Fetch the tar of an import (``job``, ``sha256``, ``size``, ``pub_id``), check it, put it in place whole.

    Raises as ``is_imported``; Failed for another tar than the announced one; Invalid or ForkHazard by its content.
    """
    if is_imported(home, bot, wanted):
        return
    home.transfers.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _new_folder(home.transfers) as fresh:
        with tempfile.TemporaryFile(dir=home.transfers) as file:
            _fetched(door, wanted, file)
            file.seek(0)
            tar.unpack(file, fresh)
        _put(fresh, home.bot(bot))


@contextlib.contextmanager
def _new_folder(inside: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=inside, prefix="import-"))
    try:
        yield folder
    except OSError as error:
        raise Failed(f"The import could not be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetched(door: Door, wanted: Mapping[str, Any], file: IO[bytes]) -> None:
    if door.fetch(wanted["job"], file, wanted["size"]) != wanted["sha256"]:
        raise Failed("The transfer's checksum is not the announced one: try again.")
    file.seek(0)
    held = exports.check(file)
    if held.pub_id != wanted["pub_id"]:
        raise Conflict("The transfer holds another identity than the announced one: it is not imported.")


def _put(fresh: Path, folder: Path) -> None:
    """Rename over the data directory, which must be missing or empty: never over anything."""
    folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    try:
        os.rename(fresh, folder)
    except OSError as error:
        raise Conflict(
            f"The bot's data directory is not empty ({error.strerror}): nothing is imported over it. "
            "Import into a new bot."
        ) from error
    disk.sync_folder(folder.parent)


def remove(home: Home, bot: str) -> None:
    """Delete a bot's data and configuration for good."""
    try:
        if home.bot(bot).is_dir():
            shutil.rmtree(home.bot(bot))
        home.config(bot).unlink(missing_ok=True)
    except OSError as error:
        raise Failed(f"The bot's data could not be deleted: {error.strerror or error}.") from error


def is_removed(home: Home, bot: str) -> bool:
    """Whether nothing of the bot is left on the disk."""
    return not home.bot(bot).exists() and not home.config(bot).exists()
