"""When something is wrong, people read one clear sentence; nothing is lost, and `bots.start` heals it."""

import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Any

import pytest
from campaigns import let_go, lives, only, over, person, poured, succeeded
from daemons import until
from frail_node import frail
from peers import IMAGE
from ports import free_ports

pytestmark = pytest.mark.slow

NODE = "frail-1"
ACCOUNT = "errors@example.org"
PORTS = 10

Says = Callable[..., str]


@pytest.fixture(scope="module")
def ports(service):
    """The ports for the node's bots."""
    first, last = free_ports(PORTS)
    service.manage("node-add", NODE, "--ports", f"{first}-{last}")
    return range(first, last + 1)


@pytest.fixture(scope="module")
def node(cellar, master, client, ports):
    """The frail node; its bots are deleted afterwards."""
    person(client, ACCOUNT)
    with frail(cellar / NODE, NODE, master) as node:
        try:
            yield node
        finally:
            let_go(client, [bot["id"] for bot in client.agents(type="bot", account=ACCOUNT)])


@pytest.fixture(scope="module")
def bot(client, node):
    """A bot on the node from before anything goes wrong."""
    return poured(client, ["before"], ACCOUNT, NODE)[0]


@pytest.fixture
def says(master) -> Says:
    """Runs salt-run, which must fail; returns the sentence that it prints."""

    def says(function: str, *arguments: str) -> str:
        code, told = master.run(function, *arguments)
        assert code == 1, told
        assert set(told) == {"error", "retcode"}, told
        sentence = told["error"]
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        assert sentence.endswith("."), sentence
        return sentence

    return says


def create(name: str) -> list[str]:
    """The arguments for salt-run that make a bot on the node."""
    return ["bots.create", name, f"account={ACCOUNT}", f"node={NODE}"]


def healed(master, name: str) -> dict[str, Any]:
    """Runs `bots.start`, which must work; returns the bot."""
    code, told = master.run("bots.start", name)
    assert code == 0, told
    assert (told["actual"], told["detail"]) == ("alive", "")
    return told


def test_a_port_that_is_taken(says, master, client, node, ports):
    with contextlib.ExitStack() as programs:
        for port in ports:
            with contextlib.suppress(OSError):
                taken = programs.enter_context(socket.socket())
                taken.bind(("0.0.0.0", port))
                taken.listen()
        said = says(*create("port"))
        assert said.startswith("The bot's port is taken by another program on the node: stop that program, then start")
        assert said.endswith("may as well be deleted and made anew: it gets another port.")
        assert client.agent("port")["detail"] == said
    healed(master, "port")


def test_a_bot_that_is_made_anew_has_another_port(says, master, client, node):
    with socket.socket() as program:
        code, told = master.run(*create("elsewhere"))
        assert code == 0, told
        assert master.run("bots.delete", "elsewhere", "purge=True")[0] == 0
        program.bind(("0.0.0.0", told["port"]))
        program.listen()
        code, again = master.run(*create("elsewhere"))
        assert code == 0, again
        assert again["port"] != told["port"]
    assert again["actual"] == "alive"


def test_an_image_that_is_missing(says, master, client, node, service, engine):
    tag = f"saltcellar/pub:test-{secrets.token_hex(3)}"
    service.stop()
    service.environment["CELLAR_PUB_IMAGE"] = tag
    service.start()
    try:
        said = says(*create("image"))
    finally:
        service.stop()
        del service.environment["CELLAR_PUB_IMAGE"]
        service.start()
    assert (
        "is not on the node: load or pull it there and start the bot again, or run `salt-run bots.upgrade <bot>`"
        in said
    )
    assert client.agent("image")["detail"] == said
    engine.images.get(IMAGE).tag(tag)
    try:
        healed(master, "image")
        code, told = master.run("bots.upgrade", "image")
        assert (code, told["image"], told["actual"]) == (0, IMAGE, "alive"), told
        let_go(client, [client.agent("image")["id"]])
    finally:
        engine.images.remove(tag)


def test_a_name_that_is_taken(says, client, bot):
    jobs = client._json("GET", "/jobs?limit=500")["jobs"]
    assert says(*create("before")) == "The name before is taken: choose another."
    assert client._json("GET", "/jobs?limit=500")["jobs"] == jobs


def test_an_account_that_is_unknown(says, client):
    assert says("bots.create", "orphan", "account=nobody@example.org") == "There is no account 'nobody@example.org'."
    assert not client.agents(type="bot", name="orphan")


def test_the_service_is_away(says, master, service, engine, bot):
    before = lives(engine, [bot])
    service.kill()
    try:
        for asked in (["bots.list"], ["bots.start", "before"], create("unheard")):
            assert "is not running (connection refused): start it" in says(*asked)
        assert lives(engine, [bot]) == before
    finally:
        service.start()
    assert master.run("bots.list", f"account={ACCOUNT}")[0] == 0
    assert "There is no bot or account" in says("bots.show", "unheard")


def test_the_master_is_away(client, master, node, bot, engine):
    before = lives(engine, [bot])
    master.kill()
    try:
        made = client.create_agent({"type": "bot", "name": "patient", "account": ACCOUNT, "node": NODE})
        # The dead master's last request may still be open at the service and get the job until its lease ends.
        assert client.job(made["job"]["id"], wait=3)[0]["state"] in ("queued", "claimed")
        said = "No master is asking for jobs: this one waits until salt-master"
        until(
            lambda: client.job(made["job"]["id"])[0]["waits"].startswith(said), 90, "the job says that no master asks"
        )
        assert lives(engine, [bot]) == before
    finally:
        master.start()
    assert succeeded(client, made["job"], 120)["result"]["pub_id"]
    assert client.agent("patient")["actual"] == "alive"


def test_docker_is_down_on_the_node(says, master, client, node, engine, bot):
    before = lives(engine, [bot])
    with node.without_docker():
        said = says("bots.start", "before")
        assert said.startswith("Docker does not answer on the node: start it there (systemctl start docker)")
        assert client.agent(bot)["detail"] == said
        assert "Docker" in says("bots.logs", "before")
        waiting = client.create_agent({"type": "bot", "name": "dry", "account": ACCOUNT, "node": NODE})
        assert over(client, waiting["job"]["id"])["error"] == said
        until(lambda: "Docker" in str(facts(client)["error"]), 30, "the node reports that Docker is down")
    assert lives(engine, [bot]) == before
    healed(master, "before")
    assert lives(engine, [bot]) == before
    healed(master, "dry")
    until(lambda: facts(client) == {"docker": True, "error": None, "unlisted": []}, 30, "the node reports it is well")


def facts(client) -> dict[str, Any]:
    """The node's latest facts."""
    return next(
        node["facts"] or {"error": None} for node in client._json("GET", "/nodes")["nodes"] if node["id"] == NODE
    )


def test_the_disk_is_full_on_the_node(says, master, client, node, engine, bot):
    who = client.agent(bot)["pub_id"]
    with node.full():
        said = says(*create("full"))
        assert said == "The node's disk is full: free some space on it, then start the bot again."
        assert client.agent("full")["detail"] == said
    assert healed(master, "full")["pub_id"]
    assert healed(master, "before")["pub_id"] == who
    assert only(engine, bot).status == "running"
