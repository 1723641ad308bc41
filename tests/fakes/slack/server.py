"""The wire: aiohttp in a thread of its own, with the faults that a test sets."""

import asyncio
import json
import threading
from dataclasses import dataclass, field

from aiohttp import web
from fakes.slack.api import Api
from fakes.slack.rules import Refused, message
from fakes.slack.sockets import Sockets
from fakes.slack.workspace import Json, Workspace

TOKENS = {"apps.connections.open": "xapp-1-test"}
BOT_TOKEN = "xoxb-test"


@dataclass
class Faults:
    """Faults: all calls refused (`is_down`) or slow (`delay_s`), 429 for methods, errors, answers lost after the deed."""

    is_down: bool = False
    delay_s: float = 0.0
    limited: dict[str, float] = field(default_factory=dict)
    lose_answers: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Server:
    """Serves a workspace on loopback until it is closed, by default on a free port."""

    def __init__(self, workspace: Workspace, port: int = 0) -> None:
        self.workspace, self.port, self.faults, self.sockets = workspace, port, Faults(), Sockets()
        self.calls: list[tuple[str, Json]] = []
        self.refused: list[str] = []
        self.api = Api(workspace, lambda: self.url)
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), name="fake-slack", daemon=True)
        self.thread.start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.runner.cleanup())

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/api/{method}", self._call)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_post("/respond/{id}", self._respond)
        app.router.add_get("/socket", self.sockets.serve)
        self.runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        host, port = self.runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        is_json = request.content_type == "application/json"
        given = await request.json() if is_json else dict(await request.post())
        self.calls.append((method, given))
        if self.faults.is_down:
            return web.Response(status=503, text="down")
        await asyncio.sleep(self.faults.delay_s)
        if method in self.faults.limited:
            return _answer({"ok": False, "error": "ratelimited"}, self.faults.limited[method])
        answer = self._answered(method, given, request.headers.get("Authorization", ""))
        if self.faults.lose_answers.get(method, 0) > 0:
            self.faults.lose_answers[method] -= 1
            assert request.transport is not None
            request.transport.abort()
        return answer

    def _answered(self, method: str, given: Json, authorization: str) -> web.Response:
        token = authorization.removeprefix("Bearer ") or given.get("token", "")
        try:
            if token != TOKENS.get(method, BOT_TOKEN):
                raise Refused("invalid_auth")
            if method in self.faults.errors:
                raise Refused(self.faults.errors[method])
            return _answer(self.api.call(method, given))
        except Refused as refused:
            self.refused.append(f"{method}: {refused}")
            return _answer({"ok": False, "error": refused.error, "detail": refused.why}, refused.retry_after)

    async def _upload(self, request: web.Request) -> web.Response:
        kept = self.workspace.files.get(request.match_info["id"])
        if request.content_type.startswith("multipart/"):
            parts = [await part.read() async for part in await request.multipart()]
            content = parts[0]
        else:
            content = await request.read()
        if kept is None or len(content) != kept["length"] or self.faults.is_down:
            return web.Response(status=500, text="length mismatch")
        kept["content"] = bytes(content)
        return web.Response(text=f"OK - {len(content)}")

    async def _respond(self, request: web.Request) -> web.Response:
        kept = self.workspace.response_urls.get(request.match_info["id"])
        said = await request.json()
        if kept is None or kept["uses"] >= 5:
            return web.Response(status=404, text="used_url")
        kept["uses"] += 1
        try:
            message({name: said[name] for name in ("text", "blocks") if name in said})
        except Refused as refused:
            self.refused.append(f"response_url: {refused}")
            return web.Response(status=400, text=refused.error)
        to = {"channel": kept["channel"], "to": kept["user"], "ts": self.workspace.ts()}
        self.workspace.ephemerals.append({**said, **to})
        return web.Response(text="ok")


def _answer(body: Json, retry_after: float | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return web.Response(
        status=200 if retry_after is None else 429,
        text=json.dumps(body),
        content_type="application/json",
        headers=headers,
    )
