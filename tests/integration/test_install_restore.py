"""An installed control plane is lost with its machine; one command makes another machine that place, and the bot runs on.

Elsewhere are its backups, their password, and a node with a real pub: a minion on this machine.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import machines
import planes
import pytest
from campaigns import lives, swept
from daemons import running, until
from planes import DOMAIN, UNITS, UNPACKED, Plane
from ports import free_ports
from salt_daemons import Minion

pytestmark = pytest.mark.campaign

NODE, NAME = "far-1", f"kept-{secrets.token_hex(3)}"
REPOSITORY, PASSWORD = "/mnt/backups/cellar", "/etc/cellar/secrets/backup-password"
KEY = "/var/lib/cellar/master/pki/saltcellar.pub"
TOLD = f"""
controlplane:
  domain: {DOMAIN}
  certificates: files
  database: postgresql
  writable: [/mnt/backups]
  settings: {{CELLAR_BACKUP_REPOSITORY: {REPOSITORY}, CELLAR_BACKUP_BOTS_DAYS: 0, CELLAR_ALLOW_PRIVATE: "yes"}}
"""
RUN = (*UNITS, "saltcellar-backups")


class Reached:
    """The plane's master, as far as the minion on this machine needs it."""

    def __init__(self, plane: Plane, folder: Path) -> None:
        self.ports, self.keys, self._plane = {"publish_port": 4505, "ret_port": 4506}, folder, plane
        (folder / "saltcellar.pub").write_text(plane.run("cat", KEY))

    def accept(self, node: str, public_key: Path) -> None:
        """Accepts this key for the node."""
        self._plane.put(public_key, "/root/key.pub")
        self._plane.run("install", "-m", "644", "/root/key.pub", "/srv/key.pub")
        self._plane.run("cellar", "manage", "node-add", node, "--ports", "{}-{}".format(*free_ports(10)))
        self._plane.run("cellar", "manage", "node-key", node, "/srv/key.pub")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the node and of what was saved elsewhere; containers whose data is in it are removed at the end."""
    machines.build()
    folder = tmp_path_factory.mktemp("r")
    with swept(folder):
        yield folder


@pytest.fixture(scope="module")
def packed(folder: Path) -> Path:
    """A release."""
    return planes.release(folder)


@pytest.fixture(scope="module")
def lost(packed: Path, folder: Path) -> Iterator[Plane]:
    """A control plane that makes backups."""
    with running(Plane(packed)) as plane:
        plane.unpack()
        print(plane.run(f"{UNPACKED}/vagrant/try-plane.sh", DOMAIN, "postgresql"))
        (folder / "told").write_text(TOLD)
        plane.put(folder / "told", "/root/told")
        plane.run("install", "-m", "640", "/root/told", "/etc/cellar/pillar/controlplane.sls")
        plane.run("install", "-d", "-o", "saltcellar", "-g", "saltcellar", "/mnt/backups")
        plane.run("sh", "-c", f"umask 077; head -c 32 /dev/urandom | base64 >{PASSWORD}")
        assert "Failed:     0" in plane.run("cellar", "apply")
        yield plane


@pytest.fixture(scope="module")
def node(lost: Plane, folder: Path) -> Iterator[Minion]:
    """A node elsewhere."""
    there = folder / "node"
    there.mkdir()
    minion = Minion(there / NODE, NODE, Reached(lost, there), masters=[f"{lost.address}:4506"])
    _knows(minion, lost, there)
    with running(minion):
        until(lambda: pings(lost), 120, f"{NODE} answers")
        yield minion


def _knows(minion: Minion, plane: Plane, folder: Path) -> None:
    """Lets the node find the place by its name, and trust its certificate."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{plane.address} {DOMAIN}\n")
    mounted = 'mount --bind "$0" /etc/hosts && exec "$@"'
    minion.daemon.through = ("unshare", "--mount", "sh", "-c", mounted, str(hosts))
    authority = plane.take("/etc/cellar/tls/authority.pem", folder / "authority.pem")
    minion.environment["REQUESTS_CA_BUNDLE"] = str(authority)


