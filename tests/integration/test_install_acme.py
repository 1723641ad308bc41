"""A control plane on SQLite with Slack gets its certificate from an ACME authority, and renews it.

The authority is Debian's Pebble, Let's Encrypt's test server, on the same machine.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import machines
import planes
import pytest
from daemons import running, until
from planes import DOMAIN, UNITS, UNPACKED, Plane

pytestmark = pytest.mark.campaign

ACME = "/root/acme"
TRUSTED = {"REQUESTS_CA_BUNDLE": f"{ACME}/localhost.pem"}
PEBBLE = {
    "listenAddress": "127.0.0.1:14000",
    "managementListenAddress": "127.0.0.1:15000",
    "certificate": f"{ACME}/localhost.pem",
    "privateKey": f"{ACME}/localhost.key",
    "httpPort": 80,
    "tlsPort": 443,
}
TOLD = {
    "domain": DOMAIN,
    "contact": "ops@cellar.test",
    "acme_server": "https://localhost:14000/dir",
    "slack": True,
    "settings": {"CELLAR_DOMAIN": "pubs.cellar.test", "CELLAR_SLACK_URL": "http://127.0.0.1:9/"},
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A machine with the release and an authority, on which nothing is installed yet."""
    folder = tmp_path_factory.mktemp("acme")
    machines.build()
    pillar, pebble = folder / "controlplane.sls", folder / "pebble.json"
    pillar.write_text(json.dumps({"controlplane": TOLD}))
    pebble.write_text(json.dumps({"pebble": PEBBLE}))
    with running(Plane(planes.release(folder), {DOMAIN: "127.0.0.1"})) as plane:
        plane.unpack()
        plane.put(pillar, "/root/controlplane.sls")
        plane.put(pebble, f"{ACME}/pebble.json")
        _authority(plane)
        yield plane


def _authority(plane: Plane) -> None:
    plane.run("apt-get", "update", "-q")
    plane.run("apt-get", "install", "-y", "-q", "--no-install-recommends", "pebble", "openssl")
    plane.run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", f"{ACME}/localhost.key", "-out", f"{ACME}/localhost.pem"),
    )
    quick = ("-E", "PEBBLE_VA_NOSLEEP=1", "-E", "PEBBLE_WFE_NONCEREJECT=0")
    plane.run("systemd-run", "--unit=pebble", *quick, "/usr/bin/pebble", "-config", f"{ACME}/pebble.json")
    until(lambda: plane.says("ss", "-Hltn", "sport = :14000"), 20, "the authority listens")


def root(plane: Plane, file: Path) -> Path:
    """Writes the authority's root certificate, which it makes anew at each start, into the file."""
    file.write_text(plane.run("curl", "-sS", "--cacert", f"{ACME}/localhost.pem", "https://localhost:15000/roots/0"))
    return file


def serial(plane: Plane) -> str:
    """The serial number of the certificate that nginx serves."""
    shown = f"openssl s_client -connect 127.0.0.1:443 -servername {DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout -serial"
    return plane.run("sh", "-c", shown).strip()


def test_what_is_missing_is_said_and_done_when_it_is_there(plane):
    """Slack is configured but its token is missing: everything else is installed all the same."""
    said = plane.says(f"{UNPACKED}/vagrant/bootstrap.sh", "/root/controlplane.sls")
    assert "reason  cellar certificate" in said, said  # without TRUSTED, the authority's certificate is not trusted
    done = plane.says(
        "env", *(f"{name}={value}" for name, value in TRUSTED.items()), f"{UNPACKED}/vagrant/bootstrap.sh"
    )
    assert "reason  cellar slack token: Specified path /etc/cellar/secrets/slack-bot-token does not exist" in done, done

    for name in ("slack-bot-token", "slack-signing-secret"):
        plane.run("sh", "-c", f"echo xoxb-not-a-real-one > /etc/cellar/secrets/{name}")
    said = plane.run(f"{UNPACKED}/vagrant/bootstrap.sh", **TRUSTED)
    assert "FAILED" not in said, said
    units = (*UNITS, "saltcellar-chat")
    assert plane.says("systemctl", "is-active", *units).split() == ["active"] * len(units)
    assert plane.run("stat", "-c", "%U:%G %a", "/etc/cellar/secrets/slack-bot-token").strip() == "root:saltcellar 640"


def test_the_place_shows_the_certificate_that_the_authority_signed(plane, tmp_path):
    assert "pubs.cellar.test" in plane.fetch(root(plane, tmp_path / "root.pem"), "/sign-in")


def test_applied_again_nothing_changes(plane):
    told = plane.run("cellar", "apply")
    assert "Failed:     0" in told
    assert "(changed=" not in told, told


def test_a_renewed_certificate_is_shown_without_a_restart(plane, tmp_path):
    before, pid = serial(plane), plane.run("systemctl", "show", "-P", "MainPID", "nginx")
    plane.run("certbot", "renew", "--non-interactive", "--force-renewal", "--no-random-sleep-on-renew", **TRUSTED)
    until(lambda: serial(plane) != before, 20, "nginx shows the new certificate")
    assert plane.run("systemctl", "show", "-P", "MainPID", "nginx") == pid
    assert "pubs.cellar.test" in plane.fetch(root(plane, tmp_path / "root.pem"), "/sign-in")
    assert plane.run("systemctl", "is-enabled", "certbot.timer").strip() == "enabled"
