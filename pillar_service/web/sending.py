"""Sending: the files that people, nodes and masters fetch. Each holds a thread of its worker for as long as the line is slow.

So they are few.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Response, send_file
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from pillar_service.web.slots import Slots

AGAIN_S = 10
"""When to come back who was told that there are too many, in seconds."""

TOO_MANY = "Too many files are fetched now: try again when one has arrived."

TAR = "application/x-tar"

Refusal = type[TooManyRequests] | type[ServiceUnavailable]

OF_ONE = 2
of_people = Slots(share=4, least=1, each=OF_ONE)
of_nodes = Slots(share=4, least=1, each=OF_ONE)
of_masters = Slots(share=4, least=1)
"""What each of them holds: a quarter of the threads, and two of one person or one node."""


def to_person(person: str, file: Path, name: str | None = None) -> Response:
    """A tar for a person (an account's id), who keeps it under that name; raises TooManyRequests."""
    answer = _sent(of_people, person, file, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"  # Flask's own, no-cache, lets a browser keep the secret that is in it
    return answer


def to_node(node: str, file: Path, mimetype: str = TAR) -> Response:
    """A file for a node; raises ServiceUnavailable, for which nodes wait."""
    return _sent(of_nodes, node, file, mimetype, ServiceUnavailable)


def to_master(file: Path) -> Response:
    """A tar for a master; raises TooManyRequests."""
    return _sent(of_masters, "", file)


def _sent(
    of: Slots, asker: str, file: Path, mimetype: str = TAR, refusal: Refusal = TooManyRequests, **told: Any
) -> Response:
    with ExitStack() as held:
        if not held.enter_context(of.taken(asker)):
            raise refusal(TOO_MANY, retry_after=AGAIN_S)
        answer = send_file(file, mimetype, **told)
        answer.direct_passthrough = False  # the server would close the file, and nobody else would hear of it
        answer.call_on_close(held.pop_all().close)
        return answer
