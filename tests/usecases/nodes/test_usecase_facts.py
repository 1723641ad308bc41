"""What is kept of nodes' facts: signed by the node, the newest, without secrets, with a limited history."""

import time
from pathlib import Path
from typing import Any

import pytest
from accounts_with_nodes import account
from eventful import told

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Invalid, NotFound
from pillar_service.core.events.events import Kind
from pillar_service.core.nodes import facts as rules
from pillar_service.node.facts import Facts
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
from pillar_service.store import database
from pillar_service.store.events import events as event_rows
from pillar_service.store.nodes import facts as rows
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import facts, nodes
from pillar_service.usecases.people import leaving
from pillar_service.usecases.service import retention

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def ann() -> str:
    """An account with a node, `garden`."""
    return account("ann", "garden")


def event(sequence: int, node: str = "garden", epoch: int = 1, data: Any = None, **said: Any) -> dict[str, Any]:
    data = {"facts": said} if data is None else data
    return told(sequence, rules.EVENT_TYPE, node, data=data, epoch=epoch, stream="facts")


def tell(sequence: int, node: str = "garden", **said: Any) -> None:
    assert events.take(node, [event(sequence, node, **said)])["refused"] == []


def known(node: str = "garden") -> Any:
    return facts.show(None, node)["facts"]


def test_what_changed_and_when_is_kept_and_the_same_again_is_no_change(ann: str) -> None:
    tell(1, os="Debian 12", docker={"version": "26"})
    tell(2, os="Debian 12", docker={"version": "26"})
    before = time.time()
    tell(3, os="Debian 13", docker={"version": "26"})
    shown = facts.show(ann, "garden")
    assert shown["facts"] == {"os": "Debian 13", "docker": {"version": "26"}}
    [change] = shown["changes"]
    assert (change["n"], change["changes"]) == (1, [{"fact": "os", "before": "Debian 12", "after": "Debian 13"}])
    assert change["at"] == shown["node"]["changed_at"] == shown["node"]["told_at"] >= before
    tell(4, docker={"version": "26"}, os="Debian 13")
    again = facts.show(ann, "garden")
    assert again["node"]["told_at"] > shown["node"]["told_at"]
    assert again["node"] | {"told_at": 0} == shown["node"] | {"told_at": 0}
    assert len(again["changes"]) == 1


def test_what_is_told_once_more_takes_no_room_as_an_event(ann: str) -> None:
    for n in range(1, 4):
        tell(n, os="Debian" if n < 3 else "Alpine")
    data = [one.data for one in event_rows.story("garden", None, 9)][::-1]
    assert [one.get("facts") for one in data] == [{"os": "Debian"}, None, {"os": "Alpine"}]
    assert data[0]["hash"] == data[1]["hash"] != data[2]["hash"]


