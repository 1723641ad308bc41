"""Bots of lost nodes are restored elsewhere: only once, only from a good tar; their newest export is kept for that."""

import io
import itertools
import logging
import time

import pytest
from lost_nodes import arrive, exported, lost, states, three_nodes
from pouring import OTHER_PUB, PUB, carry_out, event, poured, report, tar, told

from pillar_service.core import names
from pillar_service.core.errors import Conflict, ForkHazard, Invalid, NotFound, SaltcellarError
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.bots import moves as move_rows
from pillar_service.store.bots import transfers as rows
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, health, kept_exports, restoring, transfers
from pillar_service.usecases.jobs import claims, jobs
from pillar_service.usecases.nodes import draining, losing, node_keys, node_terms

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def places(service: object) -> None:
    three_nodes()


def test_a_bot_of_a_lost_node_is_restored_on_another() -> None:
    id = lost()
    made = restoring.restore("test", "my")
    assert (made["job"]["command"], made["job"]["node"], made["agent"]["node"]) == (
        "bots.import",
        "cellar-2",
        "cellar-2",
    )
    assert (states("cellar-1"), states("cellar-2")) == ({id: "absent"}, {id: "running"})
    imported = told("cellar-2")[id]["import"]
    assert imported["pub_id"] == PUB
    fetched = transfers.for_node("cellar-2", imported["job"])
    assert (fetched.sha256, transfers.path(fetched.id).read_bytes()) == (imported["sha256"], tar().getvalue())
    assert (made["agent"]["actual"], made["agent"]["detail"]) == ("provisioning", "")
    arrive()
    now = bots.show("my")
    assert (now["actual"], now["pub_id"], now["port"]) == ("alive", PUB, 20000)
    assert "bots.restore" in [row.action for row in audit.about(f"agent:{id}")]
    arrive()
    assert not move_rows.open_everywhere(), "nobody waits for a node that is lost"
    assert (told("cellar-1")[id]["state"], told("cellar-1")[id]["purge"]) == ("absent", False)
    assert not claims.is_claimable("salt")


@pytest.mark.parametrize("at", ["arriving", "clearing"])
def test_a_bot_does_not_wait_for_a_node_that_was_forgotten(at: str) -> None:
    id = lost()
    restoring.restore("test", "my")
    if at == "clearing":
        with database.transaction():
            node_rows.change("cellar-1", lost_at=None)  # The node was cut off, but nobody declared it lost.
        arrive()
        [move] = move_rows.open_everywhere()
        jobs.cancel("test", move.job)
        with database.transaction():
            move_rows.change(move.id, error="No.", changed_at=0.0)
    node_keys.forget("test", "cellar-1")
    arrive()
    assert move_rows.open_everywhere() == []
    assert not claims.is_claimable("salt")
    node_terms.limit("test", "cellar-3", None)
    draining.drain("test", "cellar-2")
    assert draining.go_on() == 1
    assert move_rows.open_of(id) is not None


def test_asked_twice_it_is_restored_once() -> None:
    lost()
    first = restoring.restore("test", "my", idempotency_key="k")
    assert restoring.restore("test", "my", idempotency_key="k")["job"]["id"] == first["job"]["id"]
    with pytest.raises(ForkHazard, match="cellar-2, which has my, was not declared lost"):
        restoring.restore("test", "my")
    assert len(rows.of_bot(first["agent"]["id"])) == 2, "the export, and what the node fetches"


def test_what_it_is_refused_for() -> None:
    id = str(poured()["id"])
    exported(id)
    node_terms.limit("test", "cellar-2", None)
    with pytest.raises(ForkHazard, match="was not declared lost"):
        restoring.restore("test", "my")
    node_keys.revoke("test", "cellar-1")
    with pytest.raises(ForkHazard, match="was not declared lost"):
        restoring.restore("test", "my")
    losing.declare("test", "cellar-1")
    with pytest.raises(SaltcellarError, match="No node other than cellar-1"):
        restoring.restore("test", "my", node="cellar-1")
    with pytest.raises(NotFound):
        restoring.restore("test", "my", node="nowhere")
    with pytest.raises(NotFound):
        restoring.restore("test", "other")
    assert bots.show("my")["node"] == "cellar-1", "and nothing happened"
    assert restoring.show("my")["why"] is None


