"""Moving bots: one identity in one place; an interrupted move goes on or is undone, and says so."""

import time
from typing import Any

import pytest
from accounts_with_nodes import own
from enrolling import key
from pouring import PUB, bot, event, owner, poured, report, state, states_of, tar, told

from pillar_service.core.bots.moves import MoveState
from pillar_service.core.errors import Conflict, NotFound
from pillar_service.core.people.agents import Desired
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.bots import moves as rows
from pillar_service.store.bots import transfers as tars
from pillar_service.store.jobs.jobs import Job
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, health, moves, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import draining, losing, node_terms, nodes
from pillar_service.usecases.people import accounts

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def places(service: object) -> None:
    owner()
    nodes.add("test", "cellar-2", 20000, 20019)
    node_terms.limit("test", "cellar-2", 0)


def carried(**instead: Any) -> list[tuple[str, str]]:
    """Carry out the nodes' jobs; return each one's (node, command). ``instead`` gives what they return for a command."""
    done = []
    for run in claims.claim("salt")["runs"]:
        runs.started("salt", run["id"], run["id"])
        commands = {jobs.show(id)["job"]["command"] for id in run["jobs"]}
        done += [(run["node"], command) for command in sorted(commands)]
        key = commands.pop().partition(".")[2]
        returned = instead.get(key) or _returned(run)
        success = not isinstance(returned, str)
        runs.result(run["id"], run["id"], run["node"], returned, success, 0 if success else 1)
    return done


def _returned(run: dict[str, Any]) -> Any:
    if run["function"] != "pubs.export":
        return states_of(run["node"])
    [job] = run["jobs"]
    return {"pub_id": PUB, "sequence": 3, **transfers.deliver(run["node"], job, tar(sequence=3))}


def states(node: str = "cellar-1") -> dict[str, str]:
    return {id: facts["state"] for id, facts in told(node).items()}


def steps(**instead: Any) -> list[tuple[str, str]]:
    """Carry everything out until nothing more happens; after each step, no bot may be in two places."""
    done: list[tuple[str, str]] = []
    for _ in range(30):
        draining.go_on()
        moves.go_on()
        both = [id for id, state in states("cellar-1").items() if state == states("cellar-2").get(id) == "running"]
        assert both == []
        now = carried(**instead)
        if not now and not any(
            one.job for one in rows.open_everywhere() if jobs.show(one.job)["job"]["state"] == "queued"
        ):
            moves.go_on()
            if not claims.is_claimable("salt"):
                return done
        done += now
    return done


def open_cellar_2() -> None:
    node_terms.limit("test", "cellar-2", None)


def refused_on_arrival() -> None:
    """Move cellar-1's bot up to its first, failed import on cellar-2."""
    open_cellar_2()
    draining.drain("test", "cellar-1")
    for _ in range(4):
        draining.go_on()
        moves.go_on()
        carried(**{"import": "ERROR: The image is missing."})


def test_a_bot_moves_step_by_step_and_is_never_at_two_places() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    seen = []
    for _ in range(6):
        draining.go_on()
        moves.go_on()
        seen.append((states("cellar-1").get(id), states("cellar-2").get(id), bots.show(id)["node"]))
        carried()
    assert seen == [
        ("stopped", None, "cellar-1"),
        ("stopped", None, "cellar-1"),
        ("absent", None, "cellar-1"),
        ("absent", "running", "cellar-2"),
        ("absent", "running", "cellar-2"),
        (None, "running", "cellar-2"),
    ]
    assert told("cellar-2")[id]["import"]["pub_id"] == PUB
    now = bots.show("my")
    assert (now["node"], now["actual"], now["port"], now["pub_id"]) == ("cellar-2", "alive", 20000, PUB)
    assert [move["state"] for move in draining.show("cellar-1")["moves"]] == ["done"]
    actions = [row.action for row in audit.about(f"agent:{id}")]
    assert {"bots.move", "bots.moved"} <= set(actions)


def test_its_data_goes_only_when_it_lives_elsewhere() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    purges = []
    for _ in range(6):
        draining.go_on()
        moves.go_on()
        purges.append((told("cellar-1").get(id, {}).get("purge"), bots.show(id)["actual"]))
        carried()
    assert [purge for purge, _ in purges] == [False, False, False, False, True, None]
    assert purges[4][1] == "alive"


def test_bots_go_one_by_one_and_what_has_no_place_stays_and_says_why() -> None:
    for name in ("a", "b", "c"):
        poured(name)
    node_terms.limit("test", "cellar-2", 2)
    draining.drain("test", "cellar-1")
    most = 0
    for _ in range(20):
        draining.go_on()
        moves.go_on()
        most = max(most, sum(one.state in ("stopping", "packing", "leaving") for one in rows.open_everywhere()))
        carried()
    assert most == 1
    assert [bots.show(name)["node"] for name in ("a", "b", "c")] == ["cellar-2", "cellar-2", "cellar-1"]
    assert "full" in draining.show("cellar-1")["left"]["c"]
    assert bots.show("c")["actual"] == "alive"
    with pytest.raises(Exception, match="being drained"):
        bot("new")
    draining.undrain("test", "cellar-1")
    assert bot("new")["agent"]["node"] == "cellar-1"


