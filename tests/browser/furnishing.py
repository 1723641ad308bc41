"""What happened before anybody looks: people, their bots in several states, a month of figures, invites, jobs, mail."""

import io
import mailbox
import math
import re
import time
from pathlib import Path
from typing import Any

import pouring
import pyotp
from daemons import until
from places import LATE, NEWCOMER, OPERATOR, OWNER, PASSWORD, SUSPENDED

from pillar_service.core.agents import Desired
from pillar_service.core.payments import DAY_S
from pillar_service.store import database, payments
from pillar_service.store.runs import Run
from pillar_service.usecases import (
    accounts,
    bots,
    health,
    jobs,
    nodes,
    resetting,
    runs,
    second_factor,
    sharing,
    sign_up,
    transfers,
)
from pillar_service.usecases import payments as paying

NODE, LOOPBACK = "cellar-1", "127.0.0.1"
INVITE = "my.butt.nz:20000:" + pouring.PUB + "~UiS26K5C6zpgmq/t6ggyXo5gkE0eTWRq1BGqSMIpQwc="
MONTH = 30 * 86_400
WELL = {"memory_limit_bytes": 256 << 20, "version": "0.1.0", "follows": 41}


def people() -> dict[str, str]:
    """Who there is; the ids of some by what the places call them."""
    names = {OWNER: "Ann", NEWCOMER: "Newell", LATE: "Laura", SUSPENDED: "Susan", "bob@example.org": "Bob"}
    ids = {email: _person(email, name) for email, name in names.items()}
    with database.transaction():
        payments.change(ids[LATE], trial_ends=time.time() - 3 * DAY_S)
        payments.change(ids[SUSPENDED], trial_ends=time.time() - 10 * DAY_S)
    paying.run_due()
    paying.mark_paid("scene", OWNER, 3, "scene-1")
    second_factor.begin(ids[NEWCOMER], PASSWORD)
    return {"owner": ids[OWNER], "bob": ids["bob@example.org"]}


def _person(email: str, name: str) -> str:
    return str(accounts.create("scene", email, name=name, password=PASSWORD)[0]["id"])


def operator() -> list[str]:
    """Somebody who runs the place, with the second factor on; their recovery codes."""
    id = accounts.create("scene", OPERATOR, name="Olga", password=PASSWORD, role="operator")[0]["id"]
    second_factor.begin(id, PASSWORD)
    pending = second_factor.pending(id)
    assert pending is not None
    return second_factor.turn_on(id, pyotp.TOTP(pending["secret"]).now())


def several() -> dict[str, str]:
    """A bot that is well, one that is sick, one that stopped, one that was deleted, one that is being poured."""
    nodes.add("scene", NODE)
    told = {"my": "The garden's friend", "your": "", "quiet": "Sleeps in winter", "old": ""}
    made = {name: str(pouring.poured(name, email=OWNER, description=text)["id"]) for name, text in told.items()}
    bots.desire("scene", "quiet", Desired.STOPPED)
    bots.delete("scene", "old", purge=False)
    pouring.carry_out()
    return made


def month(my: str) -> dict[str, str]:
    """A month of reports on one bot, more of them the later it gets; when it ended."""
    now = int(time.time())
    moments = [now - at for step, most in ((3600, MONTH), (300, 86_400), (30, 3600)) for at in range(0, most, step)]
    told = [_report(my, at, now) for at in sorted(set(moments)) if not 9 * 86_400 < now - at < 9.4 * 86_400]
    for n in range(0, len(told), 500):
        health.take(NODE, [pouring.event(*told[n : n + 500], n=n)])
    return {"now": str(now)}


def _report(my: str, at: float, end: int) -> dict[str, Any]:
    """It was started anew five days before the month's end, has more to do by day, and grows."""
    start = end - (5 if end - at < 5 * 86_400 else 40) * 86_400
    age, day = at - start, 1 + math.sin(at / 86_400 * 2 * math.pi)
    more = {"uptime_s": int(age), "rx_bytes": int(age * 9000 + day * 9e7), "tx_bytes": int(age * 5000 + day * 5e7)}
    memory, disk = int((70 + 20 * day + age / 86_400 * 4) * 2**20), int(4e9 + (at - end + MONTH) * 500)
    return pouring.report(my, at=at, memory_bytes=memory, disk_bytes=disk, peers=2 + round(3 * day), **more, **WELL)


def tell(known: dict[str, str]) -> None:
    """How the bots are now: to be told every minute, for who is silent is lost."""
    now = time.time()
    sick = pouring.report(known["your"], health="unhealthy", answers=False, memory_bytes=251 << 20, **WELL)
    quiet = pouring.report(known["quiet"], status="exited", health="none", answers=False, uptime_s=0, peers=0, **WELL)
    health.take(NODE, [pouring.event(_report(known["my"], now, int(known["now"])), sick, quiet, n=int(now))])
    for run in runs.claim("salt"):
        runs.started("salt", run["id"], f"jid-{run['id']}")
        pouring.answer(run, ledger() if run["function"] == "pubs.invites" else {"done": True})


