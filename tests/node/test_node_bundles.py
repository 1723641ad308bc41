"""Bundles on a node: only what is signed, fresh and meant for it is used; otherwise the previous one stays in use."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pillar_service.core.errors import Conflict, Forbidden, Invalid, SaltcellarError
from pillar_service.core.nodes import bundles
from pillar_service.core.nodes.bundles import Manifest
from pillar_service.node.bundles.keeping import Keeping
from pillar_service.node.paths import Home

SIGNER = Ed25519PrivateKey.generate()
KEY = SIGNER.public_key().public_bytes_raw().hex()
ACCOUNT = "9e0f1f3a9c2e5b7d"
NODE = f"web-1.{ACCOUNT}"
FILES = {"machines/lamp.yaml": b"machine: lamp", "beacons/odd.py": b"x = 1", "checks/well": b"#!/bin/sh\n"}


def bundle(
    serial: int = 1,
    files: dict[str, bytes] | None = None,
    signer: Ed25519PrivateKey = SIGNER,
    change: Callable[[dict[str, Any]], None] = lambda told: None,
    **more: Any,
) -> bytes:
    files = FILES if files is None else files
    now = int(time.time())
    digests = {path: bundles.digest(content) for path, content in files.items()}
    told = {"made_at": now, "expires_at": now + 3600, "files": digests, **more}
    raw = json.loads(Manifest(serial, **told).written())
    change(raw)
    signed = json.dumps(raw).encode()
    return bundles.packed(signed, signer.sign(signed), files)


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(Home(tmp_path), NODE, lambda: {"os": "Debian", "labels": {"site": "north-3"}}, now=time.time)


def used(keeping: Keeping) -> dict[str, bytes]:
    found = {str(one.relative_to(keeping.folder)): one for one in keeping.folder.rglob("*") if not one.is_dir()}
    return {path: one.read_bytes() for path, one in found.items()}


def test_a_bundle_is_used_and_a_newer_one_takes_its_place(keeping: Keeping) -> None:
    keeping.take(bundle(1), KEY)
    assert used(keeping) == FILES
    assert os.access(keeping.folder / "checks/well", os.X_OK)
    keeping.take(bundle(2, {"machines/other.yaml": b"machine: other"}), KEY)
    assert used(keeping) == {"machines/other.yaml": b"machine: other"}
    assert keeping.serial == 2


def put(path: str, digest: str = "0" * 64) -> Callable[[dict[str, Any]], None]:
    return lambda told: told["files"].update({path: digest})


HOSTILE: dict[str, tuple[Callable[[], bytes], type[SaltcellarError], str]] = {
    "another's key": (
        lambda: bundle(9, signer=Ed25519PrivateKey.generate()),
        Forbidden,
        "not signed with the service's key",
    ),
    "an old serial": (lambda: bundle(4), Conflict, "older than 5"),
    "expired": (lambda: bundle(9, expires_at=1), Conflict, "has expired"),
    "another account's": (lambda: bundle(9, account="0" * 16), Forbidden, "not for this node"),
    "not allowed": (lambda: bundle(9, allow=("db-*",)), Forbidden, "not for this node"),
    "denied": (lambda: bundle(9, deny=("web-*",)), Forbidden, "not for this node"),
    "other facts": (lambda: bundle(9, facts={"labels:site": "south-*"}), Forbidden, "not for this node"),
    "facts that are not": (lambda: bundle(9, facts={"nothing:here": "*"}), Forbidden, "not for this node"),
    "up and away": (lambda: bundle(9, change=put("machines/../../x.yaml")), Invalid, "can't be in a bundle"),
    "from the root": (lambda: bundle(9, change=put("/etc/passwd")), Invalid, "can't be in a bundle"),
    "a hidden file": (lambda: bundle(9, change=put("checks/.x")), Invalid, "can't be in a bundle"),
    "a newline": (lambda: bundle(9, change=put("checks/x\n")), Invalid, "can't be in a bundle"),
    "a path in files": (lambda: bundle(9, {"checks/../x": b""}), Invalid, "can't be in a bundle"),
    "a file missing": (lambda: bundle(9, change=put("checks/more")), Invalid, "not those that its manifest names"),
    "content changed": (
        lambda: bundle(9, change=put("checks/well")),
        Invalid,
        "checks/well is not what was signed",
    ),
    "no checksum": (lambda: bundle(9, change=put("checks/well", "x")), Invalid, "is not a SHA-256"),
    "no files": (lambda: bundle(9, {}), Invalid, "A bundle must have 1 to"),
    "many files": (lambda: bundle(9, {f"checks/x{n}": b"" for n in range(300)}), Invalid, "at most 200 files"),
    "a large file": (lambda: bundle(9, {"checks/x": b"x" * ((1 << 20) + 1)}), Invalid, "has more than 1048576 bytes"),
    "too large": (lambda: b" " * ((8 << 20) + 1), Invalid, "more than 8388608 bytes"),
    "another format": (
        lambda: bundle(9, change=lambda told: told.update(format=2)),
        Invalid,
        "not know the bundle's format",
    ),
    "a serial that is none": (lambda: bundle(9, change=lambda told: told.update(serial="x")), Invalid, "serial"),
    "a serial below all": (lambda: bundle(9, change=lambda told: told.update(serial=0)), Invalid, "serial"),
    "no json": (lambda: b"\xff", Invalid, "is not JSON"),
    "a deep one": (lambda: b"[" * 100_000, Invalid, "is not JSON"),
    "a list": (lambda: b"[]", Invalid, "is not an object"),
    "no base64": (lambda: b'{"manifest": "!", "signature": "", "files": {}}', Invalid, "is not base64"),
    "nothing": (lambda: b"", Invalid, "is not JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_and_the_running_one_kept(keeping: Keeping, name: str) -> None:
    make, kind, sentence = HOSTILE[name]
    keeping.take(bundle(5), KEY)
    with pytest.raises(kind, match=sentence):
        keeping.take(make(), KEY)
    assert (used(keeping), keeping.serial) == (FILES, 5)
    manifest, changed = keeping.verify(KEY)
    assert manifest
    assert (manifest.serial, changed) == (5, [])


def test_who_it_is_for_fits(keeping: Keeping) -> None:
    facts = {"os": "Deb*", "labels:site": "north-?"}
    assert keeping.take(bundle(1, account=ACCOUNT, allow=("web-*",), deny=("db-*",), facts=facts), KEY)


def test_serials_count_by_slot_and_a_file_of_old_counts_for_both(keeping: Keeping, tmp_path: Path) -> None:
    for one in (bundle(5), bundle(3, account=ACCOUNT), bundle(6), bundle(3, account=ACCOUNT)):
        assert keeping.take(one, KEY)
    for old in (bundle(5), bundle(2, account=ACCOUNT)):
        with pytest.raises(Conflict, match="publish it again"):
            keeping.take(old, KEY)
    assert keeping.serial == 6
    (keeping.folder.parent / "newest.json").write_text('{"serial": 8}')
    for old in (bundle(7), bundle(7, account=ACCOUNT)):
        with pytest.raises(Conflict):
            keeping.take(old, KEY)
    assert keeping.take(bundle(8, account=ACCOUNT), KEY)


def test_what_comes_along_counts_by_itself_and_an_older_node_took_none(keeping: Keeping) -> None:
    keeping.folder.parent.mkdir(parents=True)
    (keeping.folder.parent / "newest.json").write_text('{"serial": 8}')
    for one in (bundle(3, shipped=True), bundle(9), bundle(3, shipped=True)):
        assert keeping.take(one, KEY)
    for old in (bundle(2, shipped=True), bundle(8)):
        with pytest.raises(Conflict, match="publish it again"):
            keeping.take(old, KEY)


def test_without_a_synchronised_clock_nothing_expires(tmp_path: Path) -> None:
    assert Keeping(Home(tmp_path), NODE, now=lambda: None).take(bundle(1, expires_at=1), KEY)


def test_what_expires_in_use_is_used_on(tmp_path: Path) -> None:
    moments = [time.time()]
    keeping = Keeping(Home(tmp_path), NODE, now=lambda: moments[0])
    manifest = keeping.take(bundle(1), KEY)
    moments[0] += 7200
    assert keeping.verify(KEY)[0] == manifest
    assert keeping.has_expired(manifest)
    assert used(keeping) == FILES


def test_whatever_was_changed_by_hand_is_put_right(keeping: Keeping, tmp_path: Path) -> None:
    keeping.take(bundle(1), KEY)
    folder, outside = keeping.folder, tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("here")
    (folder / "machines/lamp.yaml").write_text("machine: evil")
    (folder / "machines/more.yaml").write_text("machine: more")
    (folder / "checks/well").unlink()
    (folder / "checks/well").symlink_to("/bin/true")
    (folder / "checks/deep").mkdir()
    (folder / "checks/deep/x").touch()
    (folder / "beacons/odd.py").unlink()
    (folder / "beacons").rmdir()
    (folder / "beacons").symlink_to(outside)
    (folder / "stray").touch()
    (folder / "machines/lamp.yaml").unlink()
    (folder / "machines/lamp.yaml").mkdir()
    _, changed = keeping.verify(KEY)
    assert used(keeping) == FILES
    assert not (folder / "beacons").is_symlink()
    assert (outside / "precious").read_text() == "here"
    assert {"machines/lamp.yaml", "machines/more.yaml", "checks/well", "checks/deep", "stray"} <= set(changed)
    assert keeping.verify(KEY)[1] == []


def test_a_bundle_that_was_forged_on_the_disk_is_used_no_more(keeping: Keeping) -> None:
    keeping.take(bundle(1), KEY)
    (keeping.folder.parent / "bundle.json").write_bytes(bundle(7, signer=Ed25519PrivateKey.generate()))
    with pytest.raises(Forbidden):
        keeping.verify(KEY)
    assert used(keeping) == {}


def test_the_operators_deny_list_wins(tmp_path: Path) -> None:
    keeping = Keeping(Home(tmp_path), NODE, denied=["machines/lamp.yaml", "beacons/*"], now=time.time)
    keeping.take(bundle(1), KEY)
    assert set(used(keeping)) == {"checks/well"}
    assert keeping.verify(KEY)[1] == []


def test_without_a_bundle_nothing_stands_there(keeping: Keeping) -> None:
    (keeping.folder / "machines").mkdir(parents=True)
    (keeping.folder / "machines/stray.yaml").touch()
    assert keeping.verify(KEY) == (None, ["machines/stray.yaml"])


def test_the_key_is_kept_for_a_start_alone(keeping: Keeping) -> None:
    assert keeping.key(None) is None
    assert keeping.key(KEY) == KEY
    assert keeping.key(None) == KEY
