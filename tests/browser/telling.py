"""What the scene's node and pub report: a month of figures, the current state of the bots, the invites."""

import math
import time
from typing import Any

import pouring

from pillar_service.usecases.bots import health
from pillar_service.usecases.jobs import claims, runs

NODE = "cellar-1"
MONTH = 30 * 86_400
WELL = {"memory_limit_bytes": 256 << 20, "version": "0.1.0", "follows": 41}


def month(my: str) -> dict[str, str]:
    """Report on one bot for a month, more often towards the end; return when it ends."""
    now = int(time.time())
    moments = [now - at for step, most in ((3600, MONTH), (300, 86_400), (30, 3600)) for at in range(0, most, step)]
    told = [_report(my, at, now) for at in sorted(set(moments)) if not 9 * 86_400 < now - at < 9.4 * 86_400]
    for n in range(0, len(told), 500):
        health.take(NODE, [pouring.event(*told[n : n + 500], n=n)])
    return {"now": str(now)}


def _report(my: str, at: float, end: int) -> dict[str, Any]:
    """A report on a bot that was restarted five days before the end, is busier by day, and grows."""
    start = end - (5 if end - at < 5 * 86_400 else 40) * 86_400
    again = int(end - at < 5 * 86_400)
    age, day = at - start, 1 + math.sin(at / 86_400 * 2 * math.pi)
    more = {"uptime_s": int(age), "rx_bytes": int(age * 9000 + day * 9e7), "tx_bytes": int(age * 5000 + day * 5e7)}
    more |= {"restarts": again}
    memory, disk = int((70 + 20 * day + age / 86_400 * 4) * 2**20), int(4e9 + (at - end + MONTH) * 500)
    return pouring.report(my, at=at, memory_bytes=memory, disk_bytes=disk, peers=2 + round(3 * day), **more, **WELL)


def tell(known: dict[str, str]) -> None:
    """Report the current state of the bots; needed every minute, as unreported bots count as lost."""
    now = time.time()
    sick = pouring.report(known["your"], health="unhealthy", answers=False, memory_bytes=251 << 20, **WELL)
    quiet = pouring.report(known["quiet"], status="exited", health="none", answers=False, uptime_s=0, peers=0, **WELL)
    health.take(NODE, [pouring.event(_report(known["my"], now, int(known["now"])), sick, quiet, n=int(now))])
    for run in claims.claim("salt")["runs"]:
        runs.started("salt", run["id"], f"jid-{run['id']}")
        pouring.answer(run, ledger() if run["function"] == "pubs.invites" else {"done": True})


def ledger() -> list[dict[str, Any]]:
    """The invites of the pub `my`, as the pub lists them."""
    by = [{"id": pub_id(letter), "at": f"2026-11-0{n}T17:30:00.000Z"} for n, letter in ((3, "k"), (5, "M"))]
    used = {"created": "2026-11-02T06:00:00.000Z", "revoked_at": None}
    return [
        _entry("1", "the choir", uses=5, used=2, used_by=by, **used),
        _entry("2", "Carol", uses=1, used=1, used_by=by[:1], **used),
        _entry("3", "sent to the wrong Dave", **used | {"revoked_at": "2026-11-04T09:00:00.000Z"}),
        _entry("4", "Alice", **used | {"created": "2026-11-20T06:00:00.000Z"}),
    ]


def _entry(id: str, note: str, uses: int = 1, used: int = 0, **more: Any) -> dict[str, Any]:
    told = {"id": pub_id(id), "note": note, "uses": uses, "used": used, "remaining": uses - used, "used_by": []}
    return told | {"state": "unused" if used < uses else "used"} | more


def pub_id(letter: str) -> str:
    return "@" + letter * 43 + "=.ed25519"
