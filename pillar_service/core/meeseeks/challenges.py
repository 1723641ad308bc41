"""Challenges: what a job that was asked for waits for before it runs, one after the other: a yes, a code, an approval."""

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
    """How it stands."""

    OPEN = "open"
    MET = "met"
    REFUSED = "refused"
    EXPIRED = "expired"


CONFIRM_S = 600
"""How long a yes is waited for."""

OTP_S = 90
"""How long a code is waited for (issue 4)."""

SAYING = {
    ChallengeKind.CONFIRM: "Nobody said yes in time.",
    ChallengeKind.OTP: "No code came within 90 seconds.",
    ChallengeKind.APPROVAL: "It was not approved in time.",
}
"""Why a job whose challenge expired is over."""


def refuse_own(asker: Set[str], voter: Set[str]) -> None:
    """Raise Forbidden where the actors who asked (all that they were then or are now) are who votes."""
    if asker & voter:
        raise Forbidden("Nobody approves what they asked for themselves.")


def refuse_second(voters: Iterable[Set[str]], voter: Set[str]) -> None:
    """Raise Conflict where one of those who voted, by all the actors that each was then or is now, is who votes."""
    if any(one & voter for one in voters):
        raise Conflict("You have said so already.")


def binding(job: str, actor: str, fingerprint: str, plan: Mapping[str, Any]) -> str:
    """What a challenge is good for: this job, this asker, these arguments on these nodes, and nothing else."""
    runs = {key: value for key, value in plan.items() if key != "steps"}
    return hashlib.sha256(json.dumps([job, actor, fingerprint, runs], sort_keys=True).encode()).hexdigest()
