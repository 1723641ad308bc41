"""enrol.sh, run by a real shell against a real service, in a scratch folder."""

import fcntl
import json
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import salt.config
from machine import Machine

from pillar_service import __version__
from pillar_service.node.containers import BOT_LABEL, NODE_LABEL
from pillar_service.node.enrolment import keys, turning
from pillar_service.node.enrolment.asking import ask
from pillar_service.node.enrolment.site import Site
from pillar_service.node.lastgood import Kept
from pillar_service.node.masterless.states import States
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool


def heard(machine: Machine) -> None:
    """Lets the service count all nodes as heard of."""
    machine.happens("UPDATE node SET last_seen = 4e9")


def joined(machine: Machine, *arguments: str, **environment: str) -> str:
    """Enrols this machine; returns the id of the node that it becomes."""
    done = machine.run(machine.token(), *arguments, **environment)
    assert "has not heard of it yet" in done.stderr or "answers" in done.stdout, done.stderr + done.stdout
    return str(json.loads((machine.root / "etc/saltcellar/node.json").read_text())["node"])


def test_a_machine_becomes_a_node_and_says_each_step(machine: Machine) -> None:
    token = machine.token()
    first = machine.run(token)
    assert first.returncode == 1, first.stderr
    assert "has not heard of it yet" in first.stderr
    heard(machine)
    again = machine.run(token)
    assert again.returncode == 0, again.stderr
    for step in ("machine", "software", "node", "master", "started", "answers"):
        assert f"  {step}" in again.stdout
    site = Site(machine.root)
    who = site.who()
    opts = salt.config.minion_config(str(site.etc / "minion"))
    assert (opts["id"], opts["pki_dir"], opts["master"]) == (who["node"], str(site.pki), "127.0.0.1:2")
    assert opts["rejected_retry"] is True
    assert "pub_health" in opts["beacons"], "what is the same on every node is there"
    assert opts["master_finger"] == who["master_fingerprint"]
    assert (site.pki / "minion_master.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")
    assert stat.S_IMODE((site.pki / keys.PRIVATE).stat().st_mode) == 0o400
    assert stat.S_IMODE(site.pki.stat().st_mode) == 0o700
    assert machine.sh(f"{machine.launcher} status").stdout.startswith("runs")
    assert token not in "".join(path.read_text(errors="replace") for path in machine.root.rglob("*") if path.is_file())


@pytest.fixture
def second_master(machine: Machine) -> Iterator[None]:
    """For a while there is another master with the same key."""
    machine.service.python(
        "from pillar_service.store.service import masters as rows\n"
        "from pillar_service.usecases.service import masters, storage\n"
        "storage.prepare()\nmasters.new_token('test', 'second')\n"
        "masters.tell('second', '127.0.0.2', 1, 2, rows.found()[0].public_key)\n"
    )
    yield
    machine.happens("DELETE FROM master WHERE name = 'second'")


@pytest.mark.usefixtures("second_master")
def test_a_node_of_two_masters_keeps_to_both_and_outlives_one(machine: Machine) -> None:
    joined(machine)
    opts = salt.config.minion_config(str(Site(machine.root).etc / "minion"))
    assert sorted(opts["master"]) == ["127.0.0.1:2", "127.0.0.2:2"]
    assert (opts["master_type"], opts["master_alive_interval"]) == ("str", 0), "else Salt ends it while one is away"


def test_nobody_else_reads_the_token_while_it_runs(machine: Machine) -> None:
    """Every step reads the process list, as any user may, and its own environment."""
    seen, token = machine.folder / "seen", machine.token()
    look = f"cat /proc/[0-9]*/cmdline /proc/self/environ 2>/dev/null | tr '\\0' '\\n' >>{seen}"
    machine.python.write_text(machine.python.read_text().replace("exec ", f"{look}\nexec "))
    for line in (f"exec sh -s -- --new-key {token}", "exec sh"):
        seen.unlink(missing_ok=True)
        told = {} if token in line else {"CELLAR_ENROL_TOKEN": token}
        done = machine.sh(line, machine.script().read_text(), **told)
        assert "  node      " in done.stdout, done.stdout + done.stderr
        assert "pillar_service.node.enrolment" in seen.read_text()
        assert token not in seen.read_text()


def test_run_again_it_is_the_same_node_with_the_same_key(machine: Machine) -> None:
    node = joined(machine)
    key = (machine.root / "etc/saltcellar/pki/minion.pem").read_bytes()
    heard(machine)
    done = machine.run(machine.token())
    assert done.returncode == 0, done.stderr
    assert f"node      {node}" in done.stdout
    assert (machine.root / "etc/saltcellar/pki/minion.pem").read_bytes() == key
    old = machine.run("a-token-that-nobody-knows")
    assert old.returncode == 0, old.stderr
    assert "as it was" in old.stdout