@pytest.mark.parametrize(
    ("held", "error", "said"),
    [
        (tar(OTHER_PUB), Conflict, "has changed since it was taken"),
        (tar(**{"flume/log.offset": b""}), ForkHazard, "no log"),
        (tar(sequence=9), Conflict, "has changed since it was taken"),
        (io.BytesIO(b"torn"), Invalid, "not a tar"),
        (None, NotFound, "no longer on the service's disk"),
    ],
)
def test_a_tar_that_is_not_good_any_more_is_refused(held: io.BytesIO | None, error: type[Exception], said: str) -> None:
    id = lost()
    [kept] = rows.of_bot(id)
    if held is None:
        transfers.path(kept.id).unlink()
    else:
        transfers.path(kept.id).write_bytes(held.getvalue())
    with pytest.raises(error, match=said):
        restoring.restore("test", "my")
    assert bots.show("my")["node"] == "cellar-1"


def test_without_a_whole_export_nothing_is_restored() -> None:
    poured()
    node_terms.limit("test", "cellar-2", None)
    losing.declare("test", "cellar-1")
    with pytest.raises(NotFound, match="No export of everything"):
        restoring.restore("test", "my")
    assert "No export of everything" in str(restoring.show("my")["why"])


def test_another_bots_tar_is_never_taken() -> None:
    lost()
    other = poured("other", node="cellar-2")
    with database.transaction():
        bot_rows.change(other["id"], pub_id=OTHER_PUB)
        losing.declare("test", "cellar-2", anyway=True)
    node_terms.limit("test", "cellar-3", None)
    with pytest.raises(NotFound, match="No export of everything"):
        restoring.restore("test", "other")


def test_an_old_tar_takes_the_bots_name_and_what_it_wrote_later_is_given_up() -> None:
    id = str(poured()["id"])
    exported(id)
    health.take("cellar-1", [event(report(id, sequence=8))])
    node_terms.limit("test", "cellar-2", None)
    losing.declare("test", "cellar-1", anyway=True)
    assert restoring.show("my")["unread"] == 5
    for typed in (None, "other", 5):
        with pytest.raises(ForkHazard, match=r"5 more, which are lost.*type its name"):
            restoring.restore("test", "my", typed=typed)
    restoring.restore("test", "my", typed="my")
    assert bot_rows.with_ids([id])[id].sequence == 3
    assert "5 known ones lost" in next(row.detail for row in audit.about(f"agent:{id}") if row.action == "bots.restore")


@pytest.mark.parametrize("at", ["copy", "place"])
def test_killed_between_the_steps_nothing_is_half_done(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    id = lost()

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rows if at == "copy" else move_rows, "add", kill)
        with pytest.raises(Killed):
            restoring.restore("test", "my", idempotency_key="k")
    assert (bots.show("my")["node"], states("cellar-1"), states("cellar-2")) == ("cellar-1", {id: "running"}, {})
    assert not move_rows.open_everywhere()
    restoring.restore("test", "my", idempotency_key="k")
    arrive()
    assert bots.show("my")["actual"] == "alive"


def test_what_is_done_with_it_at_this_moment_ends_first() -> None:
    lost()
    with database.transaction():
        node_rows.change("cellar-1", lost_at=None)
    job = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    with database.transaction():
        node_rows.change("cellar-1", lost_at=1.0)
    claims.claim("salt")
    with pytest.raises(Conflict, match="is busy with a job"):
        restoring.restore("test", "my")
    jobs.show(job)


