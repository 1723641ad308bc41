"""Challenges: a job waits for a confirmation, then a code, then others' approval, as its command requires."""

import time
from collections.abc import Iterable, Mapping, Set
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from pillar_service.core.jobs.jobs import JobState
from pillar_service.core.meeseeks import challenges as rules
from pillar_service.core.meeseeks import roles
from pillar_service.core.meeseeks.catalogue import Requires
from pillar_service.core.meeseeks.challenges import ChallengeKind, ChallengeState
from pillar_service.core.meeseeks.roles import Caller
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.meeseeks import challenges
from pillar_service.store.meeseeks.challenges import Challenge
from pillar_service.usecases.jobs import endings, one_by_one
from pillar_service.usecases.meeseeks import catalogue, deciding, going, people
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import codes
from pillar_service.usecases.service import auditing

OWN = frozenset({ChallengeKind.CONFIRM, ChallengeKind.OTP})
"""The challenges that whoever asked for the job answers themselves."""

OVER = "That is settled already, or its time is up."


def begin(job: Job, requires: Requires, now: float) -> None:
    """Open the first challenge of a new job, in the caller's transaction."""
    job.plan = {**(job.plan or {}), "steps": _steps(requires)}
    if requires.approval is not None:
        # So that unlinking an account before the vote changes nothing.
        job.plan["selves"] = sorted(people.selves(job.actor))
    jobs.change(job.id, plan=job.plan)
    _open(job, 0, now)


def _steps(requires: Requires) -> list[dict[str, Any]]:
    """The challenges of a job in their order, as its plan keeps them."""
    steps: list[dict[str, Any]] = [{"kind": str(ChallengeKind.CONFIRM), "seconds": rules.CONFIRM_S}]
    steps = steps if requires.confirm else []
    steps += [{"kind": str(ChallengeKind.OTP), "seconds": rules.OTP_S}] if requires.otp else []
    if requires.approval is not None:
        asked = requires.approval
        steps.append(
            {
                "kind": str(ChallengeKind.APPROVAL),
                "seconds": asked.minutes * 60,
                "role": asked.role,
                "needed": asked.count,
            }
        )
    return steps


def _open(job: Job, position: int, now: float) -> None:
    steps = (job.plan or {})["steps"]
    if position == len(steps):
        _go(job, now)
        return
    step: Mapping[str, Any] = steps[position]
    challenges.add(
        id=names.new_id(),
        job=job.id,
        position=position,
        kind=step["kind"],
        binding=_binding(job),
        role=step.get("role"),
        needed=step.get("needed", 1),
        created_at=now,
        expires_at=now + step["seconds"],
    )


def _go(job: Job, now: float) -> None:
    # Hours may have passed, and roles may have been taken away.
    if why := deciding.denied(job):
        auditing.record(job.actor, "meeseeks.denied", f"job:{job.id}", now, why)
        endings.end(job, JobState.FAILED, why, now)
        return
    going.go(job, now)


def waiting(id: str) -> dict[str, Any] | None:
    """What a job waits for: {"kind", "role", "needed", "yes", "created_at", "expires_at"}; None if for nothing."""
    job, found = jobs.find(id), challenges.open_of(id)
    if job is None or found is None or job.state != JobState.ASKED:
        return None
    return {
        "kind": found.kind,
        "role": found.role,
        "needed": found.needed,
        "yes": _said_yes(found),
        "created_at": found.created_at,
        "expires_at": found.expires_at,
    }


def _said_yes(challenge: Challenge) -> list[str]:
    """Who said yes, of those who may still approve it: hours may have passed, and roles may have been taken away."""
    said = [vote.actor for vote in challenges.votes(challenge.id) if vote.is_yes]
    return [actor for actor in said if _may_approve(people.of_actor(actor), str(challenge.role))]


def _may_approve(caller: Caller | None, role: str) -> bool:
    return caller is None or catalogue.current().policy.holds(caller, role)


def confirm(asker: Asker, id: str, is_yes: bool) -> None:
    """Confirm a job as the one who asked for it, or call it off, which is also possible in place of the code.

    Raises NotFound, Forbidden (another's job), Conflict (settled, too late, or confirming a job that has changed).
    """
    now = time.time()
    with transaction():
        job, challenge = _open_one(id, {ChallengeKind.CONFIRM} if is_yes else OWN, now)
        _require_own(asker, job)
        if not is_yes:
            _refuse(job, challenge, asker, "It was called off.", now)
            return
        _require_as_asked(job, challenge)
        _meet(job, challenge, asker, now)


def code(asker: Asker, id: str, given: str) -> None:
    """Answer with a code of the asker's second factor; each code counts once, and only for this job.

    Raises as `confirm`, and Unauthenticated (a wrong code), TooMany (ten wrong ones), Forbidden (no second factor).
    """
    job, challenge = _open_one(id, {ChallengeKind.OTP}, time.time())
    _require_as_asked(job, challenge)
    _require_own(asker, job)
    person = people.account(asker)
    if not codes.is_on(person):
        raise Forbidden("You have no second factor: write '2fa enrol', and turn it on with the link that I give you.")
    _check(asker, job, person, given)
    now = time.time()
    with transaction():
        job, challenge = _open_one(id, {ChallengeKind.OTP}, now)
        _require_as_asked(job, challenge)
        _meet(job, challenge, asker, now)