def test_what_a_node_tells_is_taken_as_it_is(ann: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    spool = Spool(Home(tmp_path))
    Facts("garden", spool, lambda: {"os": "Debian", "environment": {"TOKEN": "canary"}}).run(0)
    batch = [one.event("garden") for one in spool.batch().events]
    assert events.take("garden", batch) == {"accepted": [batch[0]["id"]], "refused": []}
    assert known() == batch[0]["data"]["facts"]
    assert known()["grains"] == {"os": "Debian", "environment": {"TOKEN": "(hidden)"}}


def test_an_older_event_changes_nothing_nor_does_the_same_twice(ann: str) -> None:
    tell(5, os="new")
    for late in (event(4, os="old"), event(5, os="forged"), event(99, epoch=0, os="x")):
        events.take("garden", [late])
    assert known() == {"os": "new"}
    assert facts.show(ann, "garden")["changes"] == []
    events.take("garden", [event(1, epoch=2, os="newer")])
    events.take("garden", [event(90, epoch=1, os="late")])
    assert known() == {"os": "newer"}


def test_a_batch_in_any_order_is_taken_in_the_nodes_own(ann: str) -> None:
    batch = [event(n, n=n) for n in (3, 1, 5, 2, 4)]
    assert len(events.take("garden", batch)["accepted"]) == 5
    assert known() == {"n": 5}
    steps = [(one["changes"][0]["before"], one["changes"][0]["after"]) for one in facts.show(ann, "garden")["changes"]]
    assert steps == [("4", "5"), ("3", "4"), ("2", "3"), ("1", "2")]


def test_whose_they_are_is_the_key_alone(ann: str) -> None:
    tell(1, os="Debian")
    account("bob", "harbour")
    claims = {"node": "garden", "account": ann, "facts": {"os": "forged", "grains": {"id": "garden"}}}
    forged = event(1, "harbour", data=claims) | {"subject": "garden"}
    assert events.take("harbour", [forged])["accepted"] == ["harbour/1/1"]
    assert events.take("harbour", [event(2, "garden", os="forged")])["accepted"] == []
    assert known("garden") == {"os": "Debian"}
    assert known("harbour") == claims["facts"]
    [kept] = event_rows.story("harbour", None, 9)
    assert set(kept.data) == {"hash", "facts"}


def test_the_history_has_an_end(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "KEPT", 3)
    for n in range(1, 7):
        tell(n, n=n)
    assert [one["n"] for one in facts.show(ann, "garden")["changes"]] == [5, 4, 3]
    assert [one["n"] for one in facts.show(ann, "garden", before=5)["changes"]] == [4, 3]
    many = [event(n, n=n) for n in range(100, 180)]
    assert len(events.take("garden", many)["accepted"]) == 80
    assert known() == {"n": 179}
    assert len(facts.show(ann, "garden")["changes"]) == 3


def test_old_changes_go_with_the_events_that_told_them(ann: str) -> None:
    for n in range(1, 4):
        tell(n, n=n)
    then = time.time() - 31 * DAY_S
    with database.transaction():
        rows.FactChange.update(at=then).where(rows.FactChange.n == 1).execute()
        event_rows.Event.update(received_at=then).where(event_rows.Event.sequence == 1).execute()
    assert retention.forget("test")["events"] == 2
    assert [one["n"] for one in facts.show(ann, "garden")["changes"]] == [2]
    tell(4, n=4)
    assert [one["n"] for one in facts.show(ann, "garden")["changes"]] == [3, 2]


def test_a_secret_that_a_node_did_not_hide_is_hidden_here(ann: str) -> None:
    for n in (1, 2):
        canary = f"canary-{n}"
        environment = {"AWS_SECRET_ACCESS_KEY": canary, "list": [f"API_TOKEN={canary}"]}
        tell(n, grains={"environment": environment}, note=f"https://ann:{canary}@example.org/")
    for table in ("node_facts", "fact_change", "event"):
        assert "canary" not in str(database.db.execute_sql(f"SELECT * FROM {table}").fetchall())
    assert facts.show(ann, "garden")["changes"] == []


HUGE = "x" * (10 << 20)


@pytest.mark.parametrize(
    "data",
    [None, 5, "x", {}, {"facts": []}, {"facts": {"a": ["x"] * rules.LARGEST}}, {"facts": {"a": float("inf")}},
     {"facts": {"a": HUGE}}, {"facts": {HUGE: 1}}, HUGE],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_are_no_facts_is_refused_alone_and_changes_nothing(ann: str, data: Any) -> None:
    tell(1, os="Debian")
    bad = event(2) | {"data": data}
    answer = events.take("garden", [bad, event(3, os="Alpine")])
    assert [one["id"] for one in answer["refused"]] == ["garden/1/2"]
    assert len(answer["refused"][0]["why"]) < 300
    assert known() == {"os": "Alpine"}


def test_what_can_not_be_heard_is_not_kept_either(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise Invalid("Something went wrong.")

    monkeypatch.setattr(rows, "put", fail)
    with pytest.raises(Invalid):
        events.take("garden", [event(1, os="Debian")])
    assert event_rows.page(event_rows.Which(events.rules.Filter(kind=Kind.FACTS)), 9) == []


def test_people_see_their_own_nodes_and_operators_all(ann: str) -> None:
    bob = account("bob", "harbour")
    for node in ("garden", "harbour", "cellar-1"):
        tell(1, node, grains={"osfinger": "Debian-13"}, versions={"salt": "3008.3", "docker": ["27"]})
    assert [one["id"] for one in facts.listed(ann)["rows"]] == ["garden"]
    assert [one["id"] for one in facts.listed(None)["rows"]] == ["cellar-1", "garden", "harbour"]
    [one] = facts.listed(bob)["rows"]
    assert (one["system"], one["salt"], one["docker"]) == ("Debian-13", "3008.3", "['27']")
    for foreign in ("harbour", "cellar-1", "nowhere", "a\n", None):
        with pytest.raises(NotFound, match="no node"):
            facts.show(ann, foreign)


def test_who_leaves_takes_their_nodes_facts_along(ann: str) -> None:
    account("bob", "harbour")
    for node in ("garden", "harbour"):
        for n in (1, 2):
            tell(n, node, n=n)
    assert leaving.data(ann)["facts"] == {"garden": {"n": 2}}
    leaving.delete(ann, "ann@example.org", "long enough 1", None)
    assert (rows.find("garden"), rows.changes("garden", None, 9)) == (None, [])
    assert known("harbour") == {"n": 2}
    assert len(rows.changes("harbour", None, 9)) == 1


def test_prometheus_finds_the_operators_nodes_and_others_only_when_asked_for(ann: str) -> None:
    nodes.label("test", "cellar-1", {"environment": "prd"})
    tell(1, "cellar-1", grains={"ipv4": ["127.0.0.1", "10.0.0.1"]})
    tell(1, "garden", grains={"ipv4": ["10.0.0.2"]})
    own = {"targets": ["10.0.0.1:9100"], "labels": {
        "__meta_saltcellar_account": "", "__meta_saltcellar_label_environment": "prd", "__meta_saltcellar_node": "cellar-1",
    }}  # fmt: skip
    assert facts.targets() == [own]
    assert [one["targets"] for one in facts.targets("9", "all")] == [["10.0.0.1:9"], ["10.0.0.2:9"]]
    for port, whose in ((0, "all"), ("x", "all"), (9100, "ann")):
        with pytest.raises(Invalid):
            facts.targets(port, whose)
