"""The pub's control API: HTTP over the Unix socket in its data directory.

The directory and whatever listens there belong to the pub's user, who is not trusted. Root connects only to a real socket,
limits the answer's size and time, and checks its shape.
"""

import http.client
import io
import json
import os
import socket
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pillar_service.core import names
from pillar_service.core.bots import invites as ledgers
from pillar_service.core.bots.happenings import plain
from pillar_service.core.errors import Failed, NotFound, Unavailable

SOCKET = "control.sock"
LARGEST = 1 << 20
LARGEST_LEDGER = 16 << 20
"""The most bytes of an answer, and of the ledger, which holds about 200 bytes for each invite and 100 for each use of one."""
AWAY = "The pub does not answer on its control socket"


def info(folder: Path, timeout_s: float = 5.0) -> dict[str, Any]:
    """What the pub says about itself: id, version, sequence, peers, …; raises Unavailable if it does not answer."""
    told = ask(folder, "GET", "/info", timeout_s=timeout_s)
    if not isinstance(told, dict) or not names.is_pub_id(told.get("id")):
        raise Failed("The pub's answer about itself makes no sense.")
    return told


def pub(folder: Path, timeout_s: float = 5.0) -> dict[str, Any]:
    """What a job or report says about a pub: pub_id, sequence, version, peers, follows; raises like ``info``."""
    told = info(folder, timeout_s)
    numbers = {key: _count(told.get(key)) for key in ("sequence", "peers", "follows")}
    return {"pub_id": told["id"], "version": plain(_text(told.get("version")))[:32], **numbers}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def invite(folder: Path, uses: int, note: str) -> dict[str, Any]:
    """Create an invite; returns its id, code, note and uses."""
    return ask(folder, "POST", "/invites", {"uses": uses, "note": note}, timeout_s=30)


def invites(folder: Path) -> list[dict[str, Any]]:
    """The invites in the ledger; if there are too many, those that can still be used and the newest of the others."""
    told = ask(folder, "GET", "/invites", timeout_s=30, largest=LARGEST_LEDGER)
    if not isinstance(told, list):
        raise Failed("The pub's answer about its invites makes no sense.")
    return ledgers.worth_telling(told)


def revoke(folder: Path, invite_id: str) -> dict[str, Any]:
    """Revoke an invite; returns its id and its new state. Revoking it again changes nothing."""
    return ask(folder, "DELETE", f"/invites/{quote(invite_id, safe='')}", timeout_s=30)


def ask(
    folder: Path, method: str, path: str, body: object = None, timeout_s: float = 5.0, largest: int = LARGEST
) -> Any:
    """The JSON that the pub answers; raises Unavailable, NotFound, or Failed with the pub's own sentence."""
    until = time.monotonic() + timeout_s
    try:
        with _connected(folder, until) as connection:
            connection.sendall(_request(method, path, body))
            written = _all(connection, until, largest)
        return _read(written)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{AWAY} ({_why(error)}).") from error


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not running, or this node has no such bot"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _connected(folder: Path, until: float) -> socket.socket:
    """A connection to the socket, opened by its descriptor.

    At its path there might be another one by now, and a socket's path may have only 108 bytes.
    """
    found = _found(folder)
    try:
        if not stat.S_ISSOCK(os.fstat(found).st_mode):
            raise Unavailable(f"{AWAY}: {SOCKET} is not a socket.")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_left(until))
            connection.connect(f"/proc/self/fd/{found}")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(found)


def _found(folder: Path) -> int:
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        return os.open(SOCKET, os.O_PATH | os.O_NOFOLLOW, dir_fd=directory)
    finally:
        os.close(directory)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


def _request(method: str, path: str, body: object) -> bytes:
    # HTTP/1.0: the answer ends with the connection, so that we can bound its size and time.
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.0\r\nHost: pub\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
    return head.encode() + b"\r\n" + sent


def _all(connection: socket.socket, until: float, largest: int) -> bytes:
    parts, size = [], 0
    while True:
        connection.settimeout(_left(until))
        part = connection.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > largest:
            raise http.client.HTTPException("its answer is too long")


class _Received:
    """Received bytes, which http.client reads as if from a socket."""

    def __init__(self, written: bytes) -> None:
        self.written = written

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.written)


def _read(written: bytes) -> Any:
    response = http.client.HTTPResponse(_Received(written))  # type: ignore[arg-type]
    response.begin()
    try:
        answer = json.loads(response.read())
        # It may hold a lone surrogate, which can't be encoded: a whole state run would fail to return it.
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise http.client.HTTPException("its answer is not JSON") from error
    if response.status < 400:
        return answer
    said = _text(answer.get("error") if isinstance(answer, dict) else answer)[:300]
    raise {404: NotFound, 503: Unavailable}.get(response.status, Failed)(said)
