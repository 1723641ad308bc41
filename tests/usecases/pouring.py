"""A person, a bot and a node that answers, for the tests of use cases."""

import io
import json
import tarfile
import time
from typing import Any

from pillar_service.core.bots import health
from pillar_service.store import database
from pillar_service.store.people import second_factor
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.people import accounts

OWNER = "demo@example.org"
PUB = "@" + "A" * 43 + "=.ed25519"
OTHER_PUB = "@" + "B" * 43 + "=.ed25519"


def owner(email: str = OWNER) -> str:
    """Make an account; return its id."""
    return str(accounts.create("test", email, password="long enough 1")[0]["id"])


def has_second_factor(person: str) -> str:
    """Turn on the second factor for this account's id; return the id."""
    with database.transaction():
        second_factor.put(person, "A" * 32, time.time())
        second_factor.turn_on(person)
    return person


def operator(email: str = "op@example.org") -> str:
    """Make an operator's account without a second factor; return its id."""
    return str(accounts.create("test", email, password="long enough 1", role="operator")[0]["id"])


def bot(name: str = "my", email: str = OWNER, **more: Any) -> dict[str, Any]:
    """Ask for a bot; return {"agent", "job"}."""
    return bots.create("test", name, email, **more)


def state(bot_id: str, fun: str = "alive", result: bool = True, **more: Any) -> dict[str, Any]:
    """One entry of a state return."""
    return {
        f"pub_|-{bot_id} {fun}_|-{bot_id}_|-{fun}": {
            "__id__": f"{bot_id} {fun}",
            "result": result,
            "changes": {},
            **more,
        }
    }


def carry_out(master: str = "salt", node: str = "cellar-1") -> list[dict[str, Any]]:
    """Claim all runs and let the node do what its pillar says; return the runs."""
    claimed = claims.claim(master)["runs"]
    for run in claimed:
        runs.started(master, run["id"], f"jid-{run['id']}")
        answer(run, states_of(node) if run["function"] == "state.apply" else {"done": True}, master)
    return claimed


def answer(run: dict[str, Any], returned: object, master: str = "salt", success: bool = True, retcode: int = 0) -> None:
    """Let a run's node return this."""
    runs.result(run["id"], f"jid-{run['id']}", run["node"], returned, success, retcode)


def told(node: str = "cellar-1") -> dict[str, Any]:
    """The bots in a node's pillar."""
    ready = pillars.ready(node)
    assert ready is not None
    return dict(json.loads(ready[0])["saltcellar"]["bots"])


def states_of(node: str = "cellar-1") -> dict[str, Any]:
    """What a node returns when it does everything that its pillar says."""
    returned: dict[str, Any] = {}
    for id, facts in told(node).items():
        fun = {"running": "alive", "stopped": "stopped", "absent": "gone"}[facts["state"]]
        pubs = {"alive": {"pub_id": PUB, "sequence": 3, "version": "1"}}
        pubs["gone"] = {"data": "gone" if facts["purge"] else "kept"}
        returned |= state(id, fun, pub=pubs.get(fun))
    return returned


def poured(name: str = "my", **more: Any) -> dict[str, Any]:
    """A bot that is alive."""
    made = bot(name, **more)["agent"]
    carry_out()
    return bots.show(made["id"])


def tar(pub_id: str = PUB, sequence: int = 3, **files: bytes) -> io.BytesIO:
    """An export as a node makes it."""
    content = {
        "secret": json.dumps({"id": pub_id}).encode(),
        "manifest.json": json.dumps({"pub_id": pub_id, "sequence": sequence}).encode(),
        "flume/log.offset": b"messages",
        **files,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, body in content.items():
            if body:
                member = tarfile.TarInfo(name)
                member.size = len(body)
                archive.addfile(member, io.BytesIO(body))
    packed.seek(0)
    return packed


def report(bot_id: str, **more: Any) -> dict[str, Any]:
    """A node's report on a bot that is well."""
    well = {
        "bot": bot_id,
        "status": "running",
        "health": "healthy",
        "answers": True,
        "uptime_s": 60,
        "disk_bytes": 2**33,
    }
    return {**well, "rx_bytes": 10, "tx_bytes": 20, "peers": 2, "pub_id": PUB, "sequence": 5, "at": time.time(), **more}


def event(*reports: dict[str, Any], n: int = 1, node: str = "cellar-1", **more: Any) -> dict[str, Any]:
    """A node's health event."""
    data = {"node": {"docker": True, "error": None, "unlisted": []}, "bots": list(reports)}
    return {
        "specversion": "1.0", "type": health.EVENT_TYPE, "source": node, "id": f"{node}/1/{n}",
        "time": "2026-11-21T06:00:00Z", "datacontenttype": "application/json", "data": data, **more,
    }  # fmt: skip
