"""A lost node: its bot is restored elsewhere, and when the node comes back it does not run the old one."""

import secrets

import pytest
from campaigns import let_go, of_bot, poured, restarted, succeeded, within
from daemons import running, until
from ports import free_ports
from salt_daemons import Minion

pytestmark = pytest.mark.slow

NODE, ACCOUNT, NAME = "lost-1", "lost@example.org", f"restored-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def lost(cellar, service, master, minions):
    """The node that will be lost, whose key the service knows; cellar-1 and cellar-2 may take its bots."""
    service.manage("node-add", NODE, "--ports", "{}-{}".format(*free_ports(10)))
    minion = Minion(cellar / NODE, NODE, master)
    let_in(service, minion)
    with running(minion):
        minion.wait()
        yield minion


def let_in(service, minion) -> None:
    service.manage("node-key", NODE, str(minion.folder / "pki" / "minion.pub"))


def running_there(engine, minion) -> list[str]:
    """The names of the containers that run on the node."""
    return [one.name for one in within(engine, minion.folder) if one.status == "running"]


def loses_its_power(engine, minion) -> None:
    minion.kill()
    for container in within(engine, minion.folder):
        container.kill()
    assert running_there(engine, minion) == []


def told(master, function: str, *arguments: str):
    """Runs a runner and returns its result."""
    code, answer = master.run(function, *arguments)
    assert code == 0, answer
    return answer


def test_a_bot_of_a_lost_node_is_restored_and_the_old_one_never_runs_again(
    cellar, client, service, master, engine, lost
) -> None:
    (bot,) = poured(client, [NAME], ACCOUNT, NODE)
    told(master, "bots.invite", NAME, "note=Ann")
    kept = succeeded(client, client.submit("bots.export", bot, {}))["result"]
    pub_id = client.agent(NAME)["pub_id"]
    loses_its_power(engine, lost)

    code, refused = master.run("bots.restore", NAME)
    assert (code, "was not declared lost" in refused["error"]) == (1, True), refused
    code, refused = master.run("nodes.lost", NODE)
    assert (code, "seems to be alive" in refused["error"]) == (1, True), refused
    assert told(master, "nodes.lost", NODE, "anyway=True")["key"]["state"] == "revoked"
    shown = client.agent(NAME)
    assert (shown["actual"], "restore the bot on another node" in shown["detail"]) == ("lost", True)
    until(lambda: not (master.keys / "minions" / NODE).exists(), 30, "the master refuses the node")

    there = told(master, "bots.restore", NAME)
    assert there["node"] in ("cellar-1", "cellar-2")
    assert (there["actual"], there["id"], there["pub_id"]) == ("alive", bot, pub_id)
    assert sum(one.status == "running" for one in of_bot(engine, bot)) == 1
    now = until(lambda: restarted(master, NAME), 60, "it is let go on")
    assert (now["pub_id"], now["sequence"]) == (pub_id, kept["sequence"])
    assert [one["note"] for one in told(master, "bots.invites", NAME)] == ["Ann"]

    lost.start()
    until(lambda: "has rejected this minion" in (lost.folder / "salt.log").read_text(), 60, "its old key is refused")
    assert running_there(engine, lost) == []
    lost.kill()
    let_in(service, lost)
    until(lambda: (master.keys / "minions" / NODE).exists(), 30, "the master accepts the node again")
    lost.start()

    def cleared_up() -> bool:
        assert running_there(engine, lost) == []
        return not (cellar / NODE / "node" / "bots" / bot).exists()

    until(cleared_up, 120, "what the bot left behind is gone")
    assert within(engine, lost.folder) == []
    assert [one.status for one in of_bot(engine, bot)] == ["running"]
    assert client.agent(NAME)["actual"] == "alive"
    let_go(client, [bot])
