import json
import threading
import time
from typing import Any

import pytest

from pillar_service.core.errors import Changed, Conflict, NotFound, Unavailable
from pillar_service.core.nodes.configuration import OPERATORS
from pillar_service.node import configuration
from pillar_service.node.configuration import Configuration
from pillar_service.node.paths import Home
from pillar_service.node.told import Told, told


def section(revision: int, **keys: Any) -> dict[str, Any]:
    return {"revision": revision, "keys": {key: {"value": value, "revision": revision} for key, value in keys.items()}}


def test_the_last_good_copy_is_read_by_every_process_and_after_a_restart(home: Home) -> None:
    here, there = Configuration(home), Configuration(home)
    with pytest.raises(NotFound, match="no key 'a'"):
        there.get("a")
    assert here.take(lambda: Told(configuration=section(1, a=5, b={"x": None}))) == ["a", "b"]
    assert (there.get("a"), there.all()["b"]) == (5, {"value": {"x": None}, "revision": 1})
    assert here.take(lambda: Told(configuration=section(1, a=5, b={"x": None}))) == []
    assert here.take(lambda: Told(configuration=section(2, a=6))) == ["a", "b"]
    assert there.all() == {"a": {"value": 6, "revision": 2}}
    assert (home.state / "configuration.json").stat().st_mode & 0o777 == 0o600


def test_while_the_centre_is_away_it_stays(home: Home) -> None:
    kept = Configuration(home)
    kept.take(lambda: Told(configuration=section(7, a=1)))
    for nothing in (Told(problem="This node got no pillar."), Told()):
        with pytest.raises(Unavailable):
            kept.take(lambda told=nothing: told)  # type: ignore[misc]
    assert kept.take(lambda: Told(notice="old", configuration=section(6, a=0))) == []
    assert kept.get("a") == 1


def test_what_a_restored_service_tells_is_taken_though_its_revisions_are_lower(home: Home) -> None:
    kept = Configuration(home)
    kept.take(lambda: Told(configuration=section(7, a=1)))
    assert kept.take(lambda: Told(configuration=section(3, a=2))) == ["a"]


def test_nothing_of_an_account_stays_on_a_node_that_is_anothers(home: Home) -> None:
    kept = Configuration(home)
    kept.take(lambda: Told(configuration=section(7, secret="of ann")))
    assert kept.take(lambda: Told(configuration=section(0))) == ["secret"]
    assert "ann" not in (home.state / "configuration.json").read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"revision": 1}', b"\xff"])
def test_a_broken_copy_is_none_and_is_made_anew(home: Home, content: bytes) -> None:
    home.state.mkdir(parents=True)
    (home.state / "configuration.json").write_bytes(content)
    kept = Configuration(home)
    assert kept.all() == {}
    kept.take(lambda: Told(configuration=section(1, a=1)))
    assert kept.get("a") == 1


def test_of_two_that_take_at_once_the_newer_answer_stays(home: Home) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slowly() -> Told:
        asked.set()
        assert go_on.wait(30)
        return Told(configuration=section(1, a="older"))

    first = threading.Thread(target=lambda: Configuration(home).take(slowly))
    first.start()
    assert asked.wait(30)
    second = threading.Thread(
        target=lambda: Configuration(home).take(lambda: Told(configuration=section(2, a="newer")))
    )
    second.start()
    second.join(0.2)
    go_on.set()
    for one in (first, second):
        one.join(30)
    assert Configuration(home).get("a") == "newer"


def test_the_pillar_is_read_and_what_makes_no_sense_is_none() -> None:
    def pillar(**more: Any) -> dict[str, Any]:
        return {"saltcellar": {"node": "garden", "service": {}, "bots": {}, **more}}

    good = section(3, a=[1])
    assert told(pillar(configuration=good), "garden").configuration == good
    assert told(pillar(configuration={"revision": 1, "keys": []}), "garden").configuration is None
    assert told(pillar(), "garden").configuration is None
    assert told(pillar(configuration=good), "harbour").problem
    assert "configuration" not in told(pillar(configuration=good), "garden").for_states()