def test_reset_takes_everything_back_off(machine: Machine) -> None:
    node = joined(machine)
    pid = int(machine.sh(f"{machine.launcher} status").stdout.split()[-1])
    done = machine.run("--reset")
    assert done.returncode == 0, done.stderr
    assert machine.left() == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert machine.key_state(node) == "revoked"
    assert machine.run("--reset").returncode == 0
    assert joined(machine) == node, "and it may come back"


def test_reset_spares_bots_unless_it_is_told(machine: Machine) -> None:
    joined(machine)
    bot = machine.root / "var/lib/saltcellar/bots/0123456789abcdef"
    bot.mkdir(parents=True)
    done = machine.run("--reset")
    assert done.returncode == 1
    assert "identity" in done.stderr
    assert bot.exists()
    assert machine.launcher.exists()
    assert machine.run("--reset", "--with-data").returncode == 0
    assert not bot.exists()


@pytest.fixture
def containers() -> Iterator[Callable[[str], Any]]:
    """Makes a running container of a node, as the state does, in a network of its own."""
    engine, name = docker.from_env(), f"reset-{uuid.uuid4().hex[:8]}"
    image = engine.images.get(f"saltcellar/pub:{__version__}")
    network = engine.networks.create(name)

    def make(node: str) -> Any:
        labels = {NODE_LABEL: node, BOT_LABEL: "0123456789abcdef"}
        told = {"entrypoint": ["sleep", "600"], "network": name, "restart_policy": {"Name": "unless-stopped"}}
        return engine.containers.run(image, detach=True, name=f"{name}-{node}", labels=labels, init=True, **told)

    make.network = name  # type: ignore[attr-defined]
    yield make
    for one in engine.containers.list(all=True, filters={"name": name}):
        one.remove(force=True)
    for one in engine.networks.list(names=[name]):
        one.remove()
    assert network
    engine.close()


