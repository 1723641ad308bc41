"""Commands of the catalogue on real nodes: asked for at the master, run by the executor, reported line by line."""

import time

import pytest
from daemons import until

from pillar_service.core.jobs.jobs import OVER


@pytest.fixture(scope="module")
def nodes(service, minions, master):
    """Both nodes, which have told their capacities."""
    for node in minions:
        assert master.salt(node, "meeseeks.capacities")["has"]
    return sorted(minions)


def run(client, command, selector="", **arguments):
    return client.run({"command": command, "arguments": arguments, "selector": selector})


def over(client, job, seconds=60):
    """What the service knows of a job once it is over."""
    return until(
        lambda: told if (told := client.command_job(job["id"]))["job"]["state"] in OVER else None, seconds, "it ends"
    )


def texts(told):
    return [(line["place"], line["text"]) for line in told["lines"]]


def test_one_command_runs_on_all_nodes_and_each_tells_its_lines(client, nodes):
    told = over(client, run(client, "say", text="hello $(id) ; `id`"))
    assert told["job"]["state"] == "succeeded", [part["error"] for part in told["parts"]]
    assert told["job"]["result"]["expected"] == told["job"]["result"]["answered"] == nodes
    assert texts(told) == [(node, "hello $(id) ; `id`") for node in nodes]


def test_salt_run_shows_it_to_its_end(master, nodes):
    code, told = master.run("meeseeks.run", "say", "text=hi", "selector=node=cellar-2")
    assert code == 0, told
    assert told["result"]["state"] == "done"
    code, told = master.run("meeseeks.run", "fail", "selector=node=cellar-2")
    assert code == 1, told
    assert "exit code 1" in told["error"], told
    code, told = master.run("meeseeks.run", "say", "text=hi", "preview=True")
    assert (code, told["nodes"]) == (0, nodes)


def test_what_fails_on_one_node_is_told_of_that_node(client, nodes):
    told = over(client, run(client, "fail"))
    assert told["job"]["state"] == "failed"
    assert told["job"]["result"]["failed"] == nodes
    assert "failed on cellar-1, cellar-2" in told["job"]["error"]


def test_ten_thousand_lines_come_in_order_and_once(client, nodes):
    told = over(client, run(client, "count", "node=cellar-1", to=10_000), 90)
    assert told["job"]["state"] == "succeeded", told["job"]["error"]
    lines, after = [], 0
    while page := client.command_job(told["job"]["id"], after=after)["lines"]:
        lines += [line["text"] for line in page]
        after = page[-1]["n"]
    assert lines == [str(n) for n in range(1, 10_001)]


def test_a_time_limit_ends_it(client, nodes):
    began = time.monotonic()
    told = over(client, run(client, "short-nap", "node=cellar-1"))
    assert told["job"]["state"] == "failed"
    assert told["job"]["result"]["state"] == "timed_out"
    assert time.monotonic() - began < 30


def test_a_job_that_runs_is_killed_on_its_node(client, nodes, master):
    job = run(client, "nap", "node=cellar-2")
    until(lambda: master.salt("cellar-2", "meeseeks.jobs"), 20, "it runs")
    assert client.kill(job["id"], force=False)
    told = over(client, job)
    assert (told["job"]["state"], told["job"]["result"]["state"]) == ("failed", "killed")
    assert master.salt("cellar-2", "meeseeks.jobs") == []


def test_a_secret_reaches_the_program_and_stands_nowhere(client, nodes, service, cellar):
    told = over(client, run(client, "log-in", "node=cellar-1", password="hunter2-canary"))
    assert told["job"]["state"] == "succeeded", told["job"]["error"]
    assert texts(told) == [("cellar-1", "in with (hidden)")]
    found = [
        str(file)
        for file in cellar.rglob("*")
        if file.is_file() and not file.is_socket() and b"hunter2-canary" in file.read_bytes()
    ]
    assert found == []


def test_what_no_node_can_run_is_refused_before_it_is_a_job(master, nodes):
    code, told = master.run("meeseeks.run", "only-here")
    assert code == 1, told
    assert "no-such-program" in told["error"]


def test_a_runner_runs_on_the_master(client, nodes):
    told = over(client, run(client, "list-bots"))
    assert told["job"]["state"] == "succeeded", told["job"]["error"]
    assert isinstance(told["job"]["result"], list)


def test_a_job_waits_for_a_node_that_is_away_and_runs_when_it_is_back(client, minions, nodes):
    minions["cellar-2"].kill()
    job = run(client, "say", "node=cellar-2", text="late")
    time.sleep(3)
    assert client.command_job(job["id"])["job"]["state"] not in OVER
    minions["cellar-2"].start()
    minions["cellar-2"].wait()
    told = over(client, job, 90)
    assert told["job"]["state"] == "succeeded", told["job"]["error"]
    assert texts(told) == [("cellar-2", "late")]


def test_what_a_node_is_not_told_of_it_does_not_run(master, nodes):
    said = master.salt("cellar-1", "meeseeks.run", "0123456789abcdef", "1", "rm-all", "{}")
    assert "rm-all" in str(said)
    assert "done" not in str(said)


def test_labels_choose_nodes_and_become_grains_that_nobody_believes(client, master, nodes):
    code, told = master.run("nodes.label", "cellar-1", "environment=prd", "app=pub")
    assert (code, told["labels"]) == (0, {"environment": "prd", "app": "pub"})
    told = over(client, run(client, "say", "environment=prd,app in (pub,web),!gpu", text="here"))
    assert texts(told) == [("cellar-1", "here")]
    assert master.salt("cellar-1", "state.apply", "meeseeks")
    until(lambda: master.salt("cellar-1", "grains.get", "labels:environment") == "prd", 30, "labels are grains")
    master.salt("cellar-2", "grains.setval", "labels", "{'environment': 'prd', 'app': 'pub'}")
    told = over(client, run(client, "say", "environment=prd", text="still here alone"))
    assert texts(told) == [("cellar-1", "still here alone")]
    code, told = master.run("nodes.label", "cellar-1", "environment", "app")
    assert (code, told["labels"]) == (0, {})


def test_who_may_and_why(master, nodes):
    master.run("nodes.label", "cellar-1", "environment=tests")
    code, told = master.run("meeseeks.can", "T01ABC/U01ABC", "say text=hi")
    assert (code, told["allowed"], told["nodes"]) == (0, True, ["cellar-1"])
    code, told = master.run("meeseeks.can", "T02ABC/U01ABC", "say text=hi")
    assert (code, told["allowed"], told["nodes"]) == (0, False, [])
    assert "No role names you" in told["why"][0]
