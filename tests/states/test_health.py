"""What a node reports of real pubs."""

import time

import pytest

from pillar_service.core.bots import health
from pillar_service.core.people.agents import Actual
from pillar_service.node.paths import Home
from pillar_service.node.sampler import Sampler
from pillar_service.node.told import told

KEYS = {
    "bot", "status", "health", "answers", "uptime_s", "disk_bytes", "memory_bytes", "memory_limit_bytes", "rx_bytes",
    "tx_bytes", "restarts", "peers", "follows", "pub_id", "sequence", "version", "at",
}  # fmt: skip


@pytest.fixture
def sample(node):
    sampler = Sampler(node.id, Home(node.data))

    def look():
        return sampler.sample(
            told({"saltcellar": {"node": node.id, "service": node.service, "bots": node.bots}}, node.id)
        )

    return look


def test_reports_a_living_a_stopped_a_missing_and_an_unlisted_bot(node, sample):
    alive, stopped, unlisted = node.add("alive"), node.add("stopped"), node.add("unlisted")
    node.apply()
    node.change(stopped, state="stopped")
    node.apply()
    del node.bots[unlisted]
    missing = node.add("missing")
    node.add("gone", state="absent")

    report = sample()

    assert report["node"] == {"docker": True, "error": None, "unlisted": [f"unlisted-{unlisted}"]}
    by_id = {one["bot"]: one for one in report["bots"]}
    assert {bot: one["status"] for bot, one in by_id.items()} == {
        alive: "running",
        stopped: "exited",
        missing: "missing",
        unlisted: "running",
    }
    assert all(set(one) == KEYS for one in by_id.values())
    assert by_id[alive]["answers"]
    assert by_id[alive]["pub_id"] == node.call("pubs.info", alive)["id"]
    assert by_id[alive]["memory_limit_bytes"] == 128 << 20
    assert 10 << 20 < by_id[alive]["memory_bytes"] < 128 << 20
    assert by_id[alive]["disk_bytes"] > 0
    assert health.reported(by_id[alive]) is Actual.ALIVE
    assert health.reported(by_id[stopped]) is Actual.STOPPED
    assert [one["bot"] for one in node.call("pubs.status")] == [one["bot"] for one in report["bots"]]


def test_memory_and_traffic_are_what_docker_says(node, sample):
    bot = node.add()
    node.apply()
    time.sleep(2)
    stats = node.container(bot).stats(stream=False)
    report = sample()["bots"][0]
    memory = stats["memory_stats"]["usage"] - stats["memory_stats"]["stats"]["total_inactive_file"]
    assert abs(report["memory_bytes"] - memory) < 4 << 20
    assert 0 <= report["rx_bytes"] - stats["networks"]["eth0"]["rx_bytes"] < 10_000


def test_traffic_and_restarts_add_up_over_restarts(node, sample):
    bot = node.add()
    node.apply()
    before = sample()["bots"][0]
    assert before["rx_bytes"] > 0
    node.container(bot).restart(timeout=5)
    after = sample()["bots"][0]
    assert after["rx_bytes"] >= before["rx_bytes"]
    assert after["restarts"] == before["restarts"] + 1
    node.container(bot).restart(timeout=5)
    node.container(bot).remove(force=True)
    node.apply()
    renewed = sample()["bots"][0]
    assert renewed["restarts"] == after["restarts"] + 1  # by the new container; the old one's restart went unseen
    assert renewed["rx_bytes"] >= after["rx_bytes"]
    assert Sampler(node.id, Home(node.data))._counters.totals(bot)["rx_bytes"] == renewed["rx_bytes"]


def test_a_crash_that_docker_mends_is_counted(node, sample):
    bot = node.add()
    node.apply()
    sample()
    node.container(bot).exec_run(["sh", "-c", "kill -9 -1"])
    until = time.monotonic() + 15
    while time.monotonic() < until and not (report := sample()["bots"][0])["restarts"]:
        time.sleep(0.3)
    assert report["restarts"] == 1


def test_several_bots_are_looked_at_in_time(node, sample):
    for number in range(4):
        node.add(f"pub{number}")
    node.apply()
    started = time.monotonic()
    assert len(sample()["bots"]) == 4
    assert time.monotonic() - started < 1.5
