"""A server of a test, in a thread of this process."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def answering(server: socketserver.BaseServer) -> Iterator[str]:
    """Its address; it answers until this ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Standing:
    """Another's server, played on a free port until it is stopped; the handler of its requests knows it as ``fake``."""

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        self._up = contextlib.ExitStack()
        self.url = self._up.enter_context(answering(by(type("Handler", (handler,), {"fake": self}))))

    def stop(self) -> None:
        """Nobody answers there any more."""
        self._up.close()


def by(handler: type[http.server.BaseHTTPRequestHandler]) -> http.server.ThreadingHTTPServer:
    """A server on a free port, each of whose requests this handler answers."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
