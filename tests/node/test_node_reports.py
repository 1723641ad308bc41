"""Reports: when one is due, that it is kept, and the pillar that goes with it."""

import json
import tempfile
import time
from pathlib import Path

import pytest
from minion_keys import new_key
from wires import BOT

from pillar_service.core.bots.health import EVENT_TYPE
from pillar_service.node import containers
from pillar_service.node.counters import Counters
from pillar_service.node.lastgood import Kept
from pillar_service.node.reporter import Reporter
from pillar_service.node.sampler import Sampler
from pillar_service.node.spool import Place, Spool
from pillar_service.node.told import Told, told


def test_counters_go_on_where_what_they_read_starts_anew(home):
    counters = Counters(home.state)
    first, second = {"rx_bytes": "start 1"}, {"rx_bytes": "start 2"}
    counters.add(BOT, {"rx_bytes": 100}, first)
    assert counters.add(BOT, {"rx_bytes": 150}, first)["rx_bytes"] == 150
    assert counters.add(BOT, {"rx_bytes": 500}, second)["rx_bytes"] == 650
    counters.save({BOT})
    again = Counters(home.state)
    assert again.add(BOT, {"rx_bytes": 510}, second)["rx_bytes"] == 660
    again.save(set())
    assert Counters(home.state).totals(BOT)["rx_bytes"] == 0


def test_each_start_counts_once_whoever_starts_it(home):
    counters, total = Counters(home.state), 0
    for container, started, count, more in (
        ("one", "0001-01-01T00:00:00Z", 0, 0),  # created, but not started yet
        ("one", "10:00", 0, 0),
        ("one", "10:00", 0, 0),
        ("one", "10:05", 3, 3),  # crashed three times between two looks
        ("one", "10:05", 3, 0),
        ("one", "10:20", 0, 1),  # started by somebody
        ("one", "10:30", 0, 1),  # and again, which Docker does not count
        ("one", "10:40", 2, 2),
        ("two", "0001-01-01T00:00:00Z", 0, 0),
        ("two", "11:00", 0, 1),  # another container in its place
        ("six", "12:00", 4, 5),
    ):
        counters.started(BOT, container, started, count)
        counters.save({BOT})
        counters, total = Counters(home.state), total + more
        assert counters.totals(BOT)["restarts"] == total, started


def test_a_count_that_an_older_version_kept_goes_on(home):
    counters = Counters(home.state)
    counters.add(BOT, {"restarts": 3}, {"restarts": "one"})
    counters.started(BOT, "one", "10:00", 3)
    assert counters.totals(BOT)["restarts"] == 3
    counters.started(BOT, "one", "10:10", 0)
    assert counters.totals(BOT)["restarts"] == 4


def test_broken_counters_start_at_nothing(home):
    home.state.mkdir(parents=True)
    (home.state / "counters.json").write_text("{")
    assert Counters(home.state).totals(BOT) == {"rx_bytes": 0, "tx_bytes": 0, "restarts": 0}


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return told({"saltcellar": {"node": "n", "service": {"url": "http://127.0.0.1:9", "token": "t"}, "bots": {}}}, "n")


def test_docker_down_is_reported_at_once_and_then_on_the_heartbeat_only(home, known):
    reporter = Reporter("n", home, home.root)
    [event], why = reporter.tick(known, 60, refresh=list)
    assert why is None
    assert event["data"]["node"]["docker"] is False
    assert "Docker is not answering" in event["data"]["node"]["error"]
    assert reporter.tick(known, 60, refresh=list) == ([], None)
    assert len(reporter.tick(known, 0, refresh=list)[0]) == 1
    first, _ = Spool(home).batch().events
    assert (first.type, first.data) == (EVENT_TYPE, event["data"])
    assert event["id"] == f"n/{first.epoch}/{first.sequence}"


def test_a_report_that_can_not_be_kept_is_still_told_on_the_bus(home, known):
    home.root.mkdir()
    home.state.write_text("a file in the folder's place")
    events, why = Reporter("n", home, home.root).tick(known, 60, refresh=list)
    assert len(events) == 1
    assert "nothing was stored" in why