def test_reset_takes_containers_off_first_and_says_which_events_are_lost(
    machine: Machine, containers: Callable[[str], Any]
) -> None:
    node = joined(machine)
    data = machine.root / "var/lib/saltcellar"
    (data / "bots/0123456789abcdef").mkdir(parents=True)
    Spool(Home(data)).put("org.example.x", "x", {})
    mine, other = containers(node), containers("another-node")
    away = machine.run("--reset", "--with-data", DOCKER_HOST="unix:///nowhere.sock")
    assert away.returncode == 1
    assert "start it (systemctl start docker)" in away.stderr
    assert (data / "bots/0123456789abcdef").exists()
    done = machine.run("--reset", "--with-data")
    assert done.returncode == 0, done.stderr
    assert "0 told, 1 lost" in done.stdout
    assert "1 container removed; Docker keeps the image" in done.stdout
    assert machine.left() == []
    with pytest.raises(docker.errors.NotFound):
        mine.reload()
    other.reload()
    assert other.status == "running"
    assert list(other.attrs["NetworkSettings"]["Networks"]) == [containers.network]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {}, "Give the token"),
        (["x"], {}, "not known"),
        (["x", "--root", "here"], {}, "absolute path"),
        (["x", "--root", "/tmp/a'b"], {}, "plain path"),
        (["x", "--wrong"], {}, "--wrong is not known here: sh enrol.sh TOKEN"),
        (["x", "--name"], {}, "--name takes a name"),
        (["x"], {"CELLAR_ENROL_PYTHON": "/bin/false"}, "no Python 3.11"),
        (["x"], {"PATH": "{bin}"}, "is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence_and_leaves_nothing(
    machine: Machine, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    for tool in ("sh", "uname", "id", "mktemp", "rm", "cat", "sed", "dirname"):
        found = [Path(folder, tool) for folder in os.environ["PATH"].split(":") if Path(folder, tool).exists()]
        (machine.bin / tool).symlink_to(found[0])
    done = machine.run(
        *[f'"{one}"' for one in arguments], **{k: v.format(bin=machine.bin) for k, v in environment.items()}
    )
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert machine.left() == []


def test_it_says_how_it_is_asked(machine: Machine) -> None:
    done = machine.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sh enrol.sh TOKEN [--name NAME]")
    assert machine.left() == []


@pytest.mark.parametrize(
    ("asked", "name", "said"),
    [
        ({"pattern": "rack"}, "shed", "called rack"),
        ({"life": "60s"}, "shed", "is expired"),
        ({}, "a b&name=rack", "can't be a node's name"),
    ],
)
def test_a_token_that_is_not_for_this_is_said_and_leaves_nothing(
    machine: Machine, asked: dict, name: str, said: str
) -> None:
    token = machine.token(**asked)
    machine.happens("UPDATE enrolment_token SET expires_at = expires_at - 60")
    done = machine.run(token, CELLAR_ENROL_NAME=name)
    assert done.returncode == 1
    assert said in done.stderr
    assert "software" not in done.stdout, "it is said before anything is installed"
    assert machine.left() == []


def test_no_index_is_asked_unless_somebody_names_one(machine: Machine) -> None:
    done = machine.run(machine.token(), CELLAR_ENROL_PYTHON="", PIP_INDEX_URL="", PIP_FIND_LINKS="")
    assert done.returncode == 1
    assert "hands out no bundle" in done.stderr
    assert machine.left() == []


def test_without_root_it_says_so(machine: Machine) -> None:
    other = "setpriv --reuid=65534 --regid=65534 --clear-groups " if os.geteuid() == 0 else ""
    done = machine.sh(f"{other}sh -s -- x", machine.script().read_text(), CELLAR_ENROL_ROOT="", TMPDIR="/tmp")
    assert done.returncode == 1
    assert "as root" in done.stderr


def test_while_the_service_is_away_it_says_so_and_leaves_nothing(machine: Machine) -> None:
    script = machine.script()
    text = script.read_text().replace(machine.service.public_url, "http://127.0.0.1:9")
    done = machine.sh("sh -s -- x", text)
    assert done.returncode == 1
    assert "does not answer at http://127.0.0.1:9" in done.stderr
    assert machine.left() == []


def test_a_download_that_breaks_off_does_nothing(machine: Machine) -> None:
    text = machine.script().read_text()
    for part in (0.3, 0.7, 0.97):
        machine.sh("sh -s -- x", text[: int(len(text) * part)])
        assert machine.left() == []


@pytest.mark.parametrize("arguments", [["x"], ["--reset", "--with-data"]])
def test_beside_another_one_it_does_nothing(machine: Machine, arguments: list[str]) -> None:
    """Otherwise, if it failed or was a reset, it would delete what the other one has made."""
    made = machine.root / "opt/saltcellar/venv.enrol/bin/python"
    made.parent.mkdir(parents=True)
    made.write_text("half of it")
    there = os.open(machine.root, os.O_RDONLY)
    try:
        fcntl.flock(there, fcntl.LOCK_EX)
        done = machine.run(*arguments)
    finally:
        os.close(there)
    assert (done.returncode, machine.left()) == (1, ["opt/saltcellar/venv.enrol/bin/python"])
    assert "Another enrol.sh is at work" in done.stderr


def test_a_lost_answer_leaves_the_key_for_the_next_run(machine: Machine) -> None:
    """The service took the key, but its answer was lost; the next run brings the same key."""
    token = machine.token()
    site = Site(machine.root)
    site.pki.mkdir(parents=True)
    key = keys.own(site.pki)
    ask(machine.service.public_url, "/enrol", {"name": machine.name, "public_key": key.public}, token)
    done = machine.run(token)
    assert "has not heard of it yet" in done.stderr, done.stderr
    assert site.who()["node"].startswith(f"{machine.name}.")


def test_a_node_that_was_cut_off_comes_back_with_a_new_key_alone(machine: Machine) -> None:
    node = joined(machine)
    machine.operator.revoke(node)
    token = machine.token()
    refused = machine.run(token)
    assert refused.returncode == 1
    assert "--new-key" in refused.stderr
    heard(machine)
    done = machine.run(token, "--new-key")
    assert done.returncode == 0, done.stderr
    assert machine.key_state(node) == "accepted"


@pytest.mark.parametrize("whose", ["a fresh token", "its own"])
def test_a_new_key_that_is_not_taken_costs_nothing(machine: Machine, whose: str) -> None:
    token = machine.token()
    machine.run(token)
    site = Site(machine.root)
    key, runs = (site.pki / keys.PRIVATE).read_bytes(), machine.sh(f"{machine.launcher} status").stdout
    done = machine.run(machine.token() if whose == "a fresh token" else token, "--new-key")
    assert done.returncode == 1
    assert ("with another key" if whose == "a fresh token" else "is used") in done.stderr
    assert "as it was" not in done.stdout
    assert (site.pki / keys.PRIVATE).read_bytes() == key
    assert not (site.pki / keys.NEXT).exists()
    assert machine.sh(f"{machine.launcher} status").stdout == runs


def test_a_new_key_whose_answer_was_lost_is_brought_again(machine: Machine) -> None:
    node = joined(machine)
    machine.stop()
    machine.operator.revoke(node)
    site, token = Site(machine.root), machine.token()
    next_key = keys.following(site.pki)
    ask(machine.service.public_url, "/enrol", {"name": machine.name, "public_key": next_key.public}, token)
    done = machine.run(token, "--new-key")
    assert f"node      {node}" in done.stdout, done.stderr
    assert keys.own(site.pki).public == next_key.public
    assert not (site.pki / keys.NEXT).exists()


def sealed(site: Site) -> tuple[bool, bool]:
    """Whether this node has a valid pillar, and valid states, to work with while no master is there."""
    home, node = Home(site.data), site.who()["node"]
    return not Kept(home, node, site.pki).told().problem, States(home, node, site.pki).is_sealed()


def test_what_a_node_goes_by_alone_is_good_under_another_key(machine: Machine) -> None:
    node = joined(machine)
    machine.stop()
    site = Site(machine.root)
    home, states = Home(site.data), States(Home(site.data), node, site.pki)
    told = {"node": node, "service": {"url": machine.service.public_url, "token": "t"}, "bots": {}}
    assert Kept(home, node, site.pki).keep({"saltcellar": told})
    states.folder.mkdir(parents=True)
    (states.folder / "init.sls").write_text("{}")
    states.seal()
    turning.turn(site)
    assert sealed(site) == (True, True)

    old = [(file, file.read_bytes()) for file in (home.state / "pillar.jwt", home.masterless / "manifest.jwt")]
    turning.turn(site)
    for file, before in old:  # It dies before it moves them into place.
        file.rename(file.with_suffix(".next"))
        file.write_bytes(before)
    assert sealed(site) == (False, False)
    turning.finish(site)
    assert sealed(site) == (True, True)
    assert not list(home.root.rglob("*.next"))


def test_what_is_on_the_machine_submits_by_the_nodes_own_command(machine: Machine) -> None:
    joined(machine)
    done = machine.sh(
        f"{machine.root}/opt/saltcellar/bin/cellar-submit --type org.example.x --subject x", "1", PYTHONPATH=""
    )
    assert done.returncode == 0, done.stderr
    assert (machine.root / "var/lib/saltcellar/state/spool.db").exists()


def test_whoever_enrols_it_with_whatever_umask_a_commands_user_gets_to_it(machine: Machine) -> None:
    machine.sh(f"umask 077; sh -s -- {machine.token()}", machine.script().read_text())
    for folder in ("var/lib/saltcellar", "opt/saltcellar/bin"):
        assert stat.S_IMODE((machine.root / folder).stat().st_mode) == 0o755, folder
    assert stat.S_IMODE((machine.root / "run/saltcellar").stat().st_mode) == 0o700


def test_a_lost_disk_comes_back_by_a_token_for_that(machine: Machine) -> None:
    node = joined(machine)
    machine.stop()
    for path in sorted(machine.root.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    refused = machine.run(machine.token())
    assert refused.returncode == 1
    assert "another key" in refused.stderr
    assert machine.left() == []
    machine.run(machine.token(replaces=True))
    assert Site(machine.root).who()["node"] == node


def test_a_node_that_died_while_it_changed_its_key_comes_back_with_the_one_that_counts(machine: Machine) -> None:
    joined(machine)
    site = Site(machine.root)
    new = keys.Key.new()
    new.save(site.pki / keys.NEXT)
    turning._tell(site, new)  # Then it died.
    assert keys.own(site.pki).public != new.public
    machine.sh(f"{machine.launcher} restart")
    # Only read the file: the node itself is writing there now.
    until = time.monotonic() + 30
    while (site.pki / keys.PUBLIC).read_text().strip() != new.public and time.monotonic() < until:
        time.sleep(0.1)
    assert keys.own(site.pki).public == new.public
    assert turning.finish(site) is False


def test_a_key_that_the_service_refuses_is_not_taken(machine: Machine) -> None:
    node = joined(machine)
    site = Site(machine.root)
    before = keys.own(site.pki).public
    turning.turn(site)
    after = keys.own(site.pki).public
    assert after != before
    machine.operator.revoke(node)
    with pytest.raises(Exception, match="revoked"):
        turning.turn(site)
    assert keys.own(site.pki).public == after
    assert not (site.pki / keys.NEXT).exists()
