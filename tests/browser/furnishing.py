"""Fill a service with what the pages show: people, their bots in several states, jobs, mail."""

import io
import mailbox
import re
import time
from pathlib import Path
from typing import Any

import eventful
import pouring
import pyotp
from daemons import until
from enrolling import enrol, master_is_there
from lost_nodes import exported
from places import LATE, NEWCOMER, OPERATOR, OWNER, PASSWORD, SUSPENDED
from telling import NODE, ledger, pub_id

from pillar_service.core.durations import DAY_S
from pillar_service.core.events.gaps import Gap, Reason
from pillar_service.core.events.submission import GAP, Lifecycle, Priority
from pillar_service.core.nodes import facts
from pillar_service.core.people.agents import Desired
from pillar_service.store import database
from pillar_service.store.bots.transfers import Transfer
from pillar_service.store.events import forwardings as forwarding_rows
from pillar_service.store.jobs.runs import Run
from pillar_service.store.payments import payments
from pillar_service.usecases.bots import bots, health, transfers
from pillar_service.usecases.events import events, forwardings
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.nodes import configuration, enrolment_tokens, governors, losing, node_keys, nodes
from pillar_service.usecases.payments import payments as paying
from pillar_service.usecases.people import accounts, profile, resetting, second_factor, sharing, sign_up

LOOPBACK = "127.0.0.1"
LOG = [
    "2026-11-20T06:00:00.000000000Z pub: started as " + pouring.PUB,
    "2026-11-20T06:00:03.120000000Z pub: listens on port 20000",
    "2026-11-20T06:04:11.480000000Z peer @" + "k" * 43 + "=.ed25519 connected",
]
SILENT = "The pub did not come alive in time. The pub does not answer on its control socket (Connection refused)."
INVITE = "my.butt.nz:20000:" + pouring.PUB + "~UiS26K5C6zpgmq/t6ggyXo5gkE0eTWRq1BGqSMIpQwc="


def people() -> dict[str, str]:
    """Make the people; return the ids that places refer to by name."""
    names = {OWNER: "Ann", NEWCOMER: "Newell", LATE: "Laura", SUSPENDED: "Susan", "bob@example.org": "Bob"}
    ids = {email: _person(email, name) for email, name in names.items()}
    with database.transaction():
        payments.change(ids[LATE], trial_ends=time.time() - 3 * DAY_S)
        payments.change(ids[SUSPENDED], trial_ends=time.time() - 10 * DAY_S)
    paying.run_due()
    paying.mark_paid("scene", OWNER, 3, "scene-1")
    second_factor.begin(ids[NEWCOMER], PASSWORD)
    return {"owner": ids[OWNER], "bob": ids["bob@example.org"]}


def link() -> str:
    """The token of a chat user's link, valid for ten minutes."""
    return chat.invite(chat.asker("T01ABC", "U01ABC")).rpartition("/")[2]


def _person(email: str, name: str) -> str:
    return str(accounts.create("scene", email, name=name, password=PASSWORD)[0]["id"])


def operator() -> list[str]:
    """Make an operator with a second factor; return the recovery codes."""
    id = accounts.create("scene", OPERATOR, name="Olga", password=PASSWORD, role="operator")[0]["id"]
    second_factor.begin(id, PASSWORD)
    pending = second_factor.pending(id)
    assert pending is not None
    return second_factor.turn_on(id, pyotp.TOTP(pending["secret"]).now())


def several() -> dict[str, str]:
    """Make bots: one alive, one sick, one stopped, one deleted."""
    nodes.add("scene", NODE)
    told = {"my": "The garden's friend", "your": "", "quiet": "Sleeps in winter", "old": ""}
    made = {name: str(pouring.poured(name, email=OWNER, description=text)["id"]) for name, text in told.items()}
    bots.desire("scene", "quiet", Desired.STOPPED)
    bots.delete("scene", "old", purge=False)
    pouring.carry_out()
    return made


def machines(known: dict[str, str]) -> None:
    """Give Ann two machines, one of them lost, and an unused token."""
    master_is_there()
    for number, name in enumerate(("shed", "attic"), 1):
        secret = enrolment_tokens.create_for(known["owner"], labels={"place": name})["secret"]
        node = enrol(secret, name, number)["node"]
    known["swallow"] = lose(str(node))
    known["shed"] = next(one["id"] for one in node_keys.listed_of(known["owner"]) if one["id"] != node)
    tell_story(known["shed"])
    enrolment_tokens.create_for(known["owner"], pattern="rack-*", uses=3, life="2d")
    forward(known)


def lose(node: str) -> str:
    """Make a bot on a node that is then lost. The bot has written more than its newest export holds; return its id."""
    id = str(pouring.bot("swallow", email=OWNER, description="Lived in the attic", node=node)["agent"]["id"])
    while pouring.carry_out(node=node):
        pass  # The labels of both machines come first.
    kept = exported(id)
    with database.transaction():
        Transfer.update(created_at=time.time() - 9 * 3600).where(Transfer.id == kept).execute()
    health.take(node, [pouring.event(pouring.report(id, sequence=8), node=node)])
    losing.declare("scene", node, anyway=True)
    return id


def forward(known: dict[str, str]) -> None:
    """Forward Ann's events to a failing webhook and to one that is switched off, and the operators' to another."""
    where = "https://hooks.example.org/saltcellar"
    failing = forwardings.make(known["owner"], known["owner"], "webhook", where, severity="warning")["id"]
    off = forwardings.make(known["owner"], known["owner"], "webhook", "https://old.example.org/", type="org.example.*")[
        "id"
    ]
    forwardings.make(known["owner"], None, "webhook", "https://watch.example.org/", severity="critical")
    forwardings.switch("scene", known["owner"], off, False)
    said = {
        "failures": 4,
        "failing_since": 1.7e9,
        "error": "It answered 502 Bad Gateway.",
        "not_before": time.time() + 3000,
    }
    with database.transaction():
        forwarding_rows.change(failing, **said)