def test_what_was_queued_for_it_is_withdrawn() -> None:
    lost()
    job = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    restoring.restore("test", "my")
    assert jobs.show(job)["job"]["state"] == "cancelled"


def test_a_move_that_had_not_left_a_node_that_is_lost_is_over() -> None:
    id = lost()
    with database.transaction():
        node_rows.change("cellar-1", lost_at=None)
    draining.drain("test", "cellar-1")
    assert draining.go_on() == 1
    with database.transaction():
        node_rows.change("cellar-1", lost_at=1.0)
    restoring.restore("test", "my")
    assert [one.state for one in move_rows.from_node("cellar-1", 0.0)] == ["arriving", "back"]
    arrive()
    assert states("cellar-2") == {id: "running"}


def aged(id: str) -> None:
    with database.transaction():
        rows.Transfer.update(created_at=time.time() - 90_000).where(rows.Transfer.id == id).execute()


def test_the_newest_whole_export_is_kept_if_a_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    id = str(poured()["id"])
    first = exported(id)
    aged(first)
    monkeypatch.setenv("CELLAR_KEEP_EXPORTS", "yes")
    settings.cache_clear()
    transfers.sweep()
    assert transfers.path(first).exists()
    second = exported(id)
    aged(second)
    transfers.sweep()
    assert [transfers.path(one).exists() for one in (first, second)] == [False, True]
    bots.delete("test", "my", purge=True)
    transfers.sweep()
    carry_out()
    transfers.sweep()
    assert not transfers.path(second).exists(), "what is purged is not kept"


def test_of_a_bots_exports_only_the_newest_few_are_kept() -> None:
    id = str(poured()["id"])
    made = [exported(id) for _ in range(5)]
    other = exported(str(poured("other")["id"]))
    transfers.sweep()
    assert [transfers.path(one).exists() for one in (*made, other)] == [False, False, True, True, True, True]


def test_an_export_of_a_clock_that_was_ahead_is_not_the_newest_once_there_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CELLAR_KEEP_EXPORTS", "yes")
    settings.cache_clear()
    id = str(poured()["id"])
    ahead = exported(id)
    with database.transaction():
        rows.Transfer.update(created_at=time.time() + 365 * 86_400).where(rows.Transfer.id == ahead).execute()
    transfers.sweep()
    assert transfers.path(ahead).exists(), "there is no other"
    second = exported(id)
    newest = kept_exports.newest(bots.found("my"))
    assert newest is not None
    assert newest.id == second
    aged(second)
    transfers.sweep()
    assert [transfers.path(one).exists() for one in (ahead, second)] == [False, True]


def test_what_is_imported_takes_no_exports_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_KEEP_EXPORTS", "yes")
    settings.cache_clear()
    ids = (f"{number:016x}" for number in itertools.count(2**60, -1))  # a later id sorts first
    monkeypatch.setattr(names, "new_id", lambda: next(ids))
    id = lost()
    [export] = rows.of_bot(id)
    aged(export.id)
    restoring.restore("test", "my")
    arrive()
    arrive()
    transfers.sweep()
    assert [(one.id, one.kind) for one in rows.of_bot(id)] == [(export.id, "export")]
    assert transfers.path(export.id).exists()


def test_however_many_tars_there_are_they_are_looked_through_in_one_question(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CELLAR_KEEP_EXPORTS", "yes")
    settings.cache_clear()
    aged(exported(str(poured()["id"])))
    caplog.set_level(logging.DEBUG, "peewee")

    def asked() -> int:
        caplog.clear()
        transfers.sweep()
        return sum("SELECT" in str(record.msg) for record in caplog.records)

    first = asked()
    for name in ("second", "third"):
        aged(exported(str(poured(name)["id"])))
    assert (asked(), rows.Transfer.select().count()) == (first, 3)


def test_without_that_setting_it_goes_after_a_day() -> None:
    first = exported(str(poured()["id"]))
    aged(first)
    transfers.sweep()
    assert not transfers.path(first).exists()
