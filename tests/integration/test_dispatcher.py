"""The dispatcher on a real master: it publishes jobs and brings everything back. test_kill.py kills it."""

import signal
import time

import pytest
from daemons import until

from pillar_service.core.jobs import outcomes
from pillar_service.core.jobs.jobs import OVER


@pytest.fixture(scope="module")
def bot(client, cellar_1):
    """A living bot on cellar-1."""
    client.create_agent({"type": "person", "email": "jobs@example.org"})
    made = client.create_agent({"type": "bot", "name": "jobs", "account": "jobs@example.org", "node": "cellar-1"})
    job = over(client, made["job"]["id"], 90)
    assert job["state"] == "succeeded", job["error"]
    yield made["agent"]["id"]
    over(client, client.delete_agent(made["agent"]["id"], purge=True)["job"]["id"], 90)


def over(client, job, seconds=60):
    """Waits until the job is over, and returns it."""
    return until(lambda: found if (found := client.job(job)[0])["state"] in OVER else None, seconds, f"{job} ends")


def test_lines_and_result_come_back(client, bot):
    job = client.change_agent(bot, {"desired": "running"})["job"]["id"]
    ended = over(client, job)
    assert ended["state"] == "succeeded", ended["error"]
    assert ended["result"]["pub_id"].endswith(".ed25519")
    lines = [line["text"] for line in client.job(job)[1]]
    assert any(line.startswith("alive: ok") for line in lines), lines
    assert len(lines) == len(set(lines))


def test_lines_come_while_the_run_goes_on(client, cellar_1, bot):
    told = {"type": "bot", "name": "telling", "account": "jobs@example.org", "node": "cellar-1"}
    made = client.create_agent(told)
    assert over(client, made["job"]["id"], 90)["state"] == "succeeded"
    came = {line["text"].partition(".")[0]: line["at"] for line in client.job(made["job"]["id"])[1]}
    assert list(came) == ["dir: ok, changed", "config: ok, changed", "container: ok, changed", "alive: ok"]
    # In between, Docker starts a container and the pub reads its log. At the end of the run, all would come together.
    assert came["alive: ok"] - came["dir: ok, changed"] > 0.5
    over(client, client.delete_agent(made["agent"]["id"], purge=True)["job"]["id"], 90)


@pytest.mark.slow
def test_a_job_looks_at_its_own_bot_alone(client, master, cellar_1, bot):
    told = {"type": "bot", "name": "beside", "account": "jobs@example.org", "node": "cellar-1"}
    other = client.create_agent(told)
    assert over(client, other["job"]["id"], 90)["state"] == "succeeded"
    spoiled = cellar_1.folder / "node" / "configs" / f"{other['agent']['id']}.json"
    spoiled.write_text("{}")

    job = client.change_agent(bot, {"desired": "running"})["job"]["id"]

    assert over(client, job)["state"] == "succeeded"
    assert spoiled.read_text() == "{}"
    states = master.salt("cellar-1", "state.apply", "pubs", "queue=10")
    assert {outcomes.owner(state["__id__"]) for state in states.values()} >= {bot, other["agent"]["id"]}
    assert all(state["result"] for state in states.values()), states
    assert spoiled.read_text() != "{}"
    over(client, client.delete_agent(other["agent"]["id"], purge=True)["job"]["id"], 90)


@pytest.mark.slow
def test_a_result_that_came_while_the_service_was_away_is_delivered(client, service, bot):
    job = client.submit("bots.restart", bot, {})["id"]
    until(lambda: client.job(job)[0]["state"] == "running", 10, "it runs")
    service.kill()
    time.sleep(8)
    service.start()
    assert over(client, job)["state"] == "succeeded"


@pytest.mark.slow
def test_a_node_that_is_away_is_said_so(client, cellar_2):
    client.create_agent({"type": "person", "email": "away@example.org"})
    cellar_2.signal(signal.SIGSTOP)
    try:
        told = {"type": "bot", "name": "away", "account": "away@example.org", "node": "cellar-2"}
        made = client.create_agent(told)
        told = until(lambda: client.job(made["job"]["id"])[0]["error"], 60, "it is said that the node is away")
        assert "away" in told
    finally:
        cellar_2.signal(signal.SIGCONT)
    assert over(client, made["job"]["id"], 120)["state"] == "succeeded"
    over(client, client.delete_agent(made["agent"]["id"], purge=True)["job"]["id"], 90)
