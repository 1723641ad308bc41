"""Sends files to people, nodes and masters.

Each download holds a thread of its worker until the file is sent, so only a few are allowed at a time.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Response, send_file
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from pillar_service.web.slots import Slots

AGAIN_S = 10
"""When somebody who was refused should try again, in seconds."""

TOO_MANY = "Too many downloads are under way: try again when one has finished."

TAR = "application/x-tar"

Refusal = type[TooManyRequests] | type[ServiceUnavailable]

OF_ONE = 2
of_people = Slots(share=4, least=1, each=OF_ONE)
of_nodes = Slots(share=4, least=1, each=OF_ONE)
of_masters = Slots(share=4, least=1)
"""Slots for downloads: a quarter of the threads for each kind of asker, and two for one person or one node."""


def to_person(person: str, file: Path, name: str | None = None) -> Response:
    """Send a tar to a person (an account's id), to be saved as ``name``. Raises TooManyRequests."""
    answer = _sent(of_people, person, file, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"  # under Flask's no-cache a browser would store the secret in it
    return answer


def to_node(node: str, file: Path, mimetype: str = TAR) -> Response:
    """Send a file to a node. Raises ServiceUnavailable if there are too many downloads: nodes wait and try again."""
    return _sent(of_nodes, node, file, mimetype, ServiceUnavailable)


def to_master(file: Path) -> Response:
    """Send a tar to a master. Raises TooManyRequests."""
    return _sent(of_masters, "", file)


def _sent(
    of: Slots, asker: str, file: Path, mimetype: str = TAR, refusal: Refusal = TooManyRequests, **told: Any
) -> Response:
    with ExitStack() as held:
        if not held.enter_context(of.taken(asker)):
            raise refusal(TOO_MANY, retry_after=AGAIN_S)
        answer = send_file(file, mimetype, **told)
        answer.direct_passthrough = False  # else the server closes the file, and the slot is never freed
        answer.call_on_close(held.pop_all().close)
        return answer
