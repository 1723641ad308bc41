"""A strict fake of the service's endpoint for events: whatever a node may not send is a fault that the test sees."""

import gzip
import http.server
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import jwt

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.events.submission import BATCH_BYTES, BATCH_EVENTS, MEDIA_TYPE, Submission, event_id
from pillar_service.core.nodes import signatures

NODE = "cellar-9"
LOST = object()
"""A mood: store the events, then close the connection without an answer."""


class Ingest(http.server.ThreadingHTTPServer):
    """Keeps each event once, in order of arrival. ``mood`` may make it answer a request differently."""

    def __init__(self, public_key: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key, self.lock = public_key, threading.Lock()
        self.stored: dict[tuple[int, int], Submission] = {}
        self.faults: list[str] = []
        self.doubles = 0
        self.sizes: list[int] = []
        self.mood: Callable[[list[Any]], Any] = lambda events: None
        self.refuses: Callable[[Submission], str | None] = lambda event: None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def told(self) -> dict[str, str]:
        """What a node's pillar says about the endpoint."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {"url": url, "token": f"{NODE}:0", "auth": signatures.MINION_KEY}

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def numbers(self) -> dict[str, list[Any]]:
        """The ``n`` of each stored event's data, by stream, in order of arrival."""
        found = defaultdict(list)
        for event in self.stored.values():
            found[event.stream].append(event.data.get("n"))
        return dict(found)

    def take(self, events: list[Submission]) -> dict[str, Any]:
        """Store a batch and return the answer."""
        refused = {event_id(NODE, one.epoch, one.sequence): self.refuses(one) for one in events}
        with self.lock:
            for one in events:
                place = (one.epoch, one.sequence)
                self.doubles += place in self.stored
                if not refused[event_id(NODE, *place)]:
                    self.stored.setdefault(place, one)
        return {
            "accepted": [id for id, why in refused.items() if not why],
            "refused": [{"id": id, "why": why} for id, why in refused.items() if why],
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Ingest
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/events":
            return self._answer(404, {"detail": "This end of the wire knows of events alone."})
        try:
            events = self._checked(body)
        except (SaltcellarError, jwt.PyJWTError, ValueError, KeyError, AssertionError) as error:
            self.server.faults.append(f"{type(error).__name__}: {error}")
            return self._answer(401, {"detail": str(error)})
        mood = self.server.mood(events)
        if isinstance(mood, tuple):
            return self._answer(*mood)
        answer = self.server.take(events)
        if mood is LOST:
            self.close_connection = True
            return None
        return self._answer(202, answer)

    def _checked(self, body: bytes) -> list[Submission]:
        assert self.headers["Content-Type"] == MEDIA_TYPE
        assert self.headers["Content-Encoding"] == "gzip"
        scheme, _, token = self.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        assert jwt.get_unverified_header(token)["kid"] == NODE
        key, options = self.server.key, {"verify_iat": False}
        claims = jwt.decode(token, key, [signatures.ALGORITHM], options, audience=signatures.AUDIENCE)
        signatures.check(claims, NODE, body)
        unpacked = gzip.decompress(body)
        self.server.sizes.append(len(unpacked))
        assert len(unpacked) <= BATCH_BYTES
        sent = json.loads(unpacked)
        assert 0 < len(sent) <= BATCH_EVENTS
        events = [Submission.read(one) for one in sent]
        assert [one["id"] for one in sent] == [event_id(NODE, one.epoch, one.sequence) for one in events]
        return events

    def _answer(self, status: int, told: Any, headers: dict[str, str] | None = None) -> None:
        written = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(written)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_: Any) -> None:
        pass
