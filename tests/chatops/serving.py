"""A threaded WSGI server on a free loopback port."""

import threading
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 256


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Served:
    """Serves an app inside the context."""

    def __init__(self, app: Any) -> None:
        self.server = make_server("127.0.0.1", 0, app, _Server, _Quiet)
        self.url = f"http://127.0.0.1:{self.server.server_port}/slack"

    def __enter__(self) -> "Served":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()
