import threading
from collections.abc import Callable
from typing import Any

import pytest
from accounts_with_nodes import account, pillar
from trails import trail

from pillar_service.core.errors import Changed, Conflict, Forbidden, NotFound, TooMany
from pillar_service.core.nodes import configuration as rules
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.store.nodes import configuration as rows
from pillar_service.usecases.nodes import configuration, nodes, pillars
from pillar_service.usecases.people import accounts, leaving
from pillar_service.usecases.service import storage

KEY = "pub/restart-after"


@pytest.fixture
def ann(service: Callable[[], None]) -> str:
    """An account with a node, `garden`."""
    return account("ann", "garden")


def put(of: str, key: str, value: Any, expected: int | None = None) -> int:
    return int(configuration.set("test", of, key, value, expected)["revision"])


def told(node: str) -> Any:
    return pillar(node).get("configuration")


def test_a_value_has_a_revision_that_only_grows(ann: str) -> None:
    assert [put(ann, "a", 1), put(ann, "b", [None, {"x": "ü"}]), put(ann, "a", 1)] == [1, 2, 3]
    configuration.delete("test", ann, "a")
    assert put(ann, "a", 2) == 5
    found = configuration.listed(ann)
    assert (found["revision"], [(one["key"], one["value"], one["revision"]) for one in found["keys"]]) == (
        5, [("a", 2, 5), ("b", [None, {"x": "ü"}], 2)],
    )  # fmt: skip
    with pytest.raises(NotFound, match="no key 'c'"):
        configuration.show(ann, "c")


def test_it_stands_in_the_pillar_of_its_nodes_at_once_and_masters_hear_of_it(ann: str) -> None:
    serial = pillars.changes(None)[0]
    put(ann, KEY, {"seconds": 60})
    assert told("garden") == {"revision": 1, "keys": {KEY: {"value": {"seconds": 60}, "revision": 1}}}
    assert told("cellar-1") == {"revision": 0, "keys": {}}
    after, changed, configured = pillars.changes(serial)
    assert (changed, configured) == (["garden"], ["garden"])
    nodes.label("test", "garden", {"environment": "tests"})
    assert pillars.changes(after)[1:] == (["garden"], [])


def test_only_who_knows_what_stands_may_change_it(ann: str) -> None:
    put(ann, KEY, "one", expected=0)
    with pytest.raises(Changed, match="now has the revision 1") as error:
        put(ann, KEY, "two", expected=0)
    assert error.value.current is not None
    assert (error.value.current["value"], error.value.current["revision"]) == ("one", 1)
    assert put(ann, KEY, "two", expected=1) == 2
    with pytest.raises(Changed):
        configuration.delete("test", ann, KEY, expected=1)
    configuration.delete("test", ann, KEY, expected=2)
    with pytest.raises(Changed, match="now has no value") as error:
        put(ann, KEY, "three", expected=2)
    assert error.value.current is None


def test_history_says_who_changed_what_and_has_an_end(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "KEPT", 3)
    for n in range(4):
        configuration.set(f"person {n}", ann, "a" if n % 2 else "b", n)
    configuration.delete("somebody", ann, "a")
    found = configuration.history(ann)
    assert [(one["revision"], one["key"], one["value"], one["deleted"], one["by"]) for one in found] == [
        (5, "a", None, True, "somebody"), (4, "a", 3, False, "person 3"), (3, "b", 2, False, "person 2"),
    ]  # fmt: skip
    assert [one["revision"] for one in configuration.history(ann, "a", before=5)] == [4]
    assert [one["action"] for one in trail(f"agent:{ann}")][-2:] == [
        "configuration.set",
        "configuration.delete",
    ]
    assert put(ann, "a", 1) == 6


def test_there_is_an_end_to_keys_to_sizes_and_to_the_pace(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_KEYS", 2)
    put(ann, "a", 1)
    put(ann, "b", 1)
    with pytest.raises(Conflict, match="2 keys"):
        put(ann, "c", 1)
    monkeypatch.setattr(rules, "LARGEST", 20)
    put(ann, "a", "x" * 17)
    with pytest.raises(Conflict, match="20 bytes"):
        put(ann, "b", 22)
    monkeypatch.setattr(rules, "MOST_A_MINUTE", 3)
    with pytest.raises(TooMany):
        put(ann, "a", 1)
    assert configuration.show(ann, "a")["value"] == "x" * 17


def test_an_account_that_is_suspended_reads_and_changes_nothing(ann: str) -> None:
    put(ann, "a", 1)
    accounts.set_state("test", ann, "suspended")
    with pytest.raises(Forbidden, match="suspended"):
        put(ann, "a", 2)
    with pytest.raises(Forbidden):
        configuration.delete("test", ann, "a")
    assert configuration.show(ann, "a")["value"] == 1


def test_who_leaves_takes_it_along_and_leaves_nothing(ann: str) -> None:
    put(ann, "a", "secret wish")
    assert leaving.data(ann)["configuration"]["keys"][0]["value"] == "secret wish"
    leaving.delete(ann, "ann@example.org", "long enough 1", None)
    assert (rows.listed(ann), configuration.history(ann), told("garden")["keys"]) == ([], [], {})


def test_a_node_of_nobody_has_what_operators_set_for_the_place(ann: str) -> None:
    assert (pillars.account_of("garden"), pillars.account_of("cellar-1")) == (ann, OPERATORS)
    with pytest.raises(NotFound, match="no node 'nowhere'"):
        pillars.account_of("nowhere")
    put(OPERATORS, "a", "the place's")
    assert told("cellar-1")["keys"]["a"]["value"] == "the place's"
    assert told("garden")["keys"] == {}
    assert trail("operators")[-1]["action"] == "configuration.set"


def test_of_many_who_change_the_same_at_the_same_time_exactly_one_does(ann: str) -> None:
    put(ann, KEY, "before")
    storage.release()
    together, won, lost = threading.Barrier(8), [], []

    def change(n: int) -> None:
        together.wait(30)
        try:
            won.append(put(ann, KEY, n, expected=1))
        except Changed as error:
            lost.append((error.current or {}).get("revision"))
        finally:
            storage.release()

    threads = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert (won, lost) == ([2], [2] * 7)
    assert len(configuration.history(ann)) == 2
