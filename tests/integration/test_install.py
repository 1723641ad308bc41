"""The scripts in vagrant/ make a bare machine a control plane, and another one its node, as `vagrant up` does with VMs.

Here certificates are files and the database is PostgreSQL; test_install_acme.py has the opposite choices.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import machines
import planes
import pytest
from daemons import running, until
from machines import TOP, Machine
from planes import DOMAIN, UNITS, UNPACKED, Plane

pytestmark = pytest.mark.campaign

NASTY = '"Jürg\'s" `id` $HOME \\\\n & co <post@cellar.test>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    machines.build()
    return tmp_path_factory.mktemp("install")


@pytest.fixture(scope="module")
def plane(folder: Path) -> Iterator[Plane]:
    """A freshly installed control plane."""
    with running(Plane(planes.release(folder))) as plane:
        plane.unpack()
        print(plane.run(f"{UNPACKED}/vagrant/try-plane.sh", DOMAIN, "postgresql"))
        yield plane


@pytest.fixture(scope="module")
def authority(plane: Plane, folder: Path) -> Path:
    """The authority that signed the place's certificate."""
    return plane.take("/etc/cellar/tls/authority.pem", folder / "authority.pem")


@pytest.fixture(scope="module")
def node(plane: Plane, authority: Path) -> Iterator[Machine]:
    """A customer's machine that has just been let in."""
    with running(Machine("shed")) as node:
        node.put(authority, "/srv/authority.pem")
        node.put(TOP / "vagrant/settings.sh", "/srv/vagrant/settings.sh")
        for script in ("packages.sh", "try-node.sh"):
            node.put(TOP / "vagrant" / script, f"/srv/vagrant/{script}")
        token = plane.salt_run("nodes.token")["secret"]
        told = (DOMAIN, plane.address, "/srv/authority.pem")
        print(node.run("/srv/vagrant/try-node.sh", *told, CELLAR_ENROL_TOKEN=token))
        yield node


def active(plane: Plane) -> dict[str, str]:
    return dict(zip(UNITS, plane.says("systemctl", "is-active", *UNITS).split(), strict=True))


def pings(plane: Plane) -> bool:
    return '"shed": true' in plane.says("cellar", "salt", "shed", "test.ping", "--out=json", "-t", "5")


def test_each_unit_runs_and_none_has_failed(plane):
    assert active(plane) == dict.fromkeys(UNITS, "active")
    assert plane.says("systemctl", "--failed", "--plain", "--no-legend") == ""


def test_the_place_answers_by_https_with_its_certificate_and_leads_there(plane, authority):
    assert json.loads(plane.fetch(authority, "/healthz"))["ok"] is True
    led = plane.run(
        "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "http://127.0.0.1/start?a=b"
    )
    assert led == f"301 https://{DOMAIN}/start?a=b"


def test_nothing_but_nginx_and_the_master_listens_to_the_world(plane):
    listening = plane.run("ss", "-Hltn").splitlines()
    open_to_all = {line.split()[3].rsplit(":", 1)[1] for line in listening if "127.0.0" not in line.split()[3]}
    assert open_to_all - {"5432"} == {"80", "443", "4505", "4506"}
    assert "5432" not in open_to_all


def test_an_account_made_on_the_machine_signs_in_from_outside(plane, authority):
    made = plane.salt_run("accounts.create", "ann@example.org")
    known = json.dumps({"email": made["email"], "password": made["password"]})
    told = plane.fetch(authority, "/authentication/sign-in", "--json", known)
    assert json.loads(told)["token"]["secret"]
    assert (
        plane.run("runuser", "-u", "postgres", "--", "psql", "-Atc", "SELECT email FROM account", "saltcellar")
        == "ann@example.org\n"
    )


def test_secrets_are_for_those_who_need_them(plane):
    for file in ("/etc/cellar/secrets/secret-key", "/etc/cellar/secrets/bundle-key"):
        assert plane.run("stat", "-c", "%U:%G %a", file).strip() == "root:saltcellar 640"
    assert plane.run("stat", "-c", "%U:%G %a", "/etc/cellar/service.env").strip() == "root:saltcellar 640"
    assert plane.run("stat", "-c", "%U:%G %a", "/etc/cellar/pillar/controlplane.sls").strip() == "root:root 640"
    for file in ("/etc/cellar/salt/master-token", "/etc/cellar/salt/master"):
        assert plane.run("stat", "-c", "%U:%G %a", file).strip() == "root:root 600"
    key = plane.run("cat", "/etc/cellar/secrets/secret-key").strip()
    assert key not in plane.run("sh", "-c", "cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")


