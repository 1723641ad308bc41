"""The identity in a data directory: its pub's id, and whether its log is there."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pillar_service.core import names
from pillar_service.core.bots import exports

LONGEST = 1 << 20
"""The most bytes of a message in a log that are looked at; Scuttlebutt allows 8 KiB."""


@dataclass(frozen=True)
class Identity:
    """A pub's id (None: no readable secret), and whether it is ``whole``.

    It is whole if its log is there, or the mark that it has not published anything.
    """

    pub_id: str | None
    has_secret: bool
    whole: bool


def of(folder: Path) -> Identity:
    """The identity in a data directory, which may be missing or empty; follows no links."""
    secret = _read(folder, "secret")
    whole = bool(_size(folder, exports.LOG)) or _size(folder, exports.UNPUBLISHED) is not None
    return Identity(_id_in(secret), secret is not None, whole)


def _read(folder: Path, name: str) -> bytes | None:
    try:
        opened = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)  # the pub's user may have put anything there, and fdopen takes no folder
        return b""
    with os.fdopen(opened, "rb") as file:
        return file.read(exports.SMALL)


def _size(folder: Path, name: str) -> int | None:
    try:
        return os.stat(folder / name, follow_symlinks=False).st_size
    except OSError:
        return None


def _id_in(secret: bytes | None) -> str | None:
    try:
        found = exports.uncommented((secret or b"").decode(errors="replace"))["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if names.is_pub_id(found) else None


def sequence(folder: Path, pub_id: str) -> int:
    """The number of the pub's own last message in its log, or 0 if it has none; the pub must not be running."""
    author, last = json.dumps(pub_id).encode(), 0
    if not _size(folder, exports.LOG):
        return last
    opened = os.open(folder / exports.LOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb", buffering=1 << 20) as log:
        for message in _messages(log):
            if author in message:
                last = max(last, _sequence_in(message, pub_id))
    return last


def told(folder: Path) -> dict[str, Any]:
    """What a data directory says about a pub that is not running: pub_id and sequence; {} if it can't be read."""
    pub_id = of(folder).pub_id
    try:
        return {"pub_id": pub_id, "sequence": sequence(folder, pub_id)} if pub_id else {}
    except OSError:
        return {}


def _messages(log: IO[bytes]) -> Iterator[bytes]:
    """The messages of a log, as flumelog-offset frames them: length, message, length, end; numbers have 4 bytes.

    The pub's user can write anything: a message that is too long is yielded as empty, and a hole, in which lengths are 0,
    ends the log.
    """
    while len(head := log.read(4)) == 4 and (size := int.from_bytes(head)):
        message = b""
        if size <= LONGEST:
            message = log.read(size)
        else:
            log.seek(size, os.SEEK_CUR)
        if log.read(4) != head or len(log.read(4)) < 4:
            return
        yield message


def _sequence_in(message: bytes, pub_id: str) -> int:
    try:
        value = json.loads(message)["value"]
        return int(value["sequence"]) if value["author"] == pub_id else 0
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
