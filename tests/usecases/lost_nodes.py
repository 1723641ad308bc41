"""Lost nodes, and their bots that have exports, for the tests of losing and restoring."""

from typing import Any

from enrolling import key
from pouring import PUB, answer, carry_out, owner, poured, tar, told

from pillar_service.store.bots import transfers as rows
from pillar_service.usecases.bots import moves, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import losing, node_terms, nodes


def three_nodes() -> None:
    """Three nodes with known keys; only the first has room."""
    owner()
    for number, name in enumerate(("cellar-1", "cellar-2", "cellar-3"), 1):
        nodes.add("test", name, 20000, 20019)
        nodes.set_key("test", name, key(number).public)
    for name in ("cellar-2", "cellar-3"):
        node_terms.limit("test", name, 0)


def exported(id: str, sequence: int = 3, **more: Any) -> str:
    """Export a bot; return the transfer's id."""
    job = jobs.submit("test", "bots.export", id)["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    transfers.deliver(run["node"], job, tar(sequence=sequence, **more))
    answer(run, {"pub_id": PUB, "sequence": sequence})
    found = rows.of_job(job)
    assert found is not None
    return str(found.id)


def lost(name: str = "my", sequence: int = 3) -> str:
    """Pour and export a bot, then declare its node lost; return the bot's id. Only cellar-2 has room."""
    id = str(poured(name)["id"])
    exported(id, sequence)
    node_terms.limit("test", "cellar-2", None)
    losing.declare("test", "cellar-1")
    return id


def arrive(node: str = "cellar-2") -> None:
    """Carry out what the node was asked for, and let moves go on."""
    carry_out(node=node)
    moves.go_on()


def states(node: str) -> dict[str, str]:
    return {id: facts["state"] for id, facts in told(node).items()}


def is_nowhere_twice() -> bool:
    everywhere = [
        id for node in ("cellar-1", "cellar-2", "cellar-3") for id, what in states(node).items() if what == "running"
    ]
    return len(everywhere) == len(set(everywhere))