@pytest.mark.parametrize("command", ["stop", "export", "vacate"])
def test_what_fails_at_home_goes_home_and_says_so(command: str) -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    draining.go_on()
    for _ in range(6):
        moves.go_on()
        if carried(**{command: "ERROR: The disk is full."}) == []:
            break
    [move] = draining.show("cellar-1")["moves"]
    assert (move["state"], "disk is full" in move["error"]) == ("back", True)
    assert states() == {id: "running"}
    assert id not in states("cellar-2")
    assert "disk is full. Drain the node again" in draining.show("cellar-1")["left"]["my"]
    draining.go_on()
    assert draining.show("cellar-1")["moves"] == [move], "it is not tried again by itself"
    time.sleep(0.01)
    draining.drain("test", "cellar-1")
    steps()
    assert bots.show("my")["node"] == "cellar-2"


def test_what_stayed_is_left_so_though_the_clock_was_ahead_when_its_node_was_drained() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    with database.transaction():
        node_rows.change("cellar-1", draining_at=time.time() + 86_400)
    steps(stop="ERROR: The disk is full.")
    [move] = draining.show("cellar-1")["moves"]
    assert (move["state"], states()) == ("back", {id: "running"})
    assert draining.go_on() == 0


def test_what_fails_at_the_other_place_is_tried_again_there_and_never_goes_back() -> None:
    id = poured()["id"]
    refused_on_arrival()
    moves.go_on()
    [move] = draining.show("cellar-1")["moves"]
    assert (move["state"], "image is missing" in move["error"]) == ("arriving", True)
    assert (states(), states("cellar-2")) == ({id: "absent"}, {id: "running"})
    assert told()[id]["purge"] is False, "what it left behind is the only other copy"
    transfer = tars.Transfer.get()
    with database.transaction():
        tars.Transfer.update(created_at=0).execute()
    transfers.sweep()
    assert transfers.path(transfer.id).exists(), "kept as long as it may be needed"
    assert moves.go_on(time.time() + 299) == 0
    assert moves.go_on(time.time() + 301) == 1
    with database.transaction():
        Job.update(not_before=0).execute()
    assert carried() == [("cellar-2", "bots.import")]
    steps()
    assert draining.show("cellar-1")["moves"][0]["state"] == "done"


def test_what_failed_while_the_clock_was_ahead_is_tried_again_once_that_is_right() -> None:
    """No node has the bot meanwhile: it has left the first and does not live on the second."""
    poured()
    refused_on_arrival()
    moves.go_on(time.time() + 86_400)
    assert moves.go_on() == 1
    assert carried() == [("cellar-2", "bots.import")]


def test_that_all_went_well_is_not_enough() -> None:
    """A node that applied an older pillar has stopped, removed and revived nothing."""
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    draining.go_on()
    older = states_of("cellar-1") | {}
    running = {key.replace("stopped", "alive"): {**one, "__id__": f"{id} alive"} for key, one in older.items()}
    for command, expected in (("stop", "stopping"), ("vacate", "leaving")):
        for _ in range(5):
            moves.go_on()
            [move] = rows.open_everywhere()
            if move.state == expected:
                break
            carried()
        carried(**{command: running})
        moves.go_on()
        [move] = rows.open_everywhere()
        assert move.state == expected
        with database.transaction():
            Job.update(not_before=0).execute()
    steps()
    assert bots.show("my")["node"] == "cellar-2"


def test_what_wrote_more_since_it_was_packed_does_not_go() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    draining.go_on()
    for _ in range(2):
        moves.go_on()
        carried()
    moves.go_on()
    with database.transaction():
        bot_rows.change(id, sequence=4)
    carried()
    moves.go_on()
    [move] = draining.show("cellar-1")["moves"]
    assert (move["state"], "written more" in move["error"]) == ("back", True)
    assert states() == {id: "running"}


def test_what_its_node_found_written_after_it_was_packed_does_not_go() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    left = state(id, "gone", pub={"data": "kept", "pub_id": PUB, "sequence": 4})
    steps(vacate=left)
    [move] = draining.show("cellar-1")["moves"]
    assert (move["state"], "written more" in move["error"]) == ("back", True)
    assert (states("cellar-1"), states("cellar-2")) == ({id: "running"}, {})


