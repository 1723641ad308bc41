"""A machine with an address of its own is enrolled by one line at a real salt-master, and what can follow from that.

The steps are one test because each uses the node that the previous one left.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import kept_events
import pytest
from daemons import running, until
from far_node import Place, folder, place
from salt_daemons import Minion, make_keys

from pillar_service.core.events.submission import Lifecycle
from pillar_service.node.enrolment import keys
from pillar_service.node.enrolment.asking import ask

pytestmark = pytest.mark.slow

__all__ = ["folder", "place"]

CUT_OFF_S = 5.0
"""Within how many seconds a node must be cut off."""


@pytest.fixture
def own(place: Place) -> Iterator[Minion]:
    """The place's own node, cellar-1; Ann has an account."""
    place.service.manage("node-add", "cellar-1")
    with running(Minion(place.folder / "n", "cellar-1", place.master, masters=place.masters)) as minion:
        place.run("accounts.create", "ann@example.org")
        yield minion


def revoke(place: Place, node: str) -> float:
    """Revokes a node; returns how many seconds it took from then until the master refuses it."""
    place.machine.operator.revoke(node)
    began = time.monotonic()
    until(lambda: not place.accepted(node), 60, f"the master refuses {node}")
    return time.monotonic() - began


def on_paper(place: Place, name: str) -> str:
    """Enrols a node without a machine; returns its id once the master accepts its key."""
    told = {"name": name, "public_key": keys.Key.new().public}
    node = str(ask(place.service.public_url, "/enrol", told, place.machine.token())["node"])
    until(lambda: place.accepted(node), 60, f"the master accepts {node}")
    return node


SIGN_IN = """
import sys, salt.config, salt.crypt
opts = salt.config.minion_config(None)
opts.update(dict(zip(("id", "pki_dir", "master_ip", "master_uri"), sys.argv[1:])))
opts.update(auth_tries=1, auth_timeout=30, rejected_retry=True)
told = salt.crypt.SAuth(opts).sign_in()
print("in" if isinstance(told, dict) and "session" in told else told)
"""


def signs_in(place: Place, node: str, pki: Path) -> bool:
    """Whether the master lets in a minion that claims to be this node, with the key in the folder ``pki``."""
    given = [node, str(pki), place.host.gateway, f"tcp://{place.masters}"]
    done = subprocess.run([sys.executable, "-c", SIGN_IN, *given], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout.strip() == "in"


def other_key(place: Place, folder: Path) -> Path:
    """Makes a folder with a key that nobody accepted, and with the master's public key."""
    folder.mkdir()
    make_keys("minion", folder)
    shutil.copy(place.master.keys / "saltcellar.pub", folder / "minion_master.pub")
    return folder


@pytest.mark.usefixtures("own")
def test_from_one_line_to_a_node_that_is_cut_off_lost_brought_back_and_gone(place: Place, tmp_path: Path) -> None:
    machine = place.machine
    asked = place.run("nodes.token", "account=ann@example.org", "environment=prd")
    node = place.let_in(asked["line"])
    key = place.accepted(node)
    assert key.strip() == (machine.root / "etc/saltcellar/pki/minion.pub").read_text().strip()
    until(lambda: place.told(node, "grains.get", "labels:environment") == "prd", 120, "its labels are grains")
    started = partial(kept_events.of, place.service, node, Lifecycle.START)
    until(started, 120, "it tells that it started, by its key")

    assert signs_in(place, node, machine.root / "etc/saltcellar/pki")
    pki = other_key(place, tmp_path / "pki")
    for name in (node, "stranger"):
        assert not signs_in(place, name, pki), f"{name} with another key is let in"
    assert (place.accepted(node), place.accepted("stranger")) == (key, "")

    told = place.run("nodes.rotate", node, "wait=120")
    assert told["state"] == "accepted"
    until(lambda: place.accepted(node) not in ("", key), 30, "the master has the new key")
    place.answers(node)

    took = [revoke(place, node)]
    assert place.told(node, "test.ping", seconds=2) is None
    place.answers("cellar-1")
    assert "--new-key" in machine.run(machine.token()).stderr
    assert place.let_in(f"sh {machine.script()} {machine.token()} --new-key") == node
    place.answers(node)

    machine.stop()
    for lost_with_its_disk in ("etc", "var"):
        shutil.rmtree(machine.root / lost_with_its_disk)
    lost = place.accepted(node)
    assert place.let_in(f"sh {machine.script()} {machine.token(replaces=True, pattern=machine.name)}") == node
    place.answers(node)
    assert place.accepted(node) not in ("", lost)

    took += [revoke(place, on_paper(place, name)) for name in ("one", "two")]
    assert min(took) < CUT_OFF_S, took  # The fastest counts: other tests may have had the processor for a while.
    place.answers("cellar-1")

    assert machine.run("--reset").returncode == 0
    assert machine.left() == []
    until(lambda: not place.accepted(node), 30, "the key of a node that left is refused")
