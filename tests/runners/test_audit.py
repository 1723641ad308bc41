"""nodes.audit on a master's folders as provisioning makes them: it finds nothing until something is changed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.config
import yaml

from pillar_service.core.service.drift import LOG_MOST
from pillar_service.master import drift
from pillar_service.master.client import Client

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "master"))  # for wire_service.py

KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"
OTHERS = ("cache/proc", "run", "runners", "states")


class Place:
    """A master's folders, and what the service says about keys."""

    def __init__(self, folder: Path, service: Any) -> None:
        self.folder, self.service = folder, service
        for name in ["etc", "shipped", "cache", "cache/pillar", "cache/sessions", "pki", "pki/minions", *OTHERS]:
            (folder / name).mkdir(mode=0o700)
        for name in ("token", "cache/.root_key", "cache/pillar/shed.p", "cache/sessions/shed", "pki/master.pem"):
            self.write(name, "x").chmod(0o600)
        for file in (TOP / "salt" / "master.d").glob("*.conf"):
            self.write(f"shipped/{file.name}", file.read_text())
        self.write("runners/nodes.py", (TOP / "runners" / "nodes.py").read_text())
        self.write("states/top.sls", "base: {}")
        self.write("pki/minions/shed", KEY)
        self.knows(shed=(KEY, "accepted"))
        self.configure()

    def write(self, name: str, text: str) -> Path:
        """Write a file that others can read but not write."""
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o644)
        return self.folder / name

    def knows(self, **keys: tuple[str, str]) -> None:
        """Let the service have these nodes' keys, with their states."""
        import wire_service as wire

        told = [{"node": node, "public_key": key, "state": state} for node, (key, state) in keys.items()]
        self.service.answering = wire.answer("200 OK", json.dumps({"serial": 1, "keys": told}).encode())

    def configure(self, **more: Any) -> None:
        """Write the master's configuration."""
        at, asked = self.folder, {"url": self.service.url, "token_file": str(self.folder / "token")}
        written = {
            "include": f"{at}/shipped/*.conf",
            "root_dir": str(at),
            "user": "root",
            "cachedir": str(at / "cache"),
            "pki_dir": str(at / "pki"),
            "sock_dir": str(at / "run"),
            "runner_dirs": [str(at / "runners")],
            "file_roots": {"base": [str(at / "states")]},
            "log_file": str(at / "log"),
            "saltcellar": asked,
            "engines": [{"dispatcher": asked}],
        }
        self.write("etc/master", yaml.safe_dump(written))
        self.write("shipped/z.conf", yaml.safe_dump(more))  # In Salt, included files win, and of those the last.

    def told(self) -> list[str]:
        """Run the audit; return what its findings are about."""
        opts = salt.config.master_config(str(self.folder / "etc" / "master"))
        found = drift.found(opts, Client(self.service.url, str(self.folder / "token"), actor="tester"), nodes=False)
        assert found.get("retcode", 0) == int(bool(found["drift"]))
        return [one["about"].removeprefix(f"{self.folder}/") for one in found["drift"]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A master as it should be."""
    import wire_service as wire

    with wire.served(wire.answer("200 OK", b"{}")) as service:
        yield Place(tmp_path, service)


def test_nothing_is_told_of_a_master_as_it_should_be(place: Place) -> None:
    assert place.told() == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("external_auth", {"pam": {"mallory": [".*"]}}),
        ("publisher_acl", {"mallory": ["test.ping"]}),
        ("open_mode", True),
        ("minimum_auth_version", 0),
        ("peer", {".*": [".*"]}),
        ("autosign_file", "autosign"),
        ("request_server_ttl", 0),
        ("fileserver_backend", ["gitfs"]),
        ("engines", []),
    ],
)
def test_an_option_that_was_changed_is_told(option: str, value: Any, place: Place) -> None:
    place.configure(**{option: value})
    assert place.told() == [f"option {option}"]


@pytest.mark.parametrize(
    ("file", "mode"),
    [
        ("cache", 0o755),
        ("pki", 0o750),
        ("run", 0o755),
        ("token", 0o644),
        ("cache/.root_key", 0o640),
        ("cache/pillar/shed.p", 0o644),
        ("cache/sessions/shed", 0o604),
        ("pki/master.pem", 0o444),
        ("etc/master", 0o664),
        ("runners", 0o777),
        ("runners/nodes.py", 0o646),
        ("states/top.sls", 0o666),
    ],
)
def test_a_mode_that_was_changed_is_told(file: str, mode: int, place: Place) -> None:
    (place.folder / file).chmod(mode)
    assert place.told() == [file]


@pytest.mark.parametrize(("file", "mode"), [("secrets", 0o755), ("secrets/secret-key", 0o644)])
def test_a_secret_of_the_service_that_lies_open_is_told(file: str, mode: int, place: Place) -> None:
    (place.folder / "secrets").mkdir(mode=0o750)
    place.write("secrets/secret-key", "x").chmod(0o640)
    assert place.told() == []
    (place.folder / file).chmod(mode)
    assert place.told() == [file]


def test_a_log_that_nobody_rotates_is_told(place: Place) -> None:
    with place.write("log", "").open("w") as log:
        log.truncate(LOG_MOST + 1)
    assert place.told() == ["log"]


def test_a_key_that_only_one_side_accepts_is_told(place: Place) -> None:
    place.write("pki/minions/stranger", KEY)
    place.knows(shed=(KEY, "revoked"), gone=(KEY, "accepted"))
    assert place.told() == ["key shed", "key stranger", "key gone"]


def test_a_service_that_is_away_is_told_beside_the_rest(place: Place) -> None:
    place.service.url = "http://127.0.0.1:9"
    place.configure(open_mode=True)
    assert place.told() == ["option open_mode", "keys"]