def test_a_bot_that_moves_is_left_alone() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    draining.go_on()
    for ask in (
        lambda: jobs.submit("test", "bots.restart", "my"),
        lambda: jobs.submit("test", "bots.export", "my"),
        lambda: bots.desire("test", "my", Desired.RUNNING),
        lambda: bots.delete("test", "my", purge=True),
    ):
        with pytest.raises(Conflict, match="is moving from cellar-1 to cellar-2"):
            ask()
    moves.go_on()
    carried()
    moves.go_on()
    carried()
    [packed] = [job for job in jobs.listed() if job["command"] == "bots.export"]
    with pytest.raises(NotFound):
        transfers.export_of(id, packed["id"])  # A move must not be a way around the password that an export takes.


def test_a_bot_does_not_go_while_its_node_may_still_pack_what_waits_for_another_try() -> None:
    poured()
    open_cellar_2()
    draining.drain("test", "cellar-1")
    asked = jobs.submit("test", "bots.export", "my")["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], "jid")
    runs.failed("salt", run["id"], "no_return")
    assert jobs.show(asked)["job"]["state"] == "queued"
    assert draining.go_on() == 0
    assert "being exported" in draining.show("cellar-1")["left"]["my"]
    jobs.cancel("test", asked)
    assert draining.go_on() == 1


def test_a_bot_that_moves_is_not_called_sick() -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    draining.go_on()
    carried()
    health.take("cellar-1", [event(report(id, status="exited", answers=False))])
    assert bots.show("my")["actual"] == "provisioning"
    steps()
    assert bots.show("my")["actual"] == "alive"


def test_a_stopped_bot_moves_and_is_stopped_there() -> None:
    id = poured()["id"]
    bots.desire("test", "my", Desired.STOPPED)
    carried()
    open_cellar_2()
    draining.drain("test", "cellar-1")
    steps()
    now = bots.show("my")
    assert (now["node"], now["desired"], now["actual"], states("cellar-2")[id]) == (
        "cellar-2", "stopped", "stopped", "stopped",
    )  # fmt: skip


def test_a_move_goes_only_where_the_owner_may_be() -> None:
    poured()
    other = accounts.create("test", "other@example.org")[0]["id"]
    own("shed", str(other))
    draining.drain("test", "cellar-1")
    steps()
    assert bots.show("my")["node"] == "cellar-1"
    node_terms.share("test", "shed", "named", ["demo@example.org"])
    steps()
    assert bots.show("my")["node"] == "cellar-1", "it was never chosen"
    node_terms.share("test", "shed", "all")
    draining.go_on()
    assert rows.open_everywhere()[0].target == "shed"


def test_who_looks_twice_asks_once() -> None:
    poured()
    open_cellar_2()
    draining.drain("test", "cellar-1")
    assert [draining.go_on(), draining.go_on(), moves.go_on()] == [1, 0, 0]
    carried()
    assert [moves.go_on(), moves.go_on()] == [1, 0]
    assert [one.state for one in rows.open_everywhere()] == [MoveState.PACKING]


@pytest.mark.parametrize("looks", [3, 4])
def test_a_bot_that_was_to_arrive_at_a_node_that_is_lost_can_be_deleted(looks: int) -> None:
    id = poured()["id"]
    open_cellar_2()
    draining.drain("test", "cellar-1")
    for look in range(looks):
        draining.go_on()
        moves.go_on()
        if look < 3:
            carried()
    lost = "cellar-2" if looks == 4 else "cellar-1"
    assert (bots.show("my")["node"], len(rows.open_everywhere())) == (lost, 1)
    nodes.set_key("test", lost, key(2).public)
    losing.declare("test", lost, anyway=True)
    assert bots.delete("test", "my", purge=False)["job"]["state"] == "succeeded"
    with pytest.raises(NotFound):
        bots.show("my")
    left = [("cellar-1", "bots.vacate")] if looks == 4 else []
    assert (steps(), rows.open_everywhere()) == (left, [])
    assert states("cellar-1") == ({} if left else {id: "absent"})


def test_a_bot_that_can_not_arrive_can_be_deleted_with_its_data_and_leaves_nothing() -> None:
    id = poured()["id"]
    refused_on_arrival()
    with pytest.raises(Conflict, match="wait until it has arrived"):  # this try may still succeed
        bots.delete("test", "my", purge=True)
    moves.go_on()
    with pytest.raises(Conflict, match=r"could not be brought to life there: .*image is missing"):
        bots.delete("test", "my", purge=False)
    bots.delete("test", "my", purge=True)
    assert (states(), states("cellar-2")) == ({id: "absent"}, {id: "absent"})
    assert told("cellar-2")[id]["purge"] is True
    assert sorted(steps()) == [("cellar-1", "bots.vacate"), ("cellar-2", "bots.delete")]
    assert (states(), states("cellar-2"), rows.open_everywhere()) == ({}, {}, [])
    with pytest.raises(NotFound):
        bots.show("my")
