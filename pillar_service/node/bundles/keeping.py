"""The bundle in use: one signed file, and a folder that is made to match it, again and again.

A crash at any moment leaves either the old bundle or the new one; the folder follows at the next check. Anything else in
the folder (an unsigned file, a link, a folder) is removed.
"""

import contextlib
import fnmatch
import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pillar_service.core.errors import Forbidden, Invalid
from pillar_service.core.nodes import bundles
from pillar_service.core.nodes.bundles import Manifest, Slot
from pillar_service.node import clock, disk
from pillar_service.node.clock import Moment
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

FOLDERS = ("machines", "beacons", "checks")


@dataclass(frozen=True)
class Verified:
    """A bundle whose signature, checksums and addressees are right."""

    manifest: Manifest
    files: Mapping[str, bytes]
    whole: bytes


def of_minion(home: Home, opts: Mapping[str, Any], known: Callable[[], Told]) -> "Keeping":
    """The Keeping of the minion with this configuration; ``known`` returns what its pillar says."""
    facts = dict(opts.get("grains") or {})
    return Keeping(home, opts["id"], lambda: {**facts, "labels": known().labels}, _denied(opts))


def told_of_bundles(opts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a minion's configuration says about bundles."""
    return (opts.get("saltcellar") or {}).get("bundles") or {}


def _denied(opts: Mapping[str, Any]) -> list[str]:
    """The patterns of files that this node's operator accepts from no bundle."""
    patterns = told_of_bundles(opts).get("deny") or []
    return [patterns] if isinstance(patterns, str) else [str(one) for one in patterns]


class Keeping:
    """Takes bundles for one node. ``denied`` are the operator's patterns of files that are left out of every bundle."""

    def __init__(
        self,
        home: Home,
        node: str,
        facts: Callable[[], Mapping[str, Any]] = dict,
        denied: Sequence[str] = (),
        now: Callable[[], float | None] = lambda: _known(clock.now()),
    ) -> None:
        self._home, self._node, self._facts, self._denied, self._now = home, node, facts, tuple(denied), now

    @property
    def folder(self) -> Path:
        """The folder of the bundle in use."""
        return self._home.bundles / "current"

    @property
    def _file(self) -> Path:
        return self._home.bundles / "bundle.json"

    @property
    def serial(self) -> int:
        """The highest serial that was ever taken here; 0 before the first."""
        return max(self._newest().values())

    def _newest(self) -> dict[Slot, int]:
        """The highest serial ever taken here, by slot; an older version's file has one serial for all published slots."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads((self._home.bundles / "newest.json").read_text())
            return {slot: int(told.get(slot, 0 if slot is Slot.SHIPPED else told["serial"])) for slot in Slot}
        return dict.fromkeys(Slot, 0)

    def key(self, told: str | None) -> str | None:
        """The service's key in the pillar (``told``) or, if it has none, the last one, for a node that starts alone."""
        file = self._home.bundles / "key"
        with contextlib.suppress(OSError):
            if told and _content(file) != told.encode():
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                disk.write_atomically(file, told.encode())
        kept = _content(file)
        return told or (kept.decode(errors="replace") if kept else None)

    def take(self, whole: bytes, key: str) -> Manifest:
        """Use this bundle from now on. If it is not valid, raises a SaltcellarError, and the one in use stays."""
        found = self._verified(whole, key)
        newest = self._newest()
        bundles.check_age(found.manifest, newest[found.manifest.slot], self._now())
        newest[found.manifest.slot] = found.manifest.serial
        self._home.bundles.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The serial first: after a crash between the two writes, the same bundle can still be taken.
        told = json.dumps({**newest, "serial": max(newest.values())}).encode()
        disk.write_atomically(self._home.bundles / "newest.json", told)
        disk.write_atomically(self._file, whole)
        disk.sync_folder(self._home.bundles)
        self._make(found)
        return found.manifest

    def verify(self, key: str) -> tuple[Manifest | None, list[str]]:
        """Verify the bundle in use; returns its manifest and the paths that were repaired.

        Raises Invalid or Forbidden if it is forged, and then uses none. A bundle that has expired stays in use: so a node
        that is cut off still heals its bots.
        """
        if (whole := self._whole()) is None:
            return None, self._purge({})
        try:
            found = self._verified(whole, key)
        except (Invalid, Forbidden):
            self._purge({})
            raise
        return found.manifest, self._make(found)

    def beacons(self, key: str) -> dict[str, bytes]:
        """The code of each beacon in use, by name, from the signed file as verified now. Raises if the file is forged."""
        whole = self._whole()
        files = self._wanted(self._verified(whole, key)) if whole is not None else {}
        return {Path(path).stem: one for path, one in files.items() if path.startswith("beacons/")}

    def stamp(self) -> object:
        """A value that differs once another bundle is in use; cheap to ask for."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _whole(self) -> bytes | None:
        try:
            with self._file.open("rb") as opened:
                return opened.read(bundles.LARGEST + 1)
        except FileNotFoundError:
            return None

    def has_expired(self, manifest: Manifest) -> bool:
        """Whether the bundle has expired; False if the clock is not synchronised."""
        now = self._now()
        return now is not None and now > manifest.expires_at

    def _verified(self, whole: bytes, key: str) -> Verified:
        opened = bundles.opened(whole)
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(opened.signature, opened.signed)
        except (InvalidSignature, ValueError) as error:
            raise Forbidden("The bundle is not signed with the service's key: none of it was used.") from error
        manifest = bundles.manifest(opened.signed)
        bundles.check_files(manifest, opened.files)
        if not manifest.is_for(self._node, self._facts()):
            raise Forbidden(f"The bundle {manifest.serial} is not for this node.")
        return Verified(manifest, opened.files, whole)

    def _make(self, found: Verified) -> list[str]:
        """Make the folder match what was signed, without what is denied here; returns the paths that had to be changed."""
        wanted = self._wanted(found)
        changed = self._purge(wanted)
        for path, content in sorted(wanted.items()):
            file = self.folder / path
            mode = 0o700 if path.startswith("checks/") else 0o600
            if _content(file) != content or stat.S_IMODE(file.stat().st_mode) != mode:
                disk.write_atomically(file, content, mode)
                file.chmod(mode)
                changed.append(path)
        return changed

    def _wanted(self, found: Verified) -> dict[str, bytes]:
        """The signed files, without those that are denied here."""
        return {
            path: content
            for path, content in found.files.items()
            if not any(fnmatch.fnmatchcase(path, one) for one in self._denied)
        }

    def _purge(self, wanted: Mapping[str, bytes]) -> list[str]:
        """Remove what is not wanted, without following links; returns what was removed."""
        removed = []
        for folder in (self._home.bundles, self.folder, *(self.folder / name for name in FOLDERS)):
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                folder.unlink()
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place in (self.folder, *(self.folder / name for name in FOLDERS)):
            for one in sorted(place.iterdir()):
                path = str(one.relative_to(self.folder))
                if path not in FOLDERS and (path not in wanted or one.is_symlink() or not one.is_file()):
                    _remove(one)
                    removed.append(path)
        return removed


def _known(now: Moment) -> float | None:
    """Unix seconds; None if the clock is not synchronised: then nothing expires."""
    return now.at if now.is_synced else None


def _content(file: Path) -> bytes | None:
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(opened, "rb") as content:
        return content.read(bundles.LARGEST_FILE + 1)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
