"""Requests to addresses that strangers gave: only to the IP address that was checked, and within a time limit.

A name is resolved once. If any of its IP addresses is not public, nothing is sent, so that a request can't reach this
machine, its networks or a cloud's metadata, whatever the name resolves to a moment later. Redirects are not followed,
and no proxy is used.
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
"""How many bytes of an answer are read at most; its content does not matter."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, its reason, and after how many seconds to try again, if the answer says so."""

    status: int
    reason: str
    retry_after_s: float | None


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """Send a POST request and return the answer.

    Raises Invalid for an address to which nothing may be sent, Failed if sending fails or takes longer than
    ``timeout_s``.
    """
    until = time.monotonic() + timeout_s
    where = addresses.address(url, bool(settings().webhook_networks))
    found = _checked(where)
    try:
        with _line(where, found, until) as line:
            answer = _ask(where, line, headers, body)
        if time.monotonic() < until:  # else the answer may have been cut off before its end
            return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() < until:
            raise Failed(_why(error)) from error
    raise Failed(f"It did not answer within {timeout_s:g} seconds.")


def _why(error: Exception) -> str:
    what = "Its certificate or TLS is wrong" if isinstance(error, ssl.SSLError) else "The connection failed"
    return f"{what} ({type(error).__name__}: {str(error)[:200]})."


def _checked(where: Address) -> list[str]:
    """The IP addresses of the host. Raises Invalid unless events may go to all of them."""
    found = _resolved(where.host, where.port)
    allowed = settings().webhook_networks
    for ip in found:
        if addresses.is_within(ip, allowed):
            continue
        at = ip if where.host == ip else f"{where.host} ({ip})"
        if not where.is_secure:
            raise Invalid(f"Events go over http only to CELLAR_WEBHOOK_NETWORKS, and {at} is not in them: use https.")
        if not addresses.is_public(ip) or _is_own(ip):
            raise Invalid(f"Events go only to public addresses, and {at} is not one.")
    return found


def _resolved(host: str, port: int) -> list[str]:
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Failed(f"The name {host} has no address ({error}).") from error
    return list(dict.fromkeys(str(place[0]) for *_, place in told))


def _is_own(ip: str) -> bool:
    """Whether this is an IP address of this machine, or of the host in the service's own address."""
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
    """A connection to the first of these IP addresses that accepts one; it is cut at ``until``, whatever it does."""
    plain = _connected(found, where.port, until)
    with plain, plain.dup() as held:  # TLS takes the socket over; the duplicate can still cut it
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
    kind = http.client.HTTPSConnection if where.is_secure else http.client.HTTPConnection  # leaves out its default port
    asked = kind(where.host, where.port)
    asked.sock = line
    asked.request("POST", where.path, body, dict(headers))
    answer = asked.getresponse()
    with suppress(OSError, http.client.HTTPException):  # only polite: the status is known already
        answer.read(LARGEST_ANSWER)
    return Answer(answer.status, answer.reason[:100], _seconds(answer.headers.get("Retry-After", "")))


def _seconds(written: str) -> float | None:
    """What Retry-After says (a number or a date), in seconds; None if it can't be read."""
    if written.isascii() and written.isdigit():
        return float(written[:9])
    try:
        then = parsedate_to_datetime(written)
        return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
