"""Challenges: what a job waits for before it runs, one after the other: a yes, a code, an approval."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Set
from enum import StrEnum
from typing import Any

from pillar_service.core.errors import Conflict, Forbidden


class ChallengeKind(StrEnum):
    """What is waited for."""

    CONFIRM = "confirm"
    OTP = "otp"
    APPROVAL = "approval"


class ChallengeState(StrEnum):
    """The state of a challenge."""

    OPEN = "open"
    MET = "met"
    REFUSED = "refused"
    EXPIRED = "expired"


CONFIRM_S = 600
"""How long to wait for a yes, in seconds."""

OTP_S = 90
"""How long to wait for a code, in seconds (issue 4)."""

SAYING = {
    ChallengeKind.CONFIRM: "Nobody said yes in time.",
    ChallengeKind.OTP: "No code came within 90 seconds.",
    ChallengeKind.APPROVAL: "It was not approved in time.",
}
"""Why a job ended, by the kind of its expired challenge."""


def refuse_own(asker: Set[str], voter: Set[str]) -> None:
    """Raise Forbidden if asker and voter share an actor; each is a set of all actors that they were then or are now."""
    if asker & voter:
        raise Forbidden("You can't approve what you asked for yourself.")


def refuse_second(voters: Iterable[Set[str]], voter: Set[str]) -> None:
    """Raise Conflict if the voter shares an actor with somebody who has voted; each is a set as in `refuse_own`."""
    if any(one & voter for one in voters):
        raise Conflict("You have already said so.")


def binding(job: str, actor: str, fingerprint: str, plan: Mapping[str, Any]) -> str:
    """A hash to which a challenge is bound: it is valid only for this job, asker, arguments and nodes."""
    runs = {key: value for key, value in plan.items() if key != "steps"}
    return hashlib.sha256(json.dumps([job, actor, fingerprint, runs], sort_keys=True).encode()).hexdigest()
