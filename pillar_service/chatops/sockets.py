"""Socket Mode: Slack's envelopes over a WebSocket that we open; acked as soon as they are kept."""

import logging
import threading
from typing import Any

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from pillar_service.chatops import deliveries, door
from pillar_service.chatops.deliveries import Delivery
from pillar_service.chatops.door import Answer
from pillar_service.chatops.inbox import Inbox
from pillar_service.core.errors import Unavailable

AGAIN_S = 5.0

log = logging.getLogger(__name__)


def client(app_token: str, web: WebClient, inbox: Inbox, answer: Answer = lambda _: None) -> SocketModeClient:
    """A client that keeps and acks what arrives. After `connect()` it reconnects by itself; `close()` it at the end."""
    made = SocketModeClient(app_token=app_token, web_client=web, concurrency=10)

    def take(socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            _status, told = door.taken(inbox, _delivery(request), answer)
        except Unavailable:
            log.warning("Slack's envelope could not be saved; Slack will send it again.")
            return
        socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=told))

    made.socket_mode_request_listeners.append(take)
    return made


def _delivery(request: SocketModeRequest) -> Delivery:
    payload: dict[str, Any] = request.payload if isinstance(request.payload, dict) else {}
    key = deliveries.key_of(payload)
    return Delivery(f"envelope:{request.envelope_id}" if key.startswith("hash:") else key, payload)


def keep_connected(client: SocketModeClient, over: threading.Event) -> None:
    """Connect, in a thread, as Slack may be away when we start. After that, the client reconnects by itself."""
    threading.Thread(target=_connect, args=(client, over), name="connecting", daemon=True).start()


def _connect(client: SocketModeClient, over: threading.Event) -> None:
    while not over.is_set():
        try:
            client.connect()
            return
        except Exception as error:
            log.warning("Slack can't be reached over Socket Mode; trying again in 5 s: %s", type(error).__name__)
            over.wait(AGAIN_S)
