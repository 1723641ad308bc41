"""A bot's data directory, which belongs to its pub. Its parent belongs to root, so that the pub can't replace it."""

import os
import stat
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.node.paths import PUB_USER

MODE = 0o700


def amiss(folder: Path) -> dict[str, Any]:
    """What is wrong with it, each as ``old`` and ``new``; raises Failed if it is no directory."""
    try:
        there = os.stat(folder, follow_symlinks=False)
    except FileNotFoundError:
        return {"directory": {"old": None, "new": str(folder)}}
    if not stat.S_ISDIR(there.st_mode):
        raise Failed(f"{folder} is no directory: move it away, then start the bot again.")
    found = {"user": there.st_uid, "group": there.st_gid, "mode": f"{stat.S_IMODE(there.st_mode):04o}"}
    wanted = {"user": PUB_USER, "group": PUB_USER, "mode": f"{MODE:04o}"}
    return {key: {"old": found[key], "new": wanted[key]} for key in wanted if found[key] != wanted[key]}


def put(folder: Path) -> None:
    """Make it with the right owner and mode, or correct them. Raises OSError."""
    folder.mkdir(mode=MODE, exist_ok=True)
    os.chown(folder, PUB_USER, PUB_USER)
    os.chmod(folder, MODE)
