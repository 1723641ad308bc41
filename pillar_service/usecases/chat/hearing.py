"""What Slack delivers is processed once, however often it arrives, and in whichever process.

Of the deliveries with the same key, the first is processed, by the process that holds it; if that dies, by whichever
takes over its inbox. Whatever is said meanwhile gets ids made of the key, and jobs have it as their key, so processing
it again adds nothing.
"""

import time
from collections.abc import Callable

from pillar_service.store.chat import conversations
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import turns

KEPT_S = 7 * 86_400.0
"""How long keys are kept, in seconds. Slack repeats an event for some five minutes (docs.slack.dev, Events API)."""


def once(key: str, delivery: str, work: Callable[[], object]) -> bool:
    """Process one delivery (any id of it) of a key; returns False, and does nothing, if another has done so or is at it.

    Each use case in ``work`` owns its transaction. What it raises is passed on: the same delivery may come again.
    """
    with transaction():
        if not conversations.hear(key, delivery, time.time()):
            return False
    with turns.of(key):
        work()
    done(key)
    return True


def done(key: str) -> None:
    """Note that deliveries with this key must not be processed again."""
    with transaction():
        conversations.was_heard(key, time.time())


def forget() -> None:
    """Delete keys that Slack won't deliver again."""
    with transaction():
        conversations.forget_heard(time.time() - KEPT_S)
