"""The builder: a thread of the public app that takes the steps of orders of machines; no request waits for a provider."""

import threading
from functools import partial

from pillar_service.usecases.nodes import building
from pillar_service.web import threads

EVERY_S = 2.0
"""How often it looks whether a step is due."""


def start() -> threading.Event:
    """Start the thread; set the event that is returned to end it."""
    return threads.start("building", partial(threads.go_on, building.step, EVERY_S))