def tell_story(node: str) -> None:
    """Let a node start, tell of a backup, lose two events, and report that it lives."""
    lost = Gap(1, 3, 4, 2, Reason.FULL, "backups", Priority.BULK)
    batch = [
        eventful.told(1, Lifecycle.START, node, stream="lifecycle"),
        eventful.told(2, node=node, data={"of": "photographs", "bytes": 123_456_789, "severity": "warning"}),
        eventful.told(5, GAP, node, data=lost.data()),
        eventful.told(9, node=node),
        eventful.alive(10, node),
    ]
    assert events.take(node, batch, offset_s=2.4)["refused"] == []
    for n, (system, size) in enumerate((("Debian-12", 2 << 38), ("Debian-13", 2 << 39)), 11):
        said = {
            "grains": {"osfinger": system, "mem_total": 3925, "ipv4": ["127.0.0.1", "192.168.1.17"], "token": "x"},
            "docker": {"answers": True, "version": "27.3.1", "storage": "overlay2"},
            "disks": {"/": {"device": "/dev/sda1", "kind": "ext4", "size_bytes": size}},
            "versions": {"salt": "3008.3", "docker": "27.3.1"},
        }
        told = eventful.told(n, facts.EVENT_TYPE, node, data={"facts": said}, stream="facts")
        assert events.take(node, [told])["refused"] == []


def work(known: dict[str, str]) -> dict[str, str]:
    """Make jobs that succeeded, failed, run, and wait behind the running one; return their ids."""
    made = {
        "invite": _done("bots.invite", {"uses": 1, "note": "Alice"}, _invited),
        "export": _done("bots.export", {}, _exported),
    }
    _done("bots.invites", {}, lambda run, job: ledger())
    _done("bots.logs", {"lines": 50}, lambda run, job: {"lines": LOG})
    made["failed"] = _failed()
    made["running"] = str(pouring.bot("seeds", email=OWNER, description="For the seed library")["job"]["id"])
    [run] = claims.claim("salt")["runs"]
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
    with database.transaction():  # It must keep running, however long the tests take.
        Run.update(expires_at=time.time() + DAY_S).where(Run.id == run["id"]).execute()
    made["queued"] = str(jobs.submit("scene", "bots.invite", "seeds", {"uses": 3, "note": "the library"})["job"]["id"])
    return made


def _done(command: str, arguments: dict[str, Any], returned: Any) -> str:
    job = str(jobs.submit(f"account:{accounts.show(OWNER)['id']}", command, "my", arguments)["job"]["id"])
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    pouring.answer(run, returned(run, job))
    return job


def _invited(run: dict[str, Any], job: str) -> dict[str, Any]:
    return {"id": pub_id("4"), "code": INVITE, "note": "Alice", "uses": 1}


def _exported(run: dict[str, Any], job: str) -> dict[str, Any]:
    kept = transfers.deliver(NODE, job, io.BytesIO(pouring.tar(sequence=7).getvalue()))
    return {"pub_id": pouring.PUB, "sequence": 7, **kept}


def _failed() -> str:
    job = jobs.submit("scene", "bots.upgrade", "your")["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    lines = (
        "dir: ok. The data directory is there.",
        "config: ok. The configuration is as told.",
        "container: ok, changed. Created container 'your'",
        f"alive: failed. {SILENT}",
    )
    runs.add_lines("salt", run["id"], [{"key": str(n), "text": text} for n, text in enumerate(lines)])
    pouring.answer(run, pouring.state(bots.show("your")["id"], result=False, comment=SILENT), success=False, retcode=2)
    return str(job)


def settings(known: dict[str, str]) -> None:
    """Set keys of Ann's account; one of her machines sets one, too, and holds a governor."""
    account = known["owner"]
    configuration.set("scene", account, "pub/restart-after", {"seconds": 60})
    configuration.set("scene", account, "governors/restarts", 2)
    configuration.set(f"node:shed.{account}", account, "mood", "well")
    governors.take(account, "restarts", f"shed.{account}/pub-healer/my", 86_400)


def mail(box: Path, known: dict[str, str]) -> dict[str, str]:
    """Mail links: Eve signs up, Ann resets her password, Bob and Carol are invited; return the links' tokens."""
    begun = sign_up.start("eve@example.org", "seven lemons in a cellar", LOOPBACK)
    sign_up.ask(begun["newbie"], "Eve", "eves", LOOPBACK)
    resetting.ask(OWNER, LOOPBACK)
    for friend in ("bob@example.org", "carol@example.org"):
        sharing.invite(known["owner"], "my", friend)
    sharing.accept(known["bob"], _link(box, "bob@example.org", "join"))
    profile.ask_email(known["owner"], PASSWORD, None, OWNER, LOOPBACK)
    links = (("welcome", "eve@example.org"), ("reset", OWNER), ("verify", OWNER), ("join", "carol@example.org"))
    return {kind: _link(box, to, kind) for kind, to in links}


def _link(box: Path, to: str, kind: str) -> str:
    """The token in the mail to this address, once it is there."""

    def found() -> str | None:
        mails = mailbox.mbox(box, create=False) if box.exists() else ()
        written = [str(mail.get_payload(decode=True)) for mail in mails if mail["To"] == to]
        links = re.findall(rf"/{kind}/([\w-]+)", " ".join(written))
        return links[0] if links else None

    return str(until(found, 20, f"a mail to {to} with a link /{kind}/…"))
