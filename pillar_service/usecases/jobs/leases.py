"""Leases: each has one holder at a time, such as the master that publishes; a new holder gets a higher fence.

A new publishing master takes over the runs of the previous one.
"""

from pillar_service.store.jobs import leases, runs

PUBLISHING = "publishing"
"""The lease of the one master that claims jobs and publishes runs (issue 4: one orchestrator at a time)."""

HELD_S = 20.0
"""How long a holder that falls silent keeps a lease, in seconds."""


def holds(name: str, holder: str, now: float) -> bool:
    """Whether this holder has the lease now."""
    lease = leases.find(name)
    return lease is not None and lease.holder == holder and lease.expires_at > now


def is_held(name: str, now: float) -> bool:
    """Whether anybody has the lease now."""
    lease = leases.find(name)
    return lease is not None and lease.expires_at > now


def is_due(name: str, holder: str, now: float) -> bool:
    """Whether this holder should take or renew the lease: nobody has it, or this holder has, and half its time is over."""
    lease = leases.find(name)
    if lease is None or lease.expires_at <= now:
        return True
    # A clock that was set back must not keep everybody out forever.
    return lease.expires_at > now + 2 * HELD_S or (lease.holder == holder and lease.expires_at < now + HELD_S / 2)


def take(name: str, holder: str, now: float) -> int | None:
    """Take or renew the lease, in the caller's transaction; returns the fence, or None while another holder has it."""
    lease = leases.find(name)
    if lease is not None and lease.holder != holder and now < lease.expires_at <= now + 2 * HELD_S:
        return None
    is_kept = lease is not None and lease.holder == holder
    fence = 1 if lease is None else lease.fence + (0 if is_kept else 1)
    if not is_kept or is_due(name, holder, now):
        leases.put(name, holder, fence, now + HELD_S)
    if not is_kept and name == PUBLISHING:
        runs.take_over(holder)
    return fence
