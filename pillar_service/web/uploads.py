"""Uploads: the tars that people send in. Each holds a thread of its worker for as long as its line is slow, so they are few."""

from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import TooManyRequests

from pillar_service.web.slots import Slots

AGAIN_S = 10
"""When to come back who was told that there are too many, in seconds."""

OF_ONE_PERSON = 2
slots = Slots(share=4, least=1, each=OF_ONE_PERSON)
"""What uploads hold: a quarter of the threads, and two of one person."""


@contextmanager
def taken_in(person: str) -> Iterator[None]:
    """While a person (an account's id) sends a tar; raises TooManyRequests when too many are on their way."""
    with slots.taken(person) as may:
        if not may:
            raise TooManyRequests("Too many tars come in now: try again when one has arrived.", retry_after=AGAIN_S)
        yield