def test_a_machine_sets_keys_of_its_own_account_at_the_real_door(cellar: Any) -> None:
    from pillar_service.store.database import transaction
    from pillar_service.store.nodes import nodes as rows
    from pillar_service.usecases.nodes import configuration as service
    from pillar_service.usecases.nodes import pillars
    from pillar_service.usecases.people import accounts

    here = Told(service=cellar.service)
    ann = accounts.create("test", "ann@example.org", password="long enough 1")[0]["id"]
    with transaction():
        rows.change("cellar-1", account=ann)
    assert configuration.change(here, "pub/after", {"s": 1}, 0)["revision"] == 1
    with pytest.raises(Changed, match="now has the revision 1"):
        configuration.change(here, "pub/after", 2, 0)
    assert service.show(ann, "pub/after")["by"] == "node:cellar-1"
    ready = pillars.ready("cellar-1")
    assert ready is not None
    kept = Configuration(cellar.home)
    kept.take(lambda: told(json.loads(ready[0]), "cellar-1"))
    assert kept.all()["pub/after"] == {"value": {"s": 1}, "revision": 1}
    configuration.delete(here, "pub/after", 1)
    with pytest.raises(NotFound):
        configuration.delete(here, "pub/after")
    cellar.stop()
    with pytest.raises(Unavailable):
        configuration.change(here, "pub/after", 3)
    assert kept.get("pub/after") == {"s": 1}


def test_who_was_away_asks_by_itself_soon_again_while_nobody_answers_and_then_now_and_then(cellar: Any) -> None:
    from pillar_service.usecases.nodes import configuration as service

    known, kept = [Told(problem="no pillar yet")], Configuration(cellar.home)
    asking = configuration.Asking(cellar.home, lambda: known[-1])
    service.set("test", OPERATORS, "pub/after", 1)
    asking.run(0.0)
    assert kept.all() == {}
    known.append(Told(service=cellar.service))
    asking.run(configuration.AGAIN_S - 1)
    assert kept.all() == {}
    asking.run(configuration.AGAIN_S)
    assert kept.get("pub/after") == 1
    service.set("test", OPERATORS, "pub/after", 2)
    asking.run(200.0)
    assert kept.get("pub/after") == 1
    asking.run(400.0)
    assert kept.get("pub/after") == 2
    cellar.stop()
    asking.run(800.0)
    assert kept.get("pub/after") == 2


class Ticking:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_machine_holds_a_governor_waits_and_stops_when_its_lease_is_over(cellar: Any) -> None:
    from pillar_service.node.door import Door
    from pillar_service.node.governors import Governor
    from pillar_service.usecases.nodes import configuration as service

    def governor(what: str, clock: Any = time.monotonic) -> Governor:
        return Governor(lambda: Door(cellar.service), "restarts", what, 60, clock)

    with pytest.raises(NotFound, match="governors/restarts"):
        governor("a").take()
    service.set("test", OPERATORS, "governors/restarts", 1)
    clock = Ticking()
    lease = governor("pub-healer/a", clock).take()
    assert lease is not None
    lease.check()
    assert governor("pub-healer/b").take() is None
    assert governor("pub-healer/a").take() is None, "another process that does the same is another holder"
    with pytest.raises(Unavailable, match=r"not granted within 0 s\. Others hold"), governor("b").held(0):
        pass
    clock.now += 59
    lease.renew()
    clock.now += 59
    lease.check()
    clock.now += 1
    for late in (lease.check, lease.renew):
        with pytest.raises(Conflict, match="over"):
            late()
    lease.release()
    with governor("b").held(5) as mine:
        assert mine.fence == lease.fence + 1
    cellar.stop()
    with pytest.raises(Unavailable):
        governor("a").take()
