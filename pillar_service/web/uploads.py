"""Takes the tars that people and nodes send.

Each upload holds a thread of its worker until the tar has arrived, so only a few are allowed at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import TooManyRequests

from pillar_service.web.slots import Slots

AGAIN_S = 10
"""When somebody who was refused should try again, in seconds."""

OF_ONE_PERSON = 2
of_people = Slots(share=4, least=1, each=OF_ONE_PERSON)
"""Slots for uploads by people: a quarter of the threads, and two for one person."""

OF_ONE_NODE = 4
"""Slots for one node: it sends one tar at a time, but uploads that broke off may still hold a slot."""

of_nodes = Slots(share=1, each=OF_ONE_NODE)


@contextmanager
def taken(of: Slots, sender: str) -> Iterator[None]:
    """Hold a slot while a person (an account's id) or a node sends a tar. Raises TooManyRequests if there is none."""
    with of.taken(sender) as may:
        if not may:
            raise TooManyRequests(
                "Too many tars are being uploaded: try again when one has arrived.", retry_after=AGAIN_S
            )
        yield
