import time
from collections.abc import Callable

import pytest
from pouring import OWNER, PUB, answer, bot, carry_out, owner, poured, state, tar, told
from trails import trail

from pillar_service.core.durations import DAY_S
from pillar_service.core.errors import Conflict, ForkHazard, Full, NotFound
from pillar_service.store.bots import bots as rows
from pillar_service.store.bots import samples
from pillar_service.store.database import transaction
from pillar_service.store.people import accounts as account_rows
from pillar_service.usecases.bots import bots, bringing_back, health, pouring, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.people import sign_up

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def person(service: Callable[[], None]) -> str:
    return owner()


def deleted(name: str = "my") -> str:
    """Pour a bot and delete it; return its id."""
    id = str(poured(name)["id"])
    bots.delete("test", name, purge=False)
    carry_out()
    return id


def in_days(days: float) -> float:
    return time.time() + days * DAY_S


def test_a_deleted_bot_comes_back_as_it_was(person: str) -> None:
    id = deleted()
    with pytest.raises(NotFound):
        bots.show("my")
    [listed] = bringing_back.deleted(person)
    assert (listed["id"], listed["name"]) == (id, "my")
    assert abs(listed["purge_at"] - in_days(7)) < 60
    asked = bringing_back.bring_back("test", id)
    assert told()[id]["state"] == "running"
    assert (told()[id]["port"], told()[id]["purge"]) == (20000, False)
    assert bots.show("my")["actual"] == "provisioning"
    carry_out()
    assert jobs.show(asked["job"]["id"])["job"]["state"] == "succeeded"
    back = bots.show("my")
    assert (back["id"], back["actual"], back["pub_id"], back["purge_at"]) == (id, "alive", PUB, None)
    assert back["account"] == [{"email": OWNER, "role": "owner"}]
    assert bringing_back.deleted(person) == []
    assert bringing_back.purge_due("test", in_days(400)) == []


def test_a_run_of_the_tombstone_does_not_count_as_being_back() -> None:
    id = deleted()
    bringing_back.bring_back("test", id)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, state(id, "gone", pub={"data": "kept"}))
    assert bots.show("my")["actual"] == "provisioning"


def test_the_same_key_twice_is_one_job_and_a_bot_that_is_there_is_not_brought_back() -> None:
    id = deleted()
    first = bringing_back.bring_back("test", id, "k")
    assert bringing_back.bring_back("test", id, "k")["job"]["id"] == first["job"]["id"]
    with pytest.raises(Conflict, match="not deleted"):
        bringing_back.bring_back("test", id)
    with pytest.raises(NotFound):
        bringing_back.bring_back("test", "f" * 16)


def test_before_its_node_has_removed_it_the_deletion_is_taken_back() -> None:
    id = poured()["id"]
    asked = bots.delete("test", "my", purge=False)
    bringing_back.bring_back("test", id)
    assert jobs.show(asked["job"]["id"])["job"]["state"] == "cancelled"
    carry_out()
    assert bots.show("my")["actual"] == "alive"


def test_while_its_node_removes_it_one_waits() -> None:
    id = poured()["id"]
    bots.delete("test", "my", purge=False)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    with pytest.raises(Conflict, match="is being removed"):
        bringing_back.bring_back("test", id)
    answer(run, state(id, "gone", pub={"data": "kept"}))
    bringing_back.bring_back("test", id)


def test_a_name_that_is_taken_by_now_is_a_conflict() -> None:
    id = deleted()
    bot()
    with pytest.raises(Conflict, match="belongs to another bot"):
        bringing_back.bring_back("test", id)
    bots.delete("test", "my", purge=True)
    carry_out()
    bringing_back.bring_back("test", id)


