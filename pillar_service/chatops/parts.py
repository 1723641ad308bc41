"""The parts of chat, put together: an inbox and its drain (in every process that hears from Slack), and a door."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pillar_service.chatops import routing
from pillar_service.chatops.door import Door
from pillar_service.chatops.drain import Drain
from pillar_service.chatops.inbox import Inbox
from pillar_service.chatops.listeners import Listeners
from pillar_service.settings import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/slack"

SWITCH_S = 0.001
"""How many seconds a thread keeps the interpreter while others want it: an ack must not wait for work (default: 5 ms)."""


class Hearing:
    """An inbox and its drain; made after a fork, ended by `stop`."""

    def __init__(self) -> None:
        self.listeners = Listeners()
        self.inbox = Inbox(settings().inbox)
        app = routing.app(self.listeners)
        self.drain = Drain(self.inbox, lambda payload: routing.dispatch(app, payload), self.listeners.apologise)
        self.drain.start()

    def door(self) -> Door:
        """The WSGI app for what Slack sends over HTTP."""
        return Door(settings().slack_signing_secret, self.inbox, self.listeners.answer)

    def stop(self) -> None:
        """Stop both; what still waits stays for the next process."""
        self.drain.stop()
        self.inbox.close()


class Mounted:
    """A WSGI app with Slack's door at /slack and another app everywhere else; made before a fork."""

    def __init__(self, other: "WSGIApplication") -> None:
        self.other = other
        self.door: Door | None = None

    def begin(self) -> None:
        """Open the door, in the process that serves; before that, and without a signing secret, there is no door."""
        if settings().slack_signing_secret:
            sys.setswitchinterval(SWITCH_S)
            self.door = Hearing().door()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if self.door is not None and (path == PATH or path.startswith(f"{PATH}/")):
            return self.door(environ, start_response)
        return self.other(environ, start_response)
