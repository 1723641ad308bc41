"""Measures where a request with events spends its processor time: in one process, alone, through the public app itself.

``python -m bench.parts`` in a service's environment prints the seconds of a request and of its parts, for each size of
a batch. What the parts leave of the whole is Flask's, and what is done around every request.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench import TOP, submitting
from bench.report import Row
from pillar_service.core.events.submission import MEDIA_TYPE
from pillar_service.core.nodes import signatures
from pillar_service.store import database
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import nodes, signed
from pillar_service.usecases.service import storage
from pillar_service.web import door, public

ROUNDS, NODE = {1: 300, 10: 100, 500: 20}, "parts-1"
PARTS = ("signature", "gunzip and JSON", "checks", "SQL", "begin and commit")


def measure(folder: Path) -> list[Row]:
    """A row for each size of a batch."""
    folder.mkdir()
    environment = os.environ | {
        "CELLAR_DATABASE": f"sqlite:///{folder}/cellar.db",
        "CELLAR_FILES": str(folder / "files"),
        "CELLAR_SECRET_KEY": "not-a-secret-" * 4,
        "CELLAR_CATALOGUE": str(TOP / "tests" / "integration" / "meeseeks"),
    }
    command = [sys.executable, "-m", "bench.parts"]
    done = subprocess.run(command, env=environment, cwd=TOP, check=True, capture_output=True, text=True)
    return [_row(size, told) for size, told in json.loads(done.stdout).items()]


def _row(size: str, told: dict[str, float]) -> Row:
    whole = told["whole"]
    shares = {**{part: told[part] for part in PARTS}, "Flask and the rest": whole - sum(told[part] for part in PARTS)}
    said = ", ".join(f"{part} {seconds * 1000:.2f}" for part, seconds in shares.items())
    return Row(f"processor time of a batch of {size}", f"{whole * 1000:.2f}", "ms", said)


class _Parts:
    """One node's requests, carried out whole, and part by part."""

    def __init__(self) -> None:
        storage.prepare()
        storage.migrate()
        self.key, self.epoch = rsa.generate_private_key(65537, 2048), 0
        encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        nodes.add("bench", NODE)
        nodes.set_key("bench", NODE, self.key.public_key().public_bytes(encoding, kind).decode())
        self.app = public.create_app()

    def told(self, size: int, count: int) -> dict[str, float]:
        """Processor time in seconds of one request with so many events: the mean of ``count`` requests."""
        for take in (self._whole, self._in_parts):  # what is done only for the first request
            self._take(take, size, 3)
        spent = self._take(self._whole, size, count) | self._take(self._in_parts, size, count)
        spent["begin and commit"] = spent["both"] - spent["SQL"]
        return {part: spent[part] / count for part in (*PARTS, "whole")}

    def _take(self, take: Callable[..., None], size: int, count: int) -> dict[str, float]:
        self.epoch += 1
        spent: dict[str, float] = defaultdict(float)
        for body, token in submitting.requests(self.key, NODE, size, size * count, self.epoch):
            take(body, token, spent)
        return spent

    def _whole(self, body: bytes, token: str, spent: dict[str, float]) -> None:
        environ, said = _environ(body, token), []
        with _clocked(spent, "whole"):
            answer = self.app.wsgi_app(environ, lambda status, *_: said.append(status))
            b"".join(answer)
            answer.close()
        if said != ["202 ACCEPTED"]:
            raise RuntimeError(f"A batch was not taken: {said}")

    def _in_parts(self, body: bytes, token: str, spent: dict[str, float]) -> None:
        with _clocked(spent, "signature"):
            claims = signed.claims(token)
            signatures.check(claims, NODE, body)
            request = signatures.request(claims)
        with self.app.test_request_context(headers={"Content-Encoding": "gzip"}), _clocked(spent, "gunzip and JSON"):
            batch = door._read(body)
        with _clocked(spent, "checks"):
            read = events.Batch(NODE)
            for raw in batch:
                events._read(read, raw, is_signed=True)
        with _clocked(spent, "both"), database.transaction(), _clocked(spent, "SQL"):
            events._keep(read, time.time(), 0.1, request)


@contextmanager
def _clocked(spent: dict[str, float], part: str) -> Iterator[None]:
    began = time.process_time()
    yield
    spent[part] += time.process_time() - began


def _environ(body: bytes, token: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/events", "QUERY_STRING": "", "SERVER_NAME": "x", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": MEDIA_TYPE, "HTTP_CONTENT_ENCODING": "gzip", "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_HOST": "x", "HTTP_USER_AGENT": "python-requests", "HTTP_ACCEPT": "*/*",
    }  # fmt: skip


if __name__ == "__main__":
    parts = _Parts()
    print(json.dumps({size: parts.told(size, count) for size, count in ROUNDS.items()}))