@pytest.fixture(scope="module")
def empty(packed: Path) -> Iterator[Plane]:
    """The machine that is to become the place; it has nothing of it yet, not even the name."""
    plane = Plane(packed, name="another")
    try:
        yield plane
    finally:
        plane.stop()


def pings(plane: Plane) -> bool:
    return f'"{NODE}": true' in plane.says("cellar", "salt", NODE, "test.ping", "--out=json", "-t", "5")


def people(plane: Plane) -> list[str]:
    return [account["email"] for account in plane.salt_run("accounts.list")]


def is_whole(plane: Plane) -> None:
    """Checks that each unit runs and that all files have the right owners and modes."""
    assert plane.says("systemctl", "is-active", *RUN).split() == ["active"] * len(RUN)
    assert plane.says("systemctl", "--failed", "--plain", "--no-legend") == ""
    for path, wanted in {
        "/etc/cellar/secrets/secret-key": "root:saltcellar 640",
        PASSWORD: "root:saltcellar 640",
        "/etc/cellar/service.env": "root:saltcellar 640",
        "/etc/cellar/pillar/controlplane.sls": "root:root 640",
        "/etc/cellar/salt/master-token": "root:root 600",
        "/var/lib/cellar/master": "root:root 700",
        "/var/lib/cellar/master/pki/saltcellar.pem": "root:root 400",
    }.items():
        assert plane.run("stat", "-L", "-c", "%U:%G %a", path).strip() == wanted, path
    assert plane.run("find", "/etc/cellar", "/var/lib/cellar", "/mnt/backups", "-nouser", "-o", "-nogroup") == ""
    assert plane.run("find", "/var/lib/cellar/service", "!", "-user", "saltcellar") == ""
    assert "(changed=" not in plane.run("cellar", "apply"), "it is as its pillar says"


def test_a_place_that_was_lost_with_its_machine_is_restored_by_one_command(lost, node, empty, folder, engine):
    lost.salt_run("accounts.create", "ann@example.org")
    bot = lost.salt_run("bots.create", NAME, "account=ann@example.org", f"node={NODE}")["id"]
    made = lost.salt_run("backups.now")
    assert made["state"] == "succeeded", made
    was, key, address = lives(engine, [bot]), lost.run("cat", KEY), lost.address
    assert was[bot][0][2] == "running"
    lost.take("/mnt/backups", folder / "backups")
    lost.take(PASSWORD, folder / "password")
    lost.stop()

    empty.start()
    assert empty.address == address, "nodes look for it where it was"
    empty.unpack()
    empty.run("useradd", "--system", "somebody")  # so that the service's user gets another uid
    empty.put(folder / "backups", "/mnt/backups")
    empty.put(folder / "password", "/root/password")
    print(empty.run(f"{UNPACKED}/vagrant/bootstrap.sh", "restore", REPOSITORY, "/root/password"))

    is_whole(empty)
    assert empty.run("cat", KEY) == key
    assert people(empty) == ["ann@example.org"]
    until(lambda: pings(empty), 120, "the node has come back by itself, to the same master's key")
    assert NAME in empty.salt_run("bots.invite", NAME)["code"]
    assert lives(engine, [bot]) == was, "nobody touched the bot all the while"
    for round in ("backups.now", "backups.verify"):
        assert empty.salt_run(round)["state"] == "succeeded"


def test_a_living_place_is_left_alone_and_a_new_one_gives_way(empty):
    """`cellar restore` on an installed place: refused while it runs; otherwise the place's data is put aside."""
    command = f"cellar restore {REPOSITORY} /root/password"
    refused = empty.says("sh", "-c", f"{command} 2>&1")
    assert "saltcellar-public is running" in refused, refused
    empty.salt_run("accounts.create", "bob@example.org")
    empty.run("sh", "-c", "systemctl stop 'saltcellar-*'")
    print(empty.run("sh", "-c", command))

    is_whole(empty)
    assert people(empty) == ["ann@example.org"]
    [aside] = empty.run("sh", "-c", "ls -d /var/lib/cellar/service.before-*").split()
    ask = ("runuser", "-u", "postgres", "--", "psql", "-Atc", "SELECT email FROM account")
    assert "bob@example.org" in empty.run(*ask, f"saltcellar{Path(aside).suffix}")
    until(lambda: pings(empty), 120, "the node has come back")
