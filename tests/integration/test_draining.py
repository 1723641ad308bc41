"""A drained node: its bot moves to another node, never runs on both, and loses nothing."""

import secrets

import pytest
from campaigns import let_go, of_bot, poured, restarted
from daemons import running, until
from ports import free_ports
from salt_daemons import Minion

pytestmark = pytest.mark.slow

NODE, ACCOUNT, NAME = "drained-1", "drained@example.org", f"moves-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def drained(cellar, service, master, minions):
    """The node to drain; cellar-1 and cellar-2 may take its bots."""
    service.manage("node-add", NODE, "--ports", "{}-{}".format(*free_ports(10)))
    minion = Minion(cellar / NODE, NODE, master)
    with running(minion):
        minion.wait()
        yield minion


def test_a_bot_of_a_drained_node_lives_elsewhere_and_is_never_at_two_places(
    cellar, client, master, engine, drained
) -> None:
    (bot,) = poured(client, [NAME], ACCOUNT, NODE)
    code, invite = master.run("bots.invite", NAME, "note=Ann")
    assert code == 0, invite
    before = master.run("bots.restart", NAME)[1]
    code, told = master.run("nodes.drain", NODE)
    assert code == 0, told
    most = 0

    def elsewhere():
        nonlocal most
        most = max(most, sum(container.status == "running" for container in of_bot(engine, bot)))
        found = client.agent(NAME)
        return found if found["node"] != NODE and found["actual"] == "alive" else None

    there = until(elsewhere, 300, "the bot lives at another node")
    assert most == 1
    assert there["node"] in ("cellar-1", "cellar-2")
    assert (there["id"], there["pub_id"]) == (bot, before["pub_id"])
    after = until(lambda: restarted(master, NAME), 60, "the move lets it go on")
    assert (after["pub_id"], after["sequence"]) == (before["pub_id"], before["sequence"])
    assert [one["note"] for one in master.run("bots.invites", NAME)[1]] == ["Ann"]
    until(lambda: not (cellar / NODE / "node" / "bots" / bot).exists(), 180, "what was left behind is gone")
    assert len(of_bot(engine, bot)) == 1
    code, refused = master.run("bots.create", f"{NAME}-too", f"account={ACCOUNT}", f"node={NODE}")
    assert code == 1
    assert "being drained" in refused["error"]
    until(lambda: master.run("nodes.draining", NODE)[1]["left"] == {}, 60, "nothing is left to move")
    assert master.run("nodes.undrain", NODE)[0] == 0
    let_go(client, [bot])