def ledger() -> list[dict[str, Any]]:
    """The invites of the pub `my`, as it tells them."""
    by = [{"id": _id(letter), "at": f"2026-11-0{n}T17:30:00.000Z"} for n, letter in ((3, "k"), (5, "M"))]
    used = {"created": "2026-11-02T06:00:00.000Z", "revoked_at": None}
    return [
        _entry("1", "the choir", uses=5, used=2, used_by=by, **used),
        _entry("2", "Carol", uses=1, used=1, used_by=by[:1], **used),
        _entry("3", "sent to the wrong Dave", **used | {"revoked_at": "2026-11-04T09:00:00.000Z"}),
        _entry("4", "Alice", **used | {"created": "2026-11-20T06:00:00.000Z"}),
    ]


def _entry(id: str, note: str, uses: int = 1, used: int = 0, **more: Any) -> dict[str, Any]:
    told = {"id": _id(id), "note": note, "uses": uses, "used": used, "remaining": uses - used, "used_by": []}
    return told | {"state": "unused" if used < uses else "used"} | more


def _id(letter: str) -> str:
    return "@" + letter * 43 + "=.ed25519"


def work(known: dict[str, str]) -> dict[str, str]:
    """Jobs that went well and badly, one that runs, and one that waits behind it; their ids."""
    made = {
        "invite": _done("bots.invite", {"uses": 1, "note": "Alice"}, _invited),
        "export": _done("bots.export", {}, _exported),
    }
    _done("bots.invites", {}, lambda run, job: ledger())
    made["failed"] = _failed()
    made["running"] = str(pouring.bot("seeds", email=OWNER, description="For the seed library")["job"]["id"])
    [run] = runs.claim("salt")
    runs.started("salt", run["id"], f"jid-{run['id']}")
    id = bots.show("seeds")["id"]
    lines = (
        "dir: ok, changed.",
        "config: ok, changed. The file is in its place.",
        "container: ok, changed. Created container 'seeds'",
    )
    runs.add_lines(
        "salt", run["id"], [{"key": f"pub_|-{id} {n}_|-x_|-alive", "text": text} for n, text in enumerate(lines)]
    )
    with database.transaction():  # however long somebody looks, it goes on
        Run.update(expires_at=time.time() + DAY_S).where(Run.id == run["id"]).execute()
    made["queued"] = str(jobs.submit("scene", "bots.invite", "seeds", {"uses": 3, "note": "the library"})["job"]["id"])
    return made


def _done(command: str, arguments: dict[str, Any], returned: Any) -> str:
    job = str(jobs.submit(f"account:{accounts.show(OWNER)['id']}", command, "my", arguments)["job"]["id"])
    [run] = runs.claim("salt")
    runs.started("salt", run["id"], f"jid-{run['id']}")
    pouring.answer(run, returned(run, job))
    return job


def _invited(run: dict[str, Any], job: str) -> dict[str, Any]:
    return {"id": _id("4"), "code": INVITE, "note": "Alice", "uses": 1}


def _exported(run: dict[str, Any], job: str) -> dict[str, Any]:
    kept = transfers.deliver(NODE, job, io.BytesIO(pouring.tar(sequence=7).getvalue()))
    return {"pub_id": pouring.PUB, "sequence": 7, **kept}


def _failed() -> str:
    job = jobs.submit("scene", "bots.restart", "your")["job"]["id"]
    [run] = runs.claim("salt")
    runs.started("salt", run["id"], f"jid-{run['id']}")
    lines = ("container: ok, restarted.", "alive: waiting for the pub to answer", "alive: no answer for 60 s")
    runs.add_lines("salt", run["id"], [{"key": str(n), "text": text} for n, text in enumerate(lines)])
    pouring.answer(run, "ERROR: The pub does not answer on its control socket.", success=False, retcode=1)
    return str(job)


def mail(box: Path, known: dict[str, str]) -> dict[str, str]:
    """Somebody signs up, Ann forgets her password, Bob joins her bot, Carol is asked to; the tokens of their links."""
    begun = sign_up.start("eve@example.org", "seven lemons in a cellar", LOOPBACK)
    sign_up.ask(begun["newbie"], "Eve", "eves", LOOPBACK)
    resetting.ask(OWNER, LOOPBACK)
    for friend in ("bob@example.org", "carol@example.org"):
        sharing.invite(known["owner"], "my", friend)
    sharing.accept(known["bob"], _link(box, "bob@example.org", "join"))
    links = (("welcome", "eve@example.org"), ("reset", OWNER), ("join", "carol@example.org"))
    return {kind: _link(box, to, kind) for kind, to in links}


def _link(box: Path, to: str, kind: str) -> str:
    """The token in the mail to somebody, once it is there."""

    def found() -> str | None:
        mails = mailbox.mbox(box, create=False) if box.exists() else ()
        written = [str(mail.get_payload(decode=True)) for mail in mails if mail["To"] == to]
        links = re.findall(rf"/{kind}/([\w-]+)", " ".join(written))
        return links[0] if links else None

    return str(until(found, 20, f"a mail to {to} with a link /{kind}/…"))
