"""How the service is doing, and the fleet over time, from what is really in the database."""

import time

import pytest
from pouring import answer, bot, event, owner, poured, report

from pillar_service.core.errors import Invalid
from pillar_service.store import database
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.jobs import jobs as job_rows
from pillar_service.store.nodes import fleet as fleet_rows
from pillar_service.store.service import masters as master_rows
from pillar_service.usecases.bots import health
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import fleet, nodes
from pillar_service.usecases.service import masters, overview

pytestmark = pytest.mark.usefixtures("service", "person")


@pytest.fixture
def person(service: None) -> str:
    return owner()


def test_the_service_knows_its_database_and_its_disks() -> None:
    told = overview.service()
    assert told["database"] == ("SQLite" if database.on_sqlite() else "PostgreSQL")
    assert told["database_bytes"] > 50_000
    assert told["files_free_bytes"] > 0
    assert (told["database_free_bytes"] is not None) == database.on_sqlite()
    assert 0 <= told["uptime_s"] < 86_400
    assert told["version"]


def test_the_queue_counts_what_is_open_and_what_ended() -> None:
    assert overview.queue() == {
        "open": {"asked": 0, "claimed": 0, "queued": 0, "running": 0},
        "oldest_s": None,
        "last_hour": {"cancelled": 0, "failed": 0, "lost": 0, "succeeded": 0, "timed_out": 0},
    }
    poured()
    bot("late")
    jobs.cancel("test", jobs.submit("test", "bots.restart", "my")["job"]["id"])
    told = overview.queue()
    assert told["open"] == {"asked": 0, "claimed": 0, "queued": 1, "running": 0}
    assert 0 <= told["oldest_s"] < 60
    assert (told["last_hour"]["succeeded"], told["last_hour"]["cancelled"]) == (1, 1)
    with database.transaction():
        for job in jobs.listed():
            if job["ended_at"]:
                job_rows.move(job["id"], job["state"], job["state"], ended_at=time.time() - 3700)
    assert sum(overview.queue()["last_hour"].values()) == 0


def test_masters_are_shown_with_what_they_hold() -> None:
    masters.new_token("test", "salt")
    masters.new_token("test", "idle")
    bot()
    [run] = claims.claim("salt")["runs"]
    told = overview.masters()
    assert [(one["name"], one["held"]) for one in told["masters"]] == [("idle", 0), ("salt", 1)]
    assert told["masters"][0]["claimed_at"] is None
    assert told["masters"][1]["claimed_at"] is not None
    [shown] = told["runs"]
    assert (shown["id"], shown["master"], shown["state"], shown["is_expired"]) == (run["id"], "salt", "claimed", False)
    assert "token" not in str(told)
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, {"x": 1})
    assert overview.masters()["runs"] == []


def test_a_master_is_seen_now_and_then() -> None:
    masters.new_token("test", "salt")
    masters.seen("salt")
    first = overview.masters()["masters"][0]["seen_at"]
    assert time.time() - first < 10
    masters.seen("salt")
    assert overview.masters()["masters"][0]["seen_at"] == first
    with database.transaction():
        master_rows.seen("salt", first - masters.SEEN_EVERY_S - 1)
    masters.seen("salt")
    assert overview.masters()["masters"][0]["seen_at"] >= first


def test_a_report_counts_the_bots_once_in_a_quarter_of_an_hour() -> None:
    id = poured()["id"]
    bot("late")
    silent = poured("old")["id"]
    with database.transaction():
        bot_rows.change(silent, reported_at=time.time() - 600)
    health.take("cellar-1", [event(report(id))])
    now = time.time()
    at = int(now // 900) * 900
    first = {state: count for _, state, count in fleet_rows.counts([at, at + 900])}
    assert sum(first.values()) == 3
    assert first["lost"] == 1
    assert first["alive"] >= 1
    bot("later")
    health.take("cellar-1", [event(report(id), n=2)])
    if int(time.time() // 900) * 900 == at:
        assert sum(count for _, _, count in fleet_rows.counts([at])) == 3


def test_the_fleet_over_time_has_gaps_where_nothing_was_counted() -> None:
    now = time.time()
    at = int(now // 900) * 900
    poured()
    with database.transaction():
        for when in {at, at - 1800, at // 7200 * 7200, at // 28800 * 28800}:
            fleet_rows.FleetCount.create(at=when, actual="alive", bots=7)
    told = fleet.over_time(1)
    assert len(told["bots"]) == 96
    known = {at, at - 1800, at // 7200 * 7200, at // 28800 * 28800}
    assert {moment["at"] for moment in told["bots"] if moment["counts"] == {"alive": 7}} == known
    assert {str(moment["counts"]) for moment in told["bots"] if moment["at"] not in known} == {"None"}
    assert told["bots"][-1]["at"] == at
    assert len(told["jobs"]) == 24
    assert told["jobs"][-1]["counts"] == {"succeeded": 1}
    assert told["jobs"][-2]["counts"] == {}
    for days, bars in ((7, (84, 28)), (30, (90, 30))):
        longer = fleet.over_time(days)
        assert (len(longer["bots"]), len(longer["jobs"])) == bars
        assert sum(sum(moment["counts"].values()) for moment in longer["jobs"]) == 1
        assert longer["bots"][-1]["counts"] == {"alive": 7}
        assert {str(moment["counts"]) for moment in longer["bots"][:-5]} == {"None"}


@pytest.mark.parametrize("wrong", [0, 2, 31, "x", None, True, 1.5])
def test_there_are_charts_of_known_spans_alone(wrong: object) -> None:
    with pytest.raises(Invalid):
        fleet.over_time(wrong)


def test_counts_of_long_ago_are_forgotten() -> None:
    now = time.time()
    at = int(now // 900) * 900
    poured()
    with database.transaction():
        for when in (at - fleet.KEPT_S - 900, at - fleet.KEPT_S):
            fleet_rows.FleetCount.create(at=when, actual="alive", bots=1)
        fleet.note(now)
    assert [row.at for row in fleet_rows.FleetCount.select().order_by(fleet_rows.FleetCount.at)] == [
        at - fleet.KEPT_S,
        at,
    ]


def test_each_node_carries_what_its_bots_report() -> None:
    nodes.add("test", "cellar-2", 30000, 30010)
    mine = poured()["id"]
    bot("theirs", node="cellar-2", memory_mb=512)
    health.take("cellar-1", [event(report(mine, memory_bytes=100, disk_bytes=200))])
    assert fleet.carried() == [
        {"node": "cellar-1", "bots": 1, "memory_bytes": 100, "limit_bytes": 256 << 20, "disk_bytes": 200},
        {"node": "cellar-2", "bots": 1, "memory_bytes": 0, "limit_bytes": 512 << 20, "disk_bytes": 0},
    ]