def test_the_audit_says_nothing_of_a_place_as_it_is_shipped_and_what_was_opened(plane):
    assert plane.salt_run("nodes.audit") == {"drift": []}
    opened = (
        "mkdir /etc/systemd/system/saltcellar-master.service.d && "
        "printf '[Service]\\nNoNewPrivileges=no\\n' >/etc/systemd/system/saltcellar-master.service.d/open.conf && "
        "systemctl daemon-reload && mv /etc/logrotate.d/saltcellar-master /root && chmod o+r /etc/cellar/secrets/secret-key"
    )
    plane.run("sh", "-c", opened)
    told = json.loads(plane.says("cellar", "salt-run", "nodes.audit", "--out=json"))["drift"]
    assert {
        "saltcellar-master: NoNewPrivileges",
        "/var/log/cellar/master",
        "/etc/cellar/secrets/secret-key",
    } <= {one["about"] for one in told}, told
    plane.run("sh", "-c", "rm -r /etc/systemd/system/saltcellar-master.service.d && systemctl daemon-reload")
    assert "Failed:     0" in plane.run("cellar", "apply")
    assert plane.salt_run("nodes.audit") == {"drift": []}


def test_installed_again_nothing_changes(plane):
    said = plane.run(f"{UNPACKED}/vagrant/bootstrap.sh")
    assert re.search(r"apply +\d+ states, 0 changed", said), said


def test_a_changed_word_of_the_pillar_is_applied_and_the_service_has_it(plane, authority):
    changed = {"domain": DOMAIN, "certificates": "files", "database": "postgresql"}
    changed["settings"] = {"CELLAR_DOMAIN": "pubs.cellar.test", "CELLAR_MAIL_FROM": NASTY}
    told = shlex.quote(json.dumps({"controlplane": changed}))
    plane.run("sh", "-c", f"printf %s {told} > /etc/cellar/pillar/controlplane.sls")
    assert "Failed:     0" in plane.run("cellar", "apply")
    assert "pubs.cellar.test" in plane.fetch(authority, "/sign-in")
    assert "Up to date." in plane.run("cellar", "manage", "migrate")
    read_by_systemd = ("systemd-run", "-q", "--pipe", "--wait", "-p", "EnvironmentFile=/etc/cellar/service.env")
    assert plane.run(*read_by_systemd, "printenv", "CELLAR_MAIL_FROM") == f"{NASTY}\n"


def test_what_failed_half_way_is_made_good_by_the_next_run(plane, authority):
    """A release whose migration fails: nothing claims success until it is fixed."""
    tree = "/opt/cellar/tree"
    wrong = f"{tree}/pillar_service/store/migrations/9001_wrong.py"
    up = "def up(migrator, db):\n    db.execute_sql('ALTER TABLE nobody ADD COLUMN mood TEXT')\n"
    which = ("systemctl", "show", "-P", "MainPID", "saltcellar-private")
    pid = plane.run(*which)
    plane.run("cp", f"{tree}/.release", "/root/release")
    plane.run("sh", "-c", f"echo another > {tree}/.release; printf %s {shlex.quote(up)} > {wrong}")
    for _ in range(2):
        assert "Failed:     0" not in plane.says("cellar", "apply")
    assert plane.run(*which) == pid
    plane.run("rm", wrong)
    assert "Failed:     0" in plane.run("cellar", "apply")
    assert plane.run(*which) != pid
    assert "(changed=" not in plane.run("cellar", "apply")
    plane.run("cp", "/root/release", f"{tree}/.release")
    assert "Failed:     0" in plane.run("cellar", "apply")
    assert json.loads(plane.fetch(authority, "/healthz"))["ok"] is True


def test_a_machine_becomes_a_node_by_the_printed_line(plane, node):
    assert pings(plane)
    assert plane.run("cellar", "salt-key", "--list=accepted").split()[-1] == "shed"


def test_after_a_reboot_all_of_it_is_back(plane, node, authority):
    plane.restart()
    assert active(plane) == dict.fromkeys(UNITS, "active")
    assert plane.says("systemctl", "--failed", "--plain", "--no-legend") == ""
    assert json.loads(plane.fetch(authority, "/healthz"))["ok"] is True
    assert [account["email"] for account in plane.salt_run("accounts.list")] == ["ann@example.org"]
    until(lambda: pings(plane), 120, "the node answers the master that was away")
