"""Deliveries to the app: signed requests over HTTP or envelopes; events that are not acked within 3 s are sent again."""

import asyncio
import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
from fakes.slack.server import Server

Json = dict[str, Any]
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ACK_S = 3.0
KINDS = {"event": "events_api", "interaction": "interactive", "command": "slash_commands"}


@dataclass(frozen=True)
class Ack:
    """The app's answer and how many seconds it took; status 0 if there was none."""

    status: int
    seconds: float
    payload: Json


def signed(body: bytes, at: float, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """Slack's signature headers (docs.slack.dev, Verifying requests from Slack)."""
    stamp = str(int(at))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac}"}


def encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    """The body as Slack encodes it, and its content type."""
    if kind == "event":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "command" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


class Delivering:
    """Delivers to `url`, or by Socket Mode if it is None. `retries_s` stands for Slack's pauses of 0, 60 and 300 s."""

    def __init__(self, server: Server) -> None:
        self.server, self.url = server, None
        self.retries_s = (0.0, 0.2, 0.5)
        self.acks: list[Ack] = []
        self.threads: list[threading.Thread] = []

    def deliver(self, kind: str, payload: Json, is_waited_for: bool = False) -> Ack | None:
        """Deliver in the background, or wait for the ack. Only events are tried again."""
        if is_waited_for:
            return self._all_tries(kind, payload)
        thread = threading.Thread(target=self._all_tries, args=(kind, payload), daemon=True)
        self.threads.append(thread)
        thread.start()
        return None

    def _all_tries(self, kind: str, payload: Json) -> Ack:
        ack = self.once(kind, payload)
        for number, pause in enumerate(self.retries_s if kind == "event" else (), 1):
            if ack.status == 200:
                break
            time.sleep(pause)
            ack = self.once(kind, payload, number)
        return ack

    def once(self, kind: str, payload: Json, retry: int = 0) -> Ack:
        """Deliver once."""
        began = time.monotonic()
        send = self._over_http if self.url else self._over_socket
        try:
            status, answer = send(kind, payload, retry)
        except (requests.RequestException, TimeoutError, ValueError):
            status, answer = 0, {}
        ack = Ack(status, time.monotonic() - began, answer)
        self.acks.append(ack)
        return ack

    def _over_http(self, kind: str, payload: Json, retry: int) -> tuple[int, Json]:
        body, content_type = encoded(kind, payload)
        headers = {**signed(body, time.time()), "Content-Type": content_type}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        assert self.url is not None
        answer = requests.post(self.url, body, headers=headers, timeout=ACK_S)
        return answer.status_code, answer.json() if answer.content else {}

    def _over_socket(self, kind: str, payload: Json, retry: int) -> tuple[int, Json]:
        envelope = {"envelope_id": self.server.workspace.id("E"), "type": KINDS[kind], "payload": payload}
        envelope |= {"accepts_response_payload": kind != "event"}
        if kind == "event":
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        sent = asyncio.run_coroutine_threadsafe(self.server.sockets.send(envelope), self.server.loop)
        return 200, sent.result(ACK_S + 1)

    def join(self) -> None:
        """Wait for all deliveries under way."""
        for thread in self.threads:
            thread.join(30)
