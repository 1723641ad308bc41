"""Payloads on disk, each sealed for its own key."""

import json

from pillar_service.chatops.deliveries import Payload
from pillar_service.usecases.service import sealing

PURPOSE = "chat"
OWNER = "inbox"


def seal(key: str, payload: Payload) -> str:
    """The payload, sealed."""
    return sealing.seal(PURPOSE, OWNER, json.dumps([key, payload]))


def opened(key: str, text: str) -> Payload | None:
    """The payload; None if it was altered, belongs to another key, or was sealed under another secret key."""
    told = sealing.opened(PURPOSE, OWNER, text)
    if told is None:
        return None
    owner, payload = json.loads(told)
    return payload if owner == key else None
