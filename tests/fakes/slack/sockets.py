"""Socket Mode: each envelope goes to one connection, which acks it (docs.slack.dev, Using Socket Mode)."""

import asyncio
import itertools
import json
from typing import Any

from aiohttp import WSMsgType, web

Json = dict[str, Any]
ACK_S = 3.0


class Sockets:
    """The open connections; each envelope goes to one of them."""

    def __init__(self) -> None:
        self.open: list[web.WebSocketResponse] = []
        self.waiting: dict[str, asyncio.Future[Json]] = {}
        self.turn = itertools.count()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        hello = {"type": "hello", "num_connections": len(self.open) + 1, "connection_info": {"app_id": "A1"}}
        await socket.send_str(json.dumps(hello))
        self.open.append(socket)
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._taken(json.loads(message.data))
        finally:
            self.open.remove(socket)
        return socket

    def _taken(self, ack: Json) -> None:
        unknown = set(ack) - {"envelope_id", "payload"}
        future = self.waiting.get(ack.get("envelope_id", ""))
        if future is not None and not future.done() and not unknown:
            future.set_result(ack.get("payload") or {})

    async def send(self, envelope: Json) -> Json:
        """Send an envelope and wait for its ack; TimeoutError after three seconds, or if nobody is connected."""
        if not self.open:
            raise TimeoutError("nobody is connected")
        socket = self.open[next(self.turn) % len(self.open)]
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self.waiting[envelope["envelope_id"]] = future
        await socket.send_str(json.dumps(envelope))
        return await asyncio.wait_for(future, ACK_S)

    async def drop(self) -> None:
        """Close all connections, as Slack does now and then."""
        for socket in list(self.open):
            await socket.send_str(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
            await socket.close()
