"""A bundle's beacons as a minion runs them: only those that were signed, from exactly what was signed."""

import json
import py_compile
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import salt.beacons
import salt.config
import salt.loader
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pillar_service.core.errors import Forbidden
from pillar_service.core.nodes import bundles
from pillar_service.core.nodes.bundles import Event, Manifest
from pillar_service.node.bundles.beacons import VERIFIED_FOR_S, Beacons
from pillar_service.node.bundles.keeping import Keeping
from pillar_service.node.paths import Home
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told

SIGNER = Ed25519PrivateKey.generate()
KEY = SIGNER.public_key().public_bytes_raw().hex()
NODE = "cellar-1"
WARM = b"""
def validate(config):
    return config[0].get("above", 30) < 100, "above must be less than 100"

def beacon(config):
    return [{"tag": "hot", "degrees": __salt__["room.degrees"](), "above": config[0].get("above", 30)}]
"""
LENT = {"__salt__": {"room.degrees": lambda: 31}, "__opts__": {"id": NODE}, "__grains__": {}}


def bundle(serial: int, signer: Ed25519PrivateKey = SIGNER, **code: bytes) -> bytes:
    files = {f"beacons/{name}.py": content for name, content in code.items()} or {"checks/none": b""}
    digests, now = {path: bundles.digest(content) for path, content in files.items()}, int(time.time())
    signed = Manifest(serial, now, now + 3600, digests).written()
    return bundles.packed(signed, signer.sign(signed), files)


class Room:
    """A node, its bundle and what its beacons fire; ``passes`` moves the time on."""

    def __init__(self, home: Home, denied: tuple[str, ...] = ()) -> None:
        self.home, self.now = home, 0.0
        self.keeping = Keeping(home, NODE, denied=denied, now=time.time)
        self.spool = Spool(home)
        self.settings: dict[str, Any] = {}
        self.beacons = Beacons(self.keeping, lambda: Told(bundle_key=KEY), self.spool, self.settings)

    def publish(self, serial: int, **code: bytes) -> None:
        self.keeping.take(bundle(serial, **code), KEY)

    def fires(self, **settings: Any) -> list[dict[str, Any]]:
        self.settings.update(settings)
        return self.beacons.fire(LENT, self.now)

    def passes(self) -> None:
        self.now += VERIFIED_FOR_S

    def told(self) -> list[Any]:
        return [(one.subject, one.data) for one in self.spool.batch().events if one.type == Event.FIRED]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(Home(tmp_path))


def test_it_fires_on_the_bus_and_into_the_spool_and_stops_when_it_is_taken_out(room: Room) -> None:
    assert room.fires() == []
    room.publish(1, warm=WARM)
    assert room.fires(warm={"above": 20}) == [{"tag": "warm/hot", "degrees": 31, "above": 20}]
    assert room.told() == [("warm", {"tag": "hot", "degrees": 31, "above": 20})]
    room.publish(2)
    assert room.fires() == []


def test_a_newer_one_takes_its_place_and_others_remember(room: Room) -> None:
    counts = b"n = 0\ndef beacon(config):\n    global n\n    n += 1\n    return [{'n': n}]\n"
    room.publish(1, counts=counts, warm=b"def beacon(config): return [{'old': 1}]")
    assert [one.get("n") for one in room.fires() + room.fires()] == [1, None, 2, None]
    room.publish(2, counts=counts, warm=WARM)
    assert [(one.get("n"), one.get("degrees")) for one in room.fires()] == [(3, None), (None, 31)]


def test_what_somebody_put_into_the_folder_is_never_loaded(room: Room, tmp_path: Path) -> None:
    room.publish(1, warm=WARM)
    folder = room.keeping.folder / "beacons"
    for name in ("warm", "forged"):
        (folder / f"{name}.py").write_text("def beacon(config): return [{'forged': 1}]")
        py_compile.compile(str(folder / f"{name}.py"))
    room.passes()
    assert [one["tag"] for one in room.fires()] == ["warm/hot"]


def test_a_forged_bundle_runs_nothing(room: Room) -> None:
    room.publish(1, warm=WARM)
    assert room.fires()
    forged = bundle(2, Ed25519PrivateKey.generate(), warm=WARM)
    (room.home.bundles / "bundle.json").write_bytes(forged)
    assert room.fires() == []
    with pytest.raises(Forbidden):
        room.keeping.beacons(KEY)


def test_whoever_runs_the_node_has_the_last_word(tmp_path: Path) -> None:
    room = Room(Home(tmp_path), denied=("beacons/w*",))
    room.publish(1, warm=WARM, other=b"def beacon(config): return [{}]")
    assert [one["tag"] for one in room.fires()] == ["other"]


BROKEN = {
    "syntax": b"def beacon(",
    "raises": b"def beacon(config): raise OSError('no sensor')",
    "exits": b"def beacon(config): return 7",
    "none": b"x = 1",
    "unwilling": b"def __virtual__(): return False\ndef beacon(config): return [{}]",
    "invalid": WARM,
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_that_fails_is_said_once_and_stops_no_other(
    room: Room, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    room.publish(1, **{name: BROKEN[name]}, zest=b"def beacon(config): return [{'fine': 1}]")
    for _ in range(3):
        assert [one["tag"] for one in room.fires(invalid={"above": 500})] == ["zest"]
    assert caplog.text.count(f"the beacon {name} of the bundle can't be run") == 1


def test_what_is_no_json_stays_on_the_bus(room: Room) -> None:
    room.publish(1, odd=b"def beacon(config): return [{'at': object()}]")
    assert [one["tag"] for one in room.fires()] == ["odd"]
    assert room.told() == []
    assert json.dumps(room.told()) == "[]"


def test_salts_own_loader_runs_it(room: Room, tmp_path: Path) -> None:
    """With what Salt gives a beacon; the copied folder is the thin file that a master serves."""
    code = b"def beacon(config): return [{'ping': __salt__['test.ping'](), 'id': __opts__['id'], **config[0]}]"
    room.publish(1, lent=code + b"\n\n")
    opts = dict(salt.config.minion_config(None)) | {
        "id": NODE,
        "root_dir": str(tmp_path),
        "cachedir": str(tmp_path / "cache"),
        "pki_dir": str(tmp_path / "pki"),
        "extension_modules": str(tmp_path / "extmods"),
        "saltcellar": {"data": str(tmp_path), "bundles": {"settings": {"lent": {"word": "own"}}}},
    }
    shutil.copytree(Path(__file__).resolve().parents[2] / "beacons", tmp_path / "extmods" / "beacons")
    assert room.keeping.key(KEY) == KEY
    beacons = salt.beacons.Beacon(opts, salt.loader.minion_mods(opts))
    [fired] = beacons.process({"bundled": []}, {"id": NODE})
    assert fired["tag"] == f"salt/beacon/{NODE}/bundled/lent"
    assert {name: fired["data"][name] for name in ("ping", "word")} == {"ping": True, "word": "own"}
    assert [subject for subject, _ in room.told()] == ["lent"]
