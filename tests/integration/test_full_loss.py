"""The control plane is lost and restored by one command; the bot on its node keeps running and can be operated again."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaigns import lives, poured, succeeded, swept
from control_plane import ControlPlane
from daemons import running, until
from ports import free_ports
from salt_daemons import Minion

pytestmark = pytest.mark.campaign

NODE, ACCOUNT, NAME = "far-1", "kept@example.org", f"kept-{secrets.token_hex(3)}"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of everything here; its name is short, as sockets' paths are limited. Removes its containers at the end."""
    folder = tmp_path_factory.mktemp("l")
    with swept(folder):
        yield folder


@pytest.fixture(scope="module")
def plane(places: Path) -> Iterator[ControlPlane]:
    password = places / "password"
    password.write_text("only for tests\n")
    password.chmod(0o600)
    with running(ControlPlane(places / "plane", places / "repository", password)) as plane:
        yield plane


@pytest.fixture(scope="module")
def far(places: Path, plane: ControlPlane) -> Iterator[Minion]:
    """A node elsewhere: nothing of it is in the control plane's folder."""
    plane.manage("node-add", NODE, "--ports", "{}-{}".format(*free_ports(10)))
    minion = Minion(places / NODE, NODE, plane)
    plane.manage("node-key", NODE, str(minion.folder / "pki" / "minion.pub"))
    with running(minion):
        until(lambda: plane.salt(NODE, "test.ping"), 90, f"{NODE} answers")
        yield minion


def test_a_control_plane_that_was_lost_whole_is_restored_by_one_command(places, plane, far, engine) -> None:
    (bot,) = poured(plane.client(), [NAME], ACCOUNT, NODE)
    pub_id = plane.client().agent(NAME)["pub_id"]
    made = plane.run("backups.now")
    assert made["state"] == "succeeded", made
    asked_since = plane.client().submit("bots.invite", bot, {"note": "after the snapshot"})
    succeeded(plane.client(), asked_since)
    was = lives(engine, [bot])
    key = (plane.keys / "saltcellar.pub").read_text()
    refused = plane.script("restore.sh", places / "repository", places / "password")
    assert (refused.returncode, "never replaces a running one" in refused.stderr) == (1, True), refused

    plane.lose()
    assert lives(engine, [bot]) == was
    assert was[bot][0][2] == "running"
    done = plane.script("restore.sh", places / "repository", places / "password")
    assert done.returncode == 0, done.stdout + done.stderr

    assert (plane.keys / "saltcellar.pub").read_text() == key
    assert oct((plane.keys / "saltcellar.pem").stat().st_mode)[-3:] == "400"
    assert oct(plane.folder.parent.stat().st_mode)[-3:] == "700", "what lies above was left alone"
    client = plane.client()
    until(lambda: plane.salt(NODE, "test.ping"), 90, "the node has come back by itself, to the same master's key")
    shown = until(
        lambda: (found := client.agent(NAME))["reported_at"] > made["ended_at"] and found, 90, "the node reports to it"
    )
    assert (shown["actual"], shown["pub_id"], shown["node"]) == ("alive", pub_id, NODE)
    invited = succeeded(client, client.submit("bots.invite", bot, {"note": "after the loss"}))
    assert NAME in invited["result"]["code"]
    assert {"after the snapshot", "after the loss"} <= {one["note"] for one in plane.run("bots.invites", NAME)}
    assert lives(engine, [bot]) == was, "nobody touched the bot all the while"
    assert made["snapshot"] in [one["snapshot"] for one in plane.run("backups.list") if one["state"] == "succeeded"]
