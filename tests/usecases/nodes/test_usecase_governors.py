import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from accounts_with_nodes import account, own
from enrolling import key

from pillar_service.core.errors import Conflict, Invalid, NotFound, Unavailable
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import governors as rows
from pillar_service.usecases.jobs import endings, executing
from pillar_service.usecases.nodes import configuration, governors, node_keys, nodes, pillars
from pillar_service.usecases.people import leaving
from pillar_service.usecases.service import storage

NAME, NOW = "restarts", 1_000_000.0


@pytest.fixture
def ann(service: Callable[[], None]) -> str:
    """An account with a node, `garden`, whose governor lets two restart at once."""
    made = account("ann", "garden")
    put(made, 2)
    return made


def put(of: str, most: Any) -> None:
    configuration.set("test", of, f"governors/{NAME}", most)


def take(of: str, who: str, now: float = NOW, seconds: int = 60) -> int | None:
    told = governors.take(of, NAME, who, seconds, now)
    assert told["granted"] is (told["fence"] is not None)
    return told["fence"]


def holders(of: str, now: float = NOW) -> list[str]:
    [one] = governors.listed(of, now)
    return [lease["holder"] for lease in one["leases"]]


def test_never_more_than_so_many_hold_it_and_each_fence_is_higher(ann: str) -> None:
    assert [take(ann, who) for who in ("one", "two", "three")] == [1, 2, None]
    governors.release(ann, NAME, "one", 1)
    assert [take(ann, who) for who in ("three", "one")] == [3, None]
    assert holders(ann) == ["two", "three"]


def test_a_lease_ends_by_itself_and_who_was_paused_can_do_nothing_with_it(ann: str) -> None:
    take(ann, "one")
    put(ann, 1)
    assert take(ann, "two", NOW + 59) is None
    assert take(ann, "two", NOW + 60) == 2
    for late in (governors.check, lambda *told: governors.renew(*told[:-1], 60, told[-1])):
        with pytest.raises(Conflict, match="over"):
            late(ann, NAME, "one", 1, NOW + 61)
    governors.release(ann, NAME, "one", 1)
    assert holders(ann, NOW + 61) == ["two"]
    assert take(ann, "one", NOW + 120) == 3


def test_its_holder_keeps_it_by_renewing_and_under_its_own_fence_alone(ann: str) -> None:
    take(ann, "one")
    assert governors.renew(ann, NAME, "one", 1, 60, NOW + 50)["fence"] == 1
    governors.check(ann, NAME, "one", 1, NOW + 100)
    for who, fence in (("one", 2), ("two", 1)):
        with pytest.raises(Conflict):
            governors.renew(ann, NAME, who, fence, 60, NOW + 100)
    governors.release(ann, NAME, "one", 7)
    assert holders(ann, NOW + 100) == ["one"]


def test_who_did_not_hear_the_answer_asks_again_and_has_the_same(ann: str) -> None:
    assert [take(ann, "one"), take(ann, "one", NOW + 30)] == [1, 1]
    governors.check(ann, NAME, "one", 1, NOW + 80)
    assert [take(ann, "two", NOW + 30), take(ann, "three", NOW + 30)] == [2, None]


def test_a_clock_that_was_set_back_keeps_nobody_out_for_long_and_lets_no_more_in(ann: str) -> None:
    take(ann, "one", NOW + 1_000_000)
    take(ann, "two", NOW + 1_000_000)
    assert take(ann, "three", NOW) is None
    assert [one.expires_at for one in rows.leases(ann, NAME)] == [NOW + 60] * 2
    assert take(ann, "three", NOW + 59) is None
    assert take(ann, "three", NOW + 61) == 3


def test_fewer_places_than_holders_lets_nobody_new_in(ann: str) -> None:
    take(ann, "one")
    take(ann, "two")
    put(ann, 1)
    governors.release(ann, NAME, "one", 1)
    assert take(ann, "three") is None
    governors.release(ann, NAME, "two", 2)
    assert take(ann, "three") == 3