def _check(asker: Asker, job: Job, person: str, given: str) -> None:
    # Outside the transaction, as a wrong code must count.
    try:
        codes.check(person, given)
    except (Unauthenticated, TooMany) as error:
        with transaction():
            why = "locked" if isinstance(error, TooMany) else "wrong"
            auditing.record(asker.actor, "meeseeks.otp", f"job:{job.id}", time.time(), why)
        raise


def vote(asker: Asker, id: str, is_yes: bool) -> dict[str, Any]:
    """Approve a job, or refuse to, with the role that this takes; returns {"is_met", "is_refused", "yes", "needed"}.

    Nobody approves their own job or votes twice, under whichever of their names; a yes counts as long as its voter has
    the role. Raises NotFound, Forbidden, Conflict (voted before, settled, too late, or approving a job that has
    changed).
    """
    now = time.time()
    with transaction():
        job, challenge = _open_one(id, {ChallengeKind.APPROVAL}, now)
        if is_yes:
            _require_as_asked(job, challenge)
        voter = people.selves(asker.actor)
        _require_another(asker, job, voter, str(challenge.role))
        rules.refuse_second((_selves(vote.actor, vote.selves) for vote in challenges.votes(challenge.id)), voter)
        challenges.vote(challenge.id, asker.actor, voter, is_yes, now)
        auditing.record(asker.actor, "meeseeks.vote", f"job:{job.id}", now, "yes" if is_yes else "no")
        said_yes = len(_said_yes(challenge))
        if not is_yes:
            _refuse(job, challenge, asker, f"{asker.actor} did not approve it.", now)
        elif said_yes >= challenge.needed:
            _meet(job, challenge, asker, now)
        is_met = is_yes and said_yes >= challenge.needed
        return {"is_met": is_met, "is_refused": not is_yes, "yes": said_yes, "needed": challenge.needed}


def _open_one(id: str, kinds: Set[ChallengeKind], now: float) -> tuple[Job, Challenge]:
    """Return a job and its open challenge, which must be of one of these kinds; raises NotFound, Conflict."""
    job, challenge = jobs.find(id), challenges.open_of(id)
    if job is None:
        raise NotFound(f"There is no job {names.shown(id)}.")
    if challenge is None or challenge.kind not in kinds or challenge.expires_at < now or job.state != JobState.ASKED:
        raise Conflict(OVER)
    return job, challenge


def _require_as_asked(job: Job, challenge: Challenge) -> None:
    """Raise Conflict if the job is not what was asked for, Forbidden if whoever asked for it is suspended."""
    if challenge.binding != _binding(job):
        raise Conflict("The job is not what was asked for: ask again.")
    if why := catalogue.changed(job) or _required_otherwise(job):
        raise Conflict(why)
    _refuse_suspended(job.actor)


def _required_otherwise(job: Job) -> str | None:
    """Why the job's challenges are not what its command requires now; None if they are."""
    command = catalogue.current().catalogue.commands.get(job.command)
    if command is not None and _steps(command.requires) == (job.plan or {})["steps"]:
        return None
    return catalogue.CHANGED.format(job.command)


def _binding(job: Job) -> str:
    return rules.binding(job.id, job.actor, job.fingerprint, job.plan or {})


def _refuse_suspended(actor: str) -> None:
    who = people.of_actor(actor)
    if who is not None and roles.suspended(who):
        raise Forbidden("The account of whoever asked for it is suspended.")


def _require_own(asker: Asker, job: Job) -> None:
    if asker.actor != job.actor:
        raise Forbidden("That is not yours: only whoever asked for it may answer.")


def _require_another(asker: Asker, job: Job, voter: set[str], role: str) -> None:
    rules.refuse_own(_selves(job.actor, (job.plan or {}).get("selves", ())), voter)
    if not _may_approve(asker.caller, role):
        raise Forbidden(f"Only somebody with the role {role} may approve it.")


def _selves(actor: str, then: Iterable[str]) -> set[str]:
    """All actors that somebody was when they asked or voted, or is now."""
    return people.selves(actor).union(then)


def _meet(job: Job, challenge: Challenge, asker: Asker, now: float) -> None:
    if not challenges.settle(challenge.id, ChallengeState.MET):
        raise Conflict(OVER)
    auditing.record(asker.actor, f"meeseeks.{challenge.kind}", f"job:{job.id}", now, "met")
    _open(job, challenge.position + 1, now)


def _refuse(job: Job, challenge: Challenge, asker: Asker, said: str, now: float) -> None:
    if not challenges.settle(challenge.id, ChallengeState.REFUSED):
        raise Conflict(OVER)
    auditing.record(asker.actor, f"meeseeks.{challenge.kind}", f"job:{job.id}", now, "refused")
    endings.end(job, JobState.CANCELLED, said, now)


def expire(now: float) -> None:
    """End the jobs whose challenge nobody answered in time."""
    with transaction():
        one_by_one.end(challenges.expired(now), lambda challenge: _expire(challenge, now), now)


def _expire(challenge: Challenge, now: float) -> None:
    job = jobs.find(challenge.job)
    is_open = challenges.settle(challenge.id, ChallengeState.EXPIRED)
    if is_open and job is not None and job.state == JobState.ASKED:
        endings.end(job, JobState.TIMED_OUT, rules.SAYING[ChallengeKind(challenge.kind)], now)
