"""Fetches the beginning of a page within a time limit: its server is not trusted, and may go on sending for ever."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

HEADERS = {"User-Agent": requests.utils.default_user_agent(), "Accept": "*/*"}
ERRORS = (OSError, http.client.HTTPException, ValueError)
"""What `beginning` raises if there is no answer."""


def beginning(url: str, timeout_s: float, size: int) -> tuple[int, bytes]:
    """The status, and at most ``size`` bytes of what was answered within ``timeout_s``; follows no redirects."""
    until = time.monotonic() + timeout_s
    asked = requests.Request("GET", url, HEADERS).prepare()
    parts = urlsplit(str(asked.url))
    is_secret = parts.scheme == "https"
    made = (http.client.HTTPSConnection if is_secret else http.client.HTTPConnection)(str(parts.hostname), parts.port)
    connection = socket.create_connection((made.host, made.port), timeout_s)
    with contextlib.closing(made), _ended(connection, until):
        made.sock = _secret(connection, made.host) if is_secret else connection
        made.request("GET", asked.path_url, headers=dict(asked.headers))
        answer = made.getresponse()
        return answer.status, answer.read(size)


def _secret(connection: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context(cafile=requests.certs.where()).wrap_socket(connection, server_hostname=host)


@contextlib.contextmanager
def _ended(connection: socket.socket, until: float) -> Iterator[None]:
    """Shut the connection down at ``until`` (monotonic seconds): a socket's own timeout restarts with each byte."""
    its = connection.dup()  # the TLS socket takes over the descriptor of the first
    timer = threading.Timer(max(0.0, until - time.monotonic()), _shut, (its,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        its.close()
        connection.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
