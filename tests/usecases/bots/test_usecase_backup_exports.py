"""Living bots are exported into the backups from time to time, one at a time per node; only the newest tar is kept."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from backing_up import kept_in
from lost_nodes import three_nodes
from pouring import PUB, answer, bot, carry_out, event, report, tar

from pillar_service.core.durations import DAY_S
from pillar_service.core.people.agents import Desired
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.bots import transfers as rows
from pillar_service.store.jobs.jobs import Job
from pillar_service.usecases.bots import backup_exports, bots, health, transfers
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import node_terms

HOUR = 3600.0


@pytest.fixture
def places(service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Backups are configured; two bots live on cellar-1, one on cellar-2."""
    kept_in(str(tmp_path / "repository"), tmp_path, service, monkeypatch)
    three_nodes()
    for name in ("one", "two"):
        bot(name)
    carry_out()
    node_terms.limit("test", "cellar-2", None)
    bot("three", node="cellar-2")
    carry_out(node="cellar-2")
    for name, node in (("one", "cellar-1"), ("two", "cellar-1"), ("three", "cellar-2")):
        heard(name, node)
    return service


def heard(name: str, node: str, now: float | None = None) -> None:
    health.take(node, [event(report(bots.show(name)["id"], at=now or time.time()), n=len(name), node=node)])


def asked() -> list[str]:
    """The names of the bots whose exports are waiting or running."""
    return sorted(
        one["bot_name"] for one in jobs.listed() if one["command"] == "bots.export" and one["ended_at"] is None
    )


def carried_out(works: bool = True) -> None:
    """Let the nodes do what they were asked for."""
    for run in claims.claim("salt")["runs"]:
        runs.started("salt", run["id"], f"jid-{run['id']}")
        [job] = [one for one in jobs.listed() if one["state"] == "running" and one["node"] == run["node"]]
        if works:
            transfers.deliver(run["node"], job["id"], tar())
        answer(run, {"pub_id": PUB, "sequence": 3} if works else "no room", success=works)


def test_each_bot_that_lives_is_exported_one_at_a_time_on_a_node_and_its_tar_kept(places: Callable[[], None]) -> None:
    assert backup_exports.ask_due() == 2
    assert asked() == ["one", "three"] or asked() == ["three", "two"]
    assert backup_exports.ask_due() == 0, "twice does no harm"
    carried_out()
    assert backup_exports.ask_due() == 1
    carried_out()
    assert backup_exports.ask_due() == 0, "all are done"
    old = time.time() - 2 * DAY_S
    rows.Transfer.update(created_at=old).execute()
    transfers.sweep()
    assert rows.Transfer.select().count() == 3, "kept until the next, not for a day"


def test_it_is_due_again_after_so_many_days_and_after_some_hours_when_it_failed(places: Callable[[], None]) -> None:
    now = time.time()
    assert backup_exports.ask_due() == 2
    carried_out(works=False)
    assert backup_exports.ask_due() == 1, "the other on cellar-1"
    carried_out()
    later = now + 6.1 * HOUR
    for name in ("one", "two", "three"):
        bot_rows.change(bots.show(name)["id"], reported_at=later)
    assert backup_exports.ask_due(now + 5.9 * HOUR) == 0
    assert backup_exports.ask_due(later) == 2, "what failed, not what worked"
    carried_out()
    week = now + 7.1 * DAY_S
    for name in ("one", "two", "three"):
        bot_rows.change(bots.show(name)["id"], reported_at=week)
    assert backup_exports.ask_due(week) == 2


def test_it_is_due_again_after_a_clock_that_was_ahead_is_right(places: Callable[[], None]) -> None:
    assert backup_exports.ask_due() == 2
    carried_out()
    assert backup_exports.ask_due() == 1
    carried_out()
    Job.update(created_at=Job.created_at + 365 * DAY_S).execute()
    assert backup_exports.ask_due() == 2


def test_who_is_stopped_or_silent_or_gone_is_left_alone(places: Callable[[], None]) -> None:
    bots.desire("test", "one", Desired.STOPPED)
    bots.delete("test", "two", False)
    bot_rows.change(bots.show("three")["id"], reported_at=time.time() - 3600)
    assert backup_exports.ask_due() == 0


@pytest.mark.parametrize("name", ["CELLAR_BACKUP_BOTS_DAYS", "CELLAR_BACKUP_REPOSITORY"])
def test_without_backups_of_bots_none_is_stopped(
    places: Callable[[], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0" if name.endswith("DAYS") else "")
    places()
    assert backup_exports.ask_due() == 0