def test_nobody_brings_back_more_than_one_may_own(
    person: str, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLAR_BOTS_MOST", "1")
    service()
    id = deleted()
    pouring.create(person, "second")
    with pytest.raises(Conflict, match="as many as an account may own"):
        bringing_back.bring_back(f"account:{person}", id)
    bots.delete("test", "second", purge=False)
    with pytest.raises(Conflict, match="as many as an account may own"):  # Its node has not removed it yet.
        bringing_back.bring_back(f"account:{person}", id)
    bringing_back.bring_back(f"account:{person}", bots.show("second")["id"])
    bots.delete("test", "second", purge=False)
    carry_out()
    bringing_back.bring_back(f"account:{person}", id, "k")
    assert bringing_back.bring_back(f"account:{person}", id, "k")["agent"]["desired"] == "running"


def test_its_port_goes_to_another_only_where_no_other_is_free() -> None:
    id = deleted()
    assert bot("second")["agent"]["port"] == 20001
    bringing_back.bring_back("test", id)
    assert told()[id]["port"] == 20000


def test_its_name_is_kept_from_others_as_long_as_it_can_come_back(person: str) -> None:
    id, stranger = deleted(), owner("stranger@example.org")
    newbie = sign_up.start("new@example.org", "seven lemons in a cellar", "192.0.2.1")["newbie"]
    for act in (
        lambda: pouring.create(stranger, "my"),
        lambda: pouring.bring_in(stranger, "my", "", tar(sequence=9), "k"),
        lambda: bots.create("test", "my", "stranger@example.org"),
        lambda: sign_up.ask(newbie, "New", "my", "192.0.2.1"),
    ):
        with pytest.raises(Conflict, match="The name my is taken"):
            act()
    assert bringing_back.deleted(person)[0]["id"] == id
    with transaction():
        rows.change(id, purge_at=time.time() - 1)
    assert pouring.create(stranger, "my")["agent"]["name"] == "my"


def test_its_name_is_free_for_its_owner_and_for_others_once_its_data_goes(person: str) -> None:
    id, stranger = deleted(), owner("stranger@example.org")
    pouring.create(person, "my")
    bots.delete("test", "my", purge=True)
    carry_out()
    with pytest.raises(Conflict, match="taken"):
        pouring.create(stranger, "my")
    bots.delete("test", id, purge=True)
    carry_out()
    assert pouring.create(stranger, "my")["agent"]["name"] == "my"


def test_another_port_when_the_old_one_is_taken_and_none_when_all_are() -> None:
    id = deleted()
    nodes.add("test", "cellar-1", 20000, 20000)
    assert bot("second")["agent"]["port"] == 20000
    nodes.add("test", "cellar-1", 20000, 20001)
    bringing_back.bring_back("test", id)
    assert told()[id]["port"] == 20001
    bots.delete("test", "my", purge=False)
    carry_out()
    nodes.add("test", "cellar-1", 20000, 20000)
    with pytest.raises(Full, match="cellar-1"):
        bringing_back.bring_back("test", id)


def test_an_identity_that_lives_elsewhere_is_not_brought_back() -> None:
    id = deleted()
    upload = transfers.upload("test", tar(sequence=9))
    other = bot("again", upload=upload["upload"])["agent"]["id"]
    carry_out()
    with pytest.raises(ForkHazard, match="again"):
        bringing_back.bring_back("test", id)
    bots.delete("test", "again", purge=True)
    carry_out()
    with pytest.raises(ForkHazard, match="again"):
        bringing_back.bring_back("test", id)
    assert other not in told()
    assert id not in told()


def test_when_the_days_are_over_the_data_goes_once(person: str) -> None:
    id = deleted()
    assert bringing_back.purge_due("test", in_days(6.9)) == []
    assert told() == {}
    [asked] = bringing_back.purge_due("test", in_days(7.1))
    assert bringing_back.purge_due("test", in_days(7.1)) == []
    assert (told()[id]["state"], told()[id]["purge"], told()[id]["port"]) == ("absent", True, None)
    with pytest.raises(Conflict, match="any more"):
        bringing_back.bring_back("test", id)
    carry_out()
    assert jobs.show(asked["id"])["job"]["state"] == "succeeded"
    assert told() == {}
    assert bringing_back.purge_due("test", in_days(400)) == []
    assert bringing_back.deleted(person) == []
    assert [row["action"] for row in trail(f"agent:{id}")].count("bots.purged") == 1


def test_a_clock_that_jumps_lets_no_data_go() -> None:
    id = deleted()
    assert bringing_back.purge_due("test", in_days(0)) == []
    assert bringing_back.purge_due("test", in_days(60)) == []
    assert bringing_back.purge_due("test", in_days(0)) == [], "it is right again"
    assert bringing_back.bring_back("test", id)["agent"]["name"] == "my"


def test_after_its_time_it_is_too_late_even_before_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    id = deleted()
    with transaction():
        rows.change(id, purge_at=time.time() - 1)
    with pytest.raises(Conflict, match="any more"):
        bringing_back.bring_back("test", id)


def test_a_purge_that_failed_is_asked_for_again() -> None:
    id = deleted()
    bringing_back.purge_due("test", in_days(8))
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, state(id, "gone", result=False, comment="The bot's data could not be deleted: busy."))
    assert told()[id]["purge"] is True
    assert len(bringing_back.purge_due("test", in_days(8))) == 1
    carry_out()
    assert told() == {}


def test_a_node_that_still_has_the_data_is_asked_again(person: str) -> None:
    id = poured()["id"]
    bots.delete("test", "my", purge=False)
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    bots.delete("test", "my", purge=True)  # The node has read its pillar before this.
    answer(run, state(id, "gone", pub={"data": "kept"}))
    assert told()[id]["purge"] is True
    carry_out()
    assert told() == {}
    assert bringing_back.purge_due("test", in_days(400)) == []


def test_a_purge_is_at_once_for_a_living_and_for_a_deleted_bot(person: str) -> None:
    id = deleted()
    bots.delete("test", id, purge=True)
    assert told()[id]["purge"] is True
    carry_out()
    assert (told(), bringing_back.deleted(person)) == ({}, [])
    with pytest.raises(NotFound):
        bots.delete("test", "my", purge=True)


def test_samples_stay_until_the_data_goes(service: object) -> None:
    id = poured()["id"]
    from pouring import event, report

    health.take("cellar-1", [event(report(id))])
    bots.delete("test", "my", purge=False)
    carry_out()
    assert len(samples.newest(id, 5)) == 1
    bringing_back.purge_due("test", in_days(8))
    carry_out()
    assert samples.newest(id, 5) == []


def test_with_no_days_nothing_is_kept(
    service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    monkeypatch.setenv("CELLAR_DELETED_DAYS", "0")
    service()
    id = deleted()
    assert bringing_back.deleted(person) == []
    with pytest.raises(Conflict, match="any more"):
        bringing_back.bring_back("test", id)
    assert len(bringing_back.purge_due("test")) == 1


def test_only_owners_find_their_deleted_bots(person: str) -> None:
    other = owner("other@example.org")
    deleted()
    assert bringing_back.deleted(other) == []
    assert account_rows.find(other) is not None
