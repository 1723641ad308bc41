"""Transfers of bots: export to the service, import from it."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pillar_service.core import names
from pillar_service.core.bots import exports
from pillar_service.core.bots.exports import Kind
from pillar_service.core.errors import Conflict, Failed, ForkHazard
from pillar_service.core.people.agents import Desired
from pillar_service.node import containers, disk, identity, locks, stillness, tar
from pillar_service.node.door import Door, in_its_turn
from pillar_service.node.lastgood import Known
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

FORMAT = 1
"""The version of the tar's format."""

PATIENCE_S = 300.0
"""Seconds that an import waits for its turn to fetch its tar: a third of what its job may take."""

FRESH = "import-"
"""The prefix of folders into which an import is unpacked."""

WHILE_RUNNING = frozenset({Kind.SECRET, Kind.GOSSIP})
"""Kinds for which a pub need not stop: it never rewrites its secret, and replaces the other file as a whole."""


def export(
    home: Home,
    node: str,
    bot: str,
    job: str,
    door: Door,
    kind: object = Kind.EVERYTHING,
    known: Known = Told,
) -> dict[str, Any]:
    """Send a bot's identity and data, or one kind of it, to the service as the tar of that job.

    Returns pub_id, sequence, size, sha256 and kind. The pub is stopped, if at all, only while the tar is written to this
    node's disk. Then it is started again whatever happens, unless ``known`` says by then that it should not run. Raises
    Conflict if the bot has nothing of that kind.
    """
    _job(job)
    wanted = exports.kind(kind)
    _need_room(home, tar.size(home.bot(bot), wanted))
    still = contextlib.nullcontext() if wanted in WHILE_RUNNING else _stopped(home, node, bot, known)
    with still, _spooled(home, job) as file:
        packed = tar.pack(home.bot(bot), home.config(bot), _manifest(home, bot, wanted), file, wanted)
        if not packed:
            raise Conflict(f"This bot has no {wanted} yet: there is nothing to export.")
        file.flush()
        kept = os.dup(file.fileno())
    with os.fdopen(kept, "rb") as file:
        return _sent(door, job, file, wanted)


def _need_room(home: Home, size: int) -> None:
    home.transfers.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk.require_room(home.transfers, size, "This", "ask again")


def _job(job: object) -> str:
    if names.is_id(job):
        return job
    raise Failed(f"{names.shown(job)} is not a job's id.")


@contextlib.contextmanager
def _stopped(home: Home, node: str, bot: str, known: Known) -> Iterator[None]:
    """Keep the bot stopped meanwhile; start it again if it ran before and, as ``known`` says by then, should still run."""
    with stillness.held(home, bot), containers.engine(timeout_s=60) as client:
        container = containers.of_bot(client, node, bot)["Id"]
        was_running = client.inspect_container(container)["State"]["Running"]
        try:
            containers.stop(client, container)
            yield
        finally:
            if was_running and known().bots.get(bot, {}).get("state", Desired.RUNNING) == Desired.RUNNING:
                client.start(container)


def _manifest(home: Home, bot: str, kind: Kind) -> dict[str, Any]:
    found = identity.of(home.bot(bot))
    if found.pub_id is None:
        raise Conflict("This bot has no identity yet: start it once, then export it.")
    if not found.whole and kind is Kind.EVERYTHING:
        raise ForkHazard("The bot's log is missing beside its secret: an export would fork the identity.")
    sequence = 0 if kind in WHILE_RUNNING else identity.sequence(home.bot(bot), found.pub_id)
    told = {"pub_id": found.pub_id, "sequence": sequence, "kind": str(kind)}
    return told | {"exported_at": int(time.time()), "version": FORMAT}


@contextlib.contextmanager
def _spooled(home: Home, job: str) -> Iterator[IO[bytes]]:
    """A file without a name, so that a crash leaves nothing behind."""
    home.transfers.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=home.transfers, prefix=job) as file:
            yield file
    except OSError as error:
        raise Failed(f"The tar of job {job} could not be written: {error.strerror or error}.") from error


def _sent(door: Door, job: str, file: IO[bytes], kind: Kind) -> dict[str, Any]:
    file.seek(0)
    held = exports.check(file, kind)
    file.seek(0)
    ours = {"size": os.fstat(file.fileno()).st_size, "sha256": disk.sha256(file)}
    file.seek(0)
    stored = door.send(job, file)
    if stored.get("sha256") != ours["sha256"]:
        raise Failed("What the service stored is not what this node sent: try again.")
    return {"pub_id": held.pub_id, "sequence": held.sequence, "kind": str(kind), **ours}


def is_imported(home: Home, bot: str, wanted: Mapping[str, Any]) -> bool:
    """Whether the data directory already holds the identity with its log.

    Raises Conflict if it holds another identity, ForkHazard if it holds this one without its log.
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
    """Fetch the tar of an import (``job``, ``sha256``, ``size``, ``pub_id``), check it, and put it in place as a whole.

    Raises like ``is_imported``; Failed if it is not the announced tar; Invalid or ForkHazard because of its content.
    """
    if is_imported(home, bot, wanted):
        return
    _tidy(home)
    _need_room(home, 2 * wanted["size"])  # the tar and its content
    with _new_folder(home.transfers) as fresh:
        with tempfile.TemporaryFile(dir=home.transfers) as file:
            _fetched(door, wanted, file)
            file.seek(0)
            tar.unpack(file, fresh)
        _put(fresh, home.bot(bot))


@contextlib.contextmanager
def _new_folder(inside: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=inside, prefix=FRESH))
    try:
        with _at_work(folder):
            yield folder
    except OSError as error:
        raise Failed(f"The import could not be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _at_work(folder: Path) -> Iterator[bool]:
    """Yield whether nobody else works in a folder; if so, keep others out until this ends or the process does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield locks.taken(descriptor)
    finally:
        os.close(descriptor)


def _tidy(home: Home) -> None:
    """Delete what killed imports left: each may hold a whole bot with its secret."""
    for folder in home.transfers.glob(f"{FRESH}*"):
        with contextlib.suppress(OSError), _at_work(folder) as is_left:
            if is_left:
                shutil.rmtree(folder)


def _fetched(door: Door, wanted: Mapping[str, Any], file: IO[bytes]) -> None:
    def fetch(into: IO[bytes]) -> str:
        return door.fetch(wanted["job"], into, wanted["size"])

    if in_its_turn(fetch, file, PATIENCE_S) != wanted["sha256"]:
        raise Failed("The transfer's checksum is not the announced one: try again.")
    file.seek(0)
    held = exports.check(file)
    if held.pub_id != wanted["pub_id"]:
        raise Conflict("The transfer holds another identity than the announced one, so it was not imported.")


def _put(fresh: Path, folder: Path) -> None:
    """Rename the folder to the data directory, which must be missing or empty; raises Conflict otherwise."""
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
    """Delete a bot's data and configuration for good, and what killed imports have left."""
    try:
        _tidy(home)
        if home.bot(bot).is_dir():
            disk.remove_folder(home.bot(bot))
        home.config(bot).unlink(missing_ok=True)
    except OSError as error:
        raise Failed(f"The bot's data could not be deleted: {error.strerror or error}.") from error


def is_removed(home: Home, bot: str) -> bool:
    """Whether nothing of the bot is left on disk."""
    return not home.bot(bot).exists() and not home.config(bot).exists()
