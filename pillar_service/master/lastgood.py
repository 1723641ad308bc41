"""Last known good pillars on the master's disk, which nodes get while the service is away."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillar_service.core.nodes import pillar


@dataclass(frozen=True)
class Kept:
    """A pillar, its ETag, and when the service last confirmed it (Unix seconds)."""

    pillar: dict[str, Any]
    etag: str
    confirmed: float


class LastGood:
    """The copy of one node's pillar from one URL, under ``folder`` (made if missing, for its owner only)."""

    def __init__(self, folder: str, url: str, node: str) -> None:
        self._node = node
        self._folder = Path(folder)
        self._file = self._folder / f"{hashlib.sha256(f'{url} {node}'.encode()).hexdigest()}.json"

    def read(self) -> Kept | None:
        """The copy, or None when there is none that is complete and of this node."""
        try:
            with self._file.open(encoding="utf-8") as file:
                told = json.load(file)
                confirmed = os.fstat(file.fileno()).st_mtime
            return Kept(pillar.read(self._node, told["pillar"]), str(told["etag"]), confirmed)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, told: Mapping[str, Any], etag: str) -> None:
        """Writes the copy. It is on disk before it replaces the old one, so that a crash leaves one or the other."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder)  # made with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"etag": etag, "pillar": told}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._file)
        except BaseException:
            os.unlink(name)
            raise

    def confirm(self) -> None:
        """Records that the service has just confirmed the copy."""
        os.utime(self._file)
