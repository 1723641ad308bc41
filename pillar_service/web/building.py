"""The builder: a thread of the public app that carries out orders of machines; no request waits for a provider."""

import threading
from functools import partial

from pillar_service.usecases.nodes import building
from pillar_service.web import threads

EVERY_S = 2.0
"""How often it looks whether a step of an order is due, in seconds."""


def start() -> threading.Event:
    """Start the thread. Set the event that is returned to stop it."""
    return threads.start("building", partial(threads.go_on, building.step, EVERY_S))