def test_asks_for_its_pillar_once_a_minute_only(home, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    asked = []
    reporter = Reporter("n", home, home.root)
    for _ in range(3):
        reporter.tick(told({}, "n"), 60, refresh=lambda: asked.append(1))
    assert asked == [1]


def test_the_last_good_pillar_is_kept_for_other_processes(home, known):
    pillar = {"saltcellar": {"node": "n", "service": known.service, "bots": {}}, "more": "is not ours"}
    pki = new_key(home.root / "pki")
    kept, reporter = Kept(home, "n", pki), Reporter("n", home, pki)
    assert kept.told().problem
    reporter.keep(pillar)
    assert kept.told() == known
    for bad in ({}, {"_errors": ["no service"]}, {"saltcellar": {"node": "m", "bots": {}}}):
        reporter.keep(bad)
        assert kept.told() == known
    assert set(kept.pillar()) == {"saltcellar"}
    assert oct((home.state / "pillar.jwt").stat().st_mode & 0o777) == "0o600"
    pillar["saltcellar"]["service"] = {"url": "http://127.0.0.1:10", "token": "t"}
    reporter.keep(pillar)
    assert kept.told().service["url"] == "http://127.0.0.1:10"


def pillar(node="n", **more):
    return {"saltcellar": {"node": node, "service": {"url": "http://127.0.0.1:9", "token": "t"}, "bots": {}} | more}


def test_an_old_copy_of_the_pillar_never_takes_the_place_of_a_newer_one(home):
    pki = new_key(home.root / "pki")
    stale = pillar(stale={"since": 1, "reason": "the service is away"})
    assert Kept(home, "n", pki).keep(stale)
    assert Kept(home, "n", pki).keep(pillar())
    assert not Kept(home, "n", pki).keep(stale)
    assert Kept(home, "n", pki).told().notice is None


@pytest.mark.parametrize("what", ["another key", "another node", "written by hand"])
def test_a_pillar_that_this_node_did_not_seal_is_none(home, what):
    pki = new_key(home.root / "pki")
    Kept(home, "n", pki).keep(pillar())
    if what == "another key":
        new_key(pki, 1)
    elif what == "another node":
        Kept(home, "m", pki).keep(pillar("m"))
    else:
        (home.state / "pillar.jwt").write_text(json.dumps(pillar()))
    kept = Kept(home, "n", pki)
    assert (kept.pillar(), kept.told().problem) == ({}, "This node (n) has no pillar yet.")


def test_a_node_with_very_many_bots_tells_of_all_of_them(home, known, monkeypatch):
    told = [
        {"bot": f"{n:016x}", "status": "running", "health": "none", "answers": False, "x": "x" * 400}
        for n in range(1000)
    ]
    node = {"docker": True, "error": None, "unlisted": []}
    reporter = Reporter("n", home, home.root)
    monkeypatch.setattr(reporter._sampler, "sample", lambda *_: {"node": node, "bots": told})
    events, why = reporter.tick(known, 60, refresh=list)
    assert why is None
    spool, kept = Spool(home), []
    while waiting := spool.batch().events:
        kept += [one.data for one in waiting]
        spool.settle([Place(one.epoch, one.sequence) for one in waiting], {})
    for found in ([event["data"] for event in events], kept):
        assert [bot["bot"] for data in found for bot in data["bots"]] == [bot["bot"] for bot in told]
        assert all(data["node"] == node for data in found)


def test_a_clock_that_is_put_back_lets_no_bot_wait_for_the_others(home, listen, monkeypatch):
    bots = [f"{n:016x}" for n in range(4)]
    state = {"Status": "exited", "Running": False, "StartedAt": "2026-11-30T12:00:00Z", "Pid": 0}
    inspected = {"Id": "c", "State": state, "RestartCount": 0, "HostConfig": {"Memory": 0}}
    listed = [{"Id": bot, "Names": [f"/my-{bot}"], "Labels": {containers.BOT_LABEL: bot}} for bot in bots]

    def slow(connection):
        path = connection.recv(65536).decode().split(" ")[1].partition("?")[0].removeprefix("/v1.41")
        told = {"/version": {"ApiVersion": "1.41"}, "/containers/json": listed}.get(path, inspected)
        time.sleep(0.1 if told is inspected else 0.0)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(told).encode())

    with tempfile.TemporaryDirectory(prefix="engine-") as short:  # a socket's path may have only 108 bytes
        listen(Path(short) / "docker.sock", slow)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        sampler = Sampler("n", home, keep=False)
        sampler.sample(Told(), 5.0)
        then = int(time.time()) - 3600
        monkeypatch.setattr(time, "time", lambda: then)
        for _ in range(8):
            told = sampler.sample(Told(), 0.15)["bots"]
    assert [(bot["status"], bot["at"]) for bot in told] == [("exited", then)] * 4
