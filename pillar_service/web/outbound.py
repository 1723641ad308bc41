"""Requests to where a stranger said: over a line to the very address that was checked, and never longer than its time.

A name is resolved once. If any address that it has is not public, nothing is sent: not to this machine, its networks or
a cloud's metadata, whatever the name resolves to a moment later. No redirect is followed, no proxy asked.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pillar_service.core import addresses
from pillar_service.core.addresses import Address
from pillar_service.core.errors import Failed, Invalid
from pillar_service.settings import settings

LARGEST_ANSWER = 64 << 10
"""So much of an answer is read at most; what it says does not matter."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and after how many seconds to come again, if that was said."""

    status: int
    reason: str
    retry_after_s: float | None


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """Send it, and read the answer; raises Invalid for an address that nothing goes to, Failed for all that goes wrong."""
    until = time.monotonic() + timeout_s
    where = addresses.address(url, bool(settings().webhook_networks))
    found = _checked(where)
    try:
        with _line(where, found, until) as line:
            answer = _ask(where, line, headers, body)
        if time.monotonic() < until:  # else it may have been cut between its status and its end
            return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() < until:
            raise Failed(_why(error)) from error
    raise Failed(f"It did not answer within {timeout_s:g} seconds.")


def _why(error: Exception) -> str:
    what = "Its certificate or TLS is not right" if isinstance(error, ssl.SSLError) else "The connection failed"
    return f"{what} ({type(error).__name__}: {str(error)[:200]})."


def _checked(where: Address) -> list[str]:
    """The addresses of the host; raises Invalid unless events may go to all of them."""
    found = _resolved(where.host, where.port)
    allowed = settings().webhook_networks
    for ip in found:
        if addresses.is_within(ip, allowed):
            continue
        at = ip if where.host == ip else f"{where.host} ({ip})"
        if not where.is_secure:
            raise Invalid(
                f"Over http events go only where CELLAR_WEBHOOK_NETWORKS says, and {at} is not there: use https."
            )
        if not addresses.is_public(ip) or _is_own(ip):
            raise Invalid(f"Events go to public addresses alone, and {at} is none.")
    return found


def _resolved(host: str, port: int) -> list[str]:
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Failed(f"The name {host} has no address ({error}).") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in told))


def _is_own(ip: str) -> bool:
    """Whether it is an address of this machine, or of what people reach the place at."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as tried:
        tried.bind((ip, 0))
        return True
    place = urlsplit(settings().address).hostname or ""
    try:
        return ip in _resolved(place, 443)
    except Failed:
        return False


@contextmanager
def _line(where: Address, found: list[str], until: float) -> Iterator[socket.socket]:
    """A line to the first of these addresses that takes one, cut when the time is up, whatever it waits for then."""
    plain = _connected(found, where.port, until)
    with plain, plain.dup() as held:  # TLS takes the socket over: this one still reaches it
        clock = threading.Timer(max(until - time.monotonic(), 0.0) + 0.01, _cut, (held,))
        clock.daemon = True
        clock.start()
        try:
            if not where.is_secure:
                yield plain
                return
            with ssl.create_default_context().wrap_socket(plain, server_hostname=where.host) as secure:
                yield secure
        finally:
            clock.cancel()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _connected(found: list[str], port: int, until: float) -> socket.socket:
    failure: OSError = OSError("it has no address")
    for ip in found:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up") from failure
        try:
            return socket.create_connection((ip, port), left)
        except OSError as error:
            failure = error
    raise failure


def _ask(where: Address, line: socket.socket, headers: Mapping[str, str], body: bytes) -> Answer:
    kind = http.client.HTTPSConnection if where.is_secure else http.client.HTTPConnection  # which port goes unsaid
    asked = kind(where.host, where.port)
    asked.sock = line
    asked.request("POST", where.path, body, dict(headers))
    answer = asked.getresponse()
    with suppress(OSError, http.client.HTTPException):  # a courtesy: the status has said it
        answer.read(LARGEST_ANSWER)
    return Answer(answer.status, answer.reason[:100], _seconds(answer.headers.get("Retry-After", "")))


def _seconds(written: str) -> float | None:
    """What Retry-After says, in seconds: a number, or a date."""
    if written.isascii() and written.isdigit():
        return float(written[:9])
    try:
        then = parsedate_to_datetime(written)
        return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
