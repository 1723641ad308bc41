"""Forwarding: where events may be sent, how a webhook is signed, what goes into a batch, and when it is tried again.

Webhooks are signed as in https://www.standardwebhooks.com: HMAC-SHA256 over ``id.timestamp.body``.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from enum import StrEnum

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Invalid
from pillar_service.core.names import shown

MOST = 10
"""How many forwardings an account may have, and how many the operators."""

AT_ONCE = 3
"""How many forwardings of one account are worked on at a time: a slow receiver delays no other account."""

BATCH_EVENTS = 100
BATCH_BYTES = 256 << 10
"""The most bytes of a batch; a larger event goes alone."""

TIMEOUT_S = 10.0
CLAIMED_S = 60.0
"""How long, in seconds, whoever claimed a forwarding may work on it; then another may claim it."""

GIVE_UP_AFTER_S = 3 * DAY_S
LONGEST_PAUSE_S = 3600.0
LETTERS_EVERY_S = 300.0
"""The least time, in seconds, between two mails or chat messages; events in between are sent together."""

CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,30}", re.ASCII)
GAP = "nz.butt.saltcellar.forwarding.gap"
TEST = "nz.butt.saltcellar.forwarding.test"


class Way(StrEnum):
    """The ways to forward events."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    SLACK = "slack"


class ForwardingState(StrEnum):
    """Whether events are forwarded: off is somebody's choice, failed means that nobody accepted them."""

    ON = "on"
    OFF = "off"
    FAILED = "failed"


def pause_s(failures: int, chance: float, asked_s: float | None = None) -> float:
    """How many seconds to wait after so many failures: about 2, 4, 8 …, spread by ``chance`` (0 to 1), up to an hour.

    A longer wait that the receiver asked for (``asked_s``) is respected, up to an hour, too.
    """
    own = min(2.0 ** min(failures, 20), LONGEST_PAUSE_S) * (0.5 + chance / 2)
    return min(max(own, asked_s or 0.0), LONGEST_PAUSE_S)


def is_hopeless(failing_since: float, now: float) -> bool:
    """Whether a forwarding has failed for so long that it is switched off."""
    return now - failing_since >= GIVE_UP_AFTER_S


def fitting(sizes: Sequence[int]) -> int:
    """How many of the first events fit into one batch, given their sizes in bytes: at least one."""
    total = 0
    for count, size in enumerate(sizes[:BATCH_EVENTS]):
        total += size + 1024  # what surrounds an event's data
        if total > BATCH_BYTES and count:
            return count
    return min(len(sizes), BATCH_EVENTS)


def new_secret() -> str:
    """A new secret by which the receiver of a webhook can verify the sender."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def message_id(forwarding: str, body: bytes) -> str:
    """The id of a batch: the same each time that the same batch is sent."""
    return f"msg_{hashlib.sha256(forwarding.encode() + b'/' + body).hexdigest()[:32]}"


def signature(secret: str, id: str, at: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def headers(secret: str, id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that identify and sign a message."""
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature(secret, id, at, body)}


def channel(given: object) -> str:
    """The value, if it is the id of a channel in Slack; raises Invalid."""
    if isinstance(given, str) and CHANNEL.fullmatch(given):
        return given
    raise Invalid(
        f"{shown(given)} is not a channel's id: copy it from the end of its details in Slack, as in 'C0123456789'."
    )