def test_a_fence_grows_on_though_the_governor_was_deleted(ann: str) -> None:
    take(ann, "one")
    configuration.delete("test", ann, f"governors/{NAME}")
    assert governors.listed(ann) == []
    for ask in (lambda: take(ann, "two"), lambda: governors.renew(ann, NAME, "one", 1, 60, NOW)):
        with pytest.raises(NotFound, match="governors/restarts in the configuration first"):
            ask()
    put(ann, 1)
    assert take(ann, "two") is None, "who held it goes on until the lease ends"
    assert take(ann, "two", NOW + 60) == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("governors/Restarts", 1),
        ("governors/a/b", 1),
        *((f"governors/{NAME}", most) for most in (0, 1001, "2", None, True)),
    ],
)
def test_a_key_that_should_be_a_governor_and_can_be_none_is_refused(ann: str, key: str, value: Any) -> None:
    with pytest.raises(Invalid):
        configuration.set("test", ann, key, value)
    assert governors.listed(ann)[0]["most"] == 2


@pytest.mark.parametrize(
    ("name", "who", "seconds"),
    [("Restarts", "a", 60), (NAME, "", 60), (NAME, "a\n", 60), (NAME, "a", 4), (NAME, "a", None)],
)
def test_what_makes_no_sense_is_refused(ann: str, name: str, who: str, seconds: Any) -> None:
    with pytest.raises(Invalid):
        governors.take(ann, name, who, seconds)


def test_of_many_who_ask_at_the_same_time_no_more_than_so_many_get_it(ann: str) -> None:
    storage.release()
    together, fences = threading.Barrier(8), []

    def ask(n: int) -> None:
        together.wait(30)
        try:
            fences.append(take(ann, f"racer {n}"))
        finally:
            storage.release()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sorted(one for one in fences if one) == [1, 2]
    assert len(fences) == 8
    assert len(holders(ann)) == 2


def job(id: str, node: str, governor: str | None = NAME) -> str:
    """A published job of a command that names a governor."""
    now = time.time()
    plan = {"function": "meeseeks.run", "arguments": ["x", {}], "keywords": {}, "leading": [], "is_guarded": True}
    plan |= {"timeout_s": 60, "retry_safe": False, "secrets": {}, "redact": [], "governor": governor}
    columns = {"arguments": {}, "actor": "test", "fingerprint": "x", "created_at": now, "not_before": now}
    with transaction():
        jobs.add(id=id, command="x", node=node, state="running", plan=plan, attempts=1, **columns)
    return id


def over(id: str) -> None:
    found = jobs.find(id)
    assert found is not None
    with transaction():
        endings.settle(found, endings.outcome(found, {"state": "done"}, True, 0), time.time())


def test_a_job_whose_command_names_one_begins_when_there_is_room(ann: str) -> None:
    own("orchard", ann)
    first, second, third = (
        job(digit * 16, node) for digit, node in zip("abc", ("garden", "orchard", "garden"), strict=True)
    )
    executing.begin("garden", first, 1)
    executing.begin("orchard", second, 1)
    with pytest.raises(Unavailable, match="restarts allows 2 at a time"):
        executing.begin("garden", third, 1)
    waits = jobs.find(third)
    assert waits is not None
    assert waits.begun is None
    over(first)
    assert executing.begin("garden", third, 1) == {"arguments": {}}
    assert holders(ann, time.time()) == [f"job:{second}/1", f"job:{third}/1"]


def test_a_job_of_another_account_is_not_held_up_and_one_without_a_governor_says_so(ann: str) -> None:
    account("bob", "harbour")
    for n in range(2):
        take(ann, f"holder {n}", time.time())
    with pytest.raises(NotFound, match="no governor 'restarts'"):
        executing.begin("harbour", job("d" * 16, "harbour"), 1)
    put(pillars.account_of("harbour"), 1)
    executing.begin("harbour", "d" * 16, 1)
    put(OPERATORS, 1)
    executing.begin("cellar-1", job("e" * 16, "cellar-1"), 1)
    executing.begin("garden", job("f" * 16, "garden", None), 1)


def test_a_job_ends_though_its_node_was_forgotten(ann: str) -> None:
    executing.begin("garden", job("a" * 16, "garden"), 1)
    nodes.set_key("test", "garden", key(1).public)
    node_keys.revoke("test", "garden")
    node_keys.forget("test", "garden")
    over("a" * 16)
    assert holders(ann, time.time()) == []


def test_who_leaves_leaves_none(ann: str) -> None:
    take(ann, "one", time.time())
    leaving.delete(ann, "ann@example.org", "long enough 1", None)
    assert (governors.listed(ann), rows.leases(ann, NAME)) == ([], [])
