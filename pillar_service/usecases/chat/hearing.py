"""What Slack delivers is done once, however often it comes: its key and all that it leads to are one transaction."""

import time
from collections.abc import Callable

from pillar_service.store import conversations
from pillar_service.store.database import transaction

KEPT_S = 7 * 86_400.0
"""For how long keys are kept, in seconds. Slack delivers an event again for some five minutes (docs.slack.dev, Events API)."""


def once(key: str, work: Callable[[], object]) -> bool:
    """Do the work and keep the key, both or neither; False, and nothing is done, when the key was heard before.

    ``work`` is given nothing and may call any use case; whatever it raises is passed on, and nothing is kept.
    """
    with transaction():
        if not conversations.hear(key, time.time()):
            return False
        work()
        return True


def forget() -> None:
    """Forget keys that nobody will deliver again."""
    with transaction():
        conversations.forget_heard(time.time() - KEPT_S)
