"""Uploads: the tars that people and nodes send in. Each holds a thread of its worker for as long as its line is slow.

So they are few.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import TooManyRequests

from pillar_service.web.slots import Slots

AGAIN_S = 10
"""When to come back who was told that there are too many, in seconds."""

OF_ONE_PERSON = 2
of_people = Slots(share=4, least=1, each=OF_ONE_PERSON)
"""What uploads of people hold: a quarter of the threads, and two of one person."""

OF_ONE_NODE = 4
"""A node sends one at a time; what broke off before may still be waited for."""

of_nodes = Slots(share=1, each=OF_ONE_NODE)


@contextmanager
def taken(of: Slots, sender: str) -> Iterator[None]:
    """While a person (an account's id) or a node sends a tar; raises TooManyRequests when too many are on their way."""
    with of.taken(sender) as may:
        if not may:
            raise TooManyRequests("Too many tars come in now: try again when one has arrived.", retry_after=AGAIN_S)
        yield
