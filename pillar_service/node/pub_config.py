"""A pub's configuration file, which belongs to root. The pub reads it when it starts; it also says which pub it has to be."""

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
    """The configuration with the id of the pub, if that is known."""
    section = {key: value for key, value in config[SECTION].items() if key != PUB_ID}
    return {**config, SECTION: section | ({PUB_ID: pub_id} if pub_id else {})}


def named(config: Mapping[str, Any] | None) -> str | None:
    """The pub's id in a configuration; None if there is none."""
    found = config[SECTION].get(PUB_ID) if config else None
    return found if names.is_pub_id(found) else None


def read(path: Path) -> dict[str, Any] | None:
    """The configuration in the file; None if it is missing or malformed, or has not root's owner, group and mode 0644."""
    try:
        found = os.stat(path, follow_symlinks=False)
        config = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_roots = (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, MODE)
    return config if is_roots and isinstance(config, dict) and isinstance(config.get(SECTION), dict) else None


def write(path: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration atomically. Raises OSError."""
    disk.write_atomically(path, json.dumps(config, indent=2, sort_keys=True).encode() + b"\n", MODE)
    os.chmod(path, MODE)  # whatever the umask is
    os.chown(path, 0, 0)


def name(path: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration over one that lacked only the pub's id. Raises OSError.

    The file's time stays: a container counts as made from its configuration file if it is younger.
    """
    before = os.stat(path)
    write(path, config)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
