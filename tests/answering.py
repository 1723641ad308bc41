"""HTTP servers for tests, each in a thread of this process."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def answering(server: socketserver.BaseServer) -> Iterator[str]:
    """Serve requests until the context ends; gives the server's address."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Standing:
    """A stand-in for somebody else's server, on a free port until it is stopped; its request handler knows it as ``fake``."""

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        self._up = contextlib.ExitStack()
        self.url = self._up.enter_context(answering(by(type("Handler", (handler,), {"fake": self}))))

    def stop(self) -> None:
        """Stop listening."""
        self._up.close()


def by(handler: type[http.server.BaseHTTPRequestHandler]) -> http.server.ThreadingHTTPServer:
    """A server on a free port that hands each request to this handler."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
