"""Governors: an account's nodes and jobs take and release leases; its configuration says how many there are.

Leases come and go as machines work, so they are not audited; changes of their number are.
"""

import json
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Unavailable
from pillar_service.core.nodes import governors as rules
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.core.nodes.governors import KEYS, OVER_BY_S
from pillar_service.store.database import transaction
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes import configuration as keys
from pillar_service.store.nodes import governors as rows
from pillar_service.store.nodes import nodes
from pillar_service.usecases.nodes.pillars import account_of


def listed(account: str, now: float | None = None) -> list[dict[str, Any]]:
    """An account's governors, with who holds their leases."""
    then = time.time() if now is None else now
    set_now = [one for one in keys.listed(account) if one.key.startswith(KEYS)]
    return [_described(account, one.key.removeprefix(KEYS), json.loads(one.value), then) for one in set_now]


def _described(account: str, name: str, most: int, now: float) -> dict[str, Any]:
    held = [
        {"holder": lease.holder, "fence": lease.fence, "expires_at": lease.expires_at}
        for lease in rules.standing(rows.leases(account, name), now)
    ]
    return {"name": name, "most": most, "leases": held}


def _most(account: str, name: str) -> int:
    found = keys.find(account, KEYS + name)
    if found is None:
        raise rules.missing(name)
    return int(json.loads(found.value))


def take(account: str, called: object, who: object, seconds: object, now: float | None = None) -> dict[str, Any]:
    """Take a lease, or extend the one held: {"granted", "fence", "seconds", "most", "held"}.

    ``fence`` is None if none was free. Raises NotFound for a governor that was never set, Invalid.
    """
    name, mine = rules.name(called), rules.holder(who)
    length = names.whole_number(seconds, "length in seconds", *rules.SECONDS)
    then = time.time() if now is None else now
    with transaction():
        most, fence, before = _most(account, name), rows.fence(account, name), rows.leases(account, name)
        lease = rules.granted(before, most, fence, mine, length, then)
        others = [one for one in rules.standing(before, then) if one.holder != mine]
        kept = [*others, lease] if lease is not None else others
        if kept != before:
            rows.give(account, name, kept, max([fence, *(one.fence for one in kept)]))
        told = {"granted": lease is not None, "fence": lease.fence if lease else None, "seconds": length}
        return told | {"most": most, "held": len(others) + (lease is not None)}


def renew(
    account: str, called: object, who: object, fence: object, seconds: object, now: float | None = None
) -> dict[str, Any]:
    """Extend a lease; returns as `take` does. Raises Conflict when it has ended: then it must be taken anew."""
    with transaction():
        check(account, called, who, fence, now)
        return take(account, called, who, seconds, now)


def check(account: str, called: object, who: object, fence: object, now: float | None = None) -> None:
    """Raise Conflict unless that holder has a lease with that fence now."""
    name, number = rules.name(called), names.whole_number(fence, "fence", 1, 2**62)
    then = time.time() if now is None else now
    rules.held_by(rows.leases(account, name), rules.holder(who), number, then)


def release(account: str, called: object, who: object, fence: object) -> None:
    """Release a lease; one that has ended or was already released is no error."""
    name, number = rules.name(called), names.whole_number(fence, "fence", 1, 2**62)
    with transaction():
        rows.release(account, name, rules.holder(who), number)


def begin_job(job: Job, attempt: int, now: float) -> None:
    """Take the lease that a job's command needs, in the transaction in which the job begins on its node.

    Raises Unavailable if none is free: the job does not begin, and waits.
    """
    name = (job.plan or {}).get("governor")
    if name is None:
        return
    seconds = min(int(job.plan["timeout_s"]) + OVER_BY_S, rules.SECONDS[1])
    told = take(account_of(str(job.node)), name, _of_job(job, attempt), seconds, now)
    if not told["granted"]:
        raise Unavailable(f"The governor {name} allows {told['most']} at a time, and all are taken: the job waits.")


def end_job(job: Job) -> None:
    """Release the lease of a job's last attempt, in the transaction in which it ends; a job without a node took none."""
    name = (job.plan or {}).get("governor")
    if name is not None and job.node is not None:
        # The node may have been forgotten by now.
        rows.release(nodes.account(job.node) or OPERATORS, name, _of_job(job, job.attempts))


def _of_job(job: Job, attempt: int) -> str:
    return f"job:{job.id}/{attempt}"


def forget(account: str) -> None:
    """Delete an account's governors and leases, as the account is deleted."""
    rows.forget_all(account)
