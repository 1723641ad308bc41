"""A pub's configuration file: root's, seen by the pub read-only. It reads it when it starts, and who it has to be with it."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core import names
from pillar_service.node import disk

SECTION, PUB_ID = "saltcellar", "pub_id"
MODE = 0o644


def told(config: Mapping[str, Any], pub_id: str | None) -> dict[str, Any]:
    """The configuration with the id of the pub that is to start with it, once that is known."""
    section = {key: value for key, value in config[SECTION].items() if key != PUB_ID}
    return {**config, SECTION: section | ({PUB_ID: pub_id} if pub_id else {})}


def named(config: Mapping[str, Any] | None) -> str | None:
    """Who the pub is by its configuration; None where that does not say it."""
    found = config[SECTION].get(PUB_ID) if config else None
    return found if names.is_pub_id(found) else None


def read(path: Path) -> dict[str, Any] | None:
    """The configuration that is written there; None where that is none, or not root's alone to write."""
    try:
        found = os.stat(path, follow_symlinks=False)
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_roots = (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, MODE)
    return config if is_roots and isinstance(config, dict) and isinstance(config.get(SECTION), dict) else None


def write(path: Path, config: Mapping[str, Any]) -> None:
    """Put the configuration there, whole. Raises OSError."""
    disk.write_atomically(path, json.dumps(config, indent=2, sort_keys=True).encode() + b"\n", MODE)
    os.chmod(path, MODE)  # whatever the umask is
    os.chown(path, 0, 0)


def name(path: Path, config: Mapping[str, Any]) -> None:
    """The same in place of one that only did not say who the pub is. Raises OSError.

    The time stays: a container that is younger than its configuration file was made from it.
    """
    before = os.stat(path)
    write(path, config)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
