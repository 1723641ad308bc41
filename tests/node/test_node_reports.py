"""Reports: when one is due, how it waits, that it arrives once and in order."""

import json
import time

import pytest
from wires import BOT, PUB

from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.node.counters import Counters
from pillar_service.node.lastgood import Kept
from pillar_service.node.outbox import LARGEST, Outbox
from pillar_service.node.reporter import Reporter
from pillar_service.node.told import Told, told


def event(number):
    return {"specversion": "1.0", "id": f"n/1/{number}", "type": "t", "source": "n", "data": {}}


def fill(outbox, count):
    for number in range(count):
        outbox.add(event(number), f"{1:012d}-{number:09d}")


def test_delivers_in_order_with_the_token_and_forgets(home, service):
    outbox = Outbox(home.state)
    fill(outbox, 45)
    outbox.deliver(service.told, 5)
    assert [one["id"] for _, _, body in service.asked for one in body] == [f"n/1/{number}" for number in range(45)]
    path, headers, _ = service.asked[0]
    assert path == "/events"
    assert headers["Authorization"] == "Bearer node:secret"
    assert headers["Content-Type"] == "application/cloudevents-batch+json"
    assert len(outbox) == 0


def test_keeps_the_newest_while_the_service_is_away(home):
    outbox = Outbox(home.state)
    fill(outbox, LARGEST + 5)
    away = {"url": "http://127.0.0.1:9", "token": "t"}
    with pytest.raises(SaltcellarError, match="does not answer"):
        outbox.deliver(away, 1)
    assert len(outbox) == LARGEST
    outbox.deliver(away, 1)  # not before the pause is over
    assert json.loads(min(home.state.iterdir()).read_text())["id"] == "n/1/5"


def test_what_waits_survives_a_restart(home, service):
    fill(Outbox(home.state), 3)
    Outbox(home.state).deliver(service.told, 5)
    assert [one["id"] for _, _, body in service.asked for one in body] == ["n/1/0", "n/1/1", "n/1/2"]


def test_what_is_refused_is_not_sent_again(home, service):
    service.answer = lambda batch: (
        202,
        {"accepted": [], "refused": [{"id": one["id"], "reason": "no"} for one in batch]},
    )
    outbox = Outbox(home.state)
    fill(outbox, 2)
    outbox.deliver(service.told, 5)
    assert len(outbox) == 0


def test_what_is_neither_stored_nor_refused_stays(home, service):
    service.answer = lambda batch: (202, {"accepted": ["another"], "refused": []})
    outbox = Outbox(home.state)
    fill(outbox, 2)
    with pytest.raises(SaltcellarError, match="stored none"):
        outbox.deliver(service.told, 5)
    assert len(outbox) == 2


def test_a_service_in_trouble_is_left_in_peace_for_a_while(home, service):
    service.answer = lambda _: (503, {"detail": "Later."})
    outbox = Outbox(home.state)
    fill(outbox, 2)
    with pytest.raises(SaltcellarError, match="Later"):
        outbox.deliver(service.told, 5)
    outbox.deliver(service.told, 5)
    assert len(service.asked) == 1


def test_a_hanging_service_takes_no_longer_than_allowed(home, service):
    service.answer = lambda _: time.sleep(3) or (202, {})
    outbox = Outbox(home.state)
    fill(outbox, 1)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        outbox.deliver(service.told, 0.5)
    assert time.monotonic() - started < 1


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


def test_broken_counters_start_at_nothing(home):
    home.state.mkdir(parents=True)
    (home.state / "counters.json").write_text("{")
    assert Counters(home.state).totals(BOT) == {"rx_bytes": 0, "tx_bytes": 0, "restarts": 0}


def test_docker_down_is_reported_at_once_and_then_on_the_heartbeat_only(home, service, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    known = told({"saltcellar": {"node": "n", "service": service.told, "bots": {}}}, "n")
    reporter = Reporter("n", home)
    events, away = reporter.tick(known, 60, refresh=list)
    assert away is None
    assert events[0]["data"]["node"]["docker"] is False
    assert "Docker is not answering" in events[0]["data"]["node"]["error"]
    assert service.asked[0][2] == events
    assert reporter.tick(known, 60, refresh=list) == ([], None)
    assert len(reporter.tick(known, 0, refresh=list)[0]) == 1
    assert events[0]["source"] == "n"
    assert events[0]["id"].startswith("n/")


def test_asks_for_its_pillar_once_a_minute_only(home, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    asked = []
    reporter = Reporter("n", home)
    for _ in range(3):
        reporter.tick(told({}, "n"), 60, refresh=lambda: asked.append(1))
    assert asked == [1]
    assert PUB


def test_a_token_that_is_no_longer_taken_asks_for_a_new_pillar(home, service):
    service.answer = lambda _: (401, {"detail": "Unknown."})
    asked = []
    reporter = Reporter("n", home)
    for _ in range(2):
        assert "401" in (reporter.tick(Told(service=service.told), 0, lambda: asked.append(1))[1] or "401")
    assert asked == [1]


def test_the_last_good_pillar_is_kept_for_other_processes(home, service):
    pillar = {"saltcellar": {"node": "n", "service": service.told, "bots": {}}, "more": "is not ours"}
    kept, reporter = Kept(home, "n"), Reporter("n", home)
    assert kept.told().problem
    reporter.keep(pillar)
    assert kept.told() == told(pillar, "n")
    for bad in ({}, {"_errors": ["no service"]}, {"saltcellar": {"node": "m", "bots": {}}}):
        reporter.keep(bad)
        assert kept.told() == told(pillar, "n")
    assert "is not ours" not in (home.state / "pillar.json").read_text()
    assert oct((home.state / "pillar.json").stat().st_mode & 0o777) == "0o600"
    pillar["saltcellar"]["service"] = {"url": "http://127.0.0.1:10", "token": "t"}
    reporter.keep(pillar)
    assert kept.told().service["url"] == "http://127.0.0.1:10"


def test_a_disk_that_takes_no_pillar_costs_nothing_else(home, service):
    home.root.mkdir()
    home.state.write_text("a file in the folder's place")
    Reporter("n", home).keep({"saltcellar": {"node": "n", "service": service.told, "bots": {}}})
