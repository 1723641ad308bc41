"""What Slack delivers is done once, however often it comes, and wherever.

Of the deliveries of one key the first is worked on, by the process that holds it; when that dies, by who takes its inbox
over. What is said meanwhile has ids made of the key, and jobs have the key as theirs: doing it again adds nothing.
"""

import time
from collections.abc import Callable

from pillar_service.store.chat import conversations
from pillar_service.store.database import transaction
from pillar_service.usecases.chat import turns

KEPT_S = 7 * 86_400.0
"""For how long keys are kept, in seconds. Slack delivers an event again for some five minutes (docs.slack.dev, Events API)."""


def once(key: str, delivery: str, work: Callable[[], object]) -> bool:
    """Do the work of one delivery (any id of it) of a key; False, and nothing is done, when another does it or it is done.

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
    """Whatever comes with this key again is not worked on."""
    with transaction():
        conversations.was_heard(key, time.time())


def forget() -> None:
    """Forget keys that nobody will deliver again."""
    with transaction():
        conversations.forget_heard(time.time() - KEPT_S)
