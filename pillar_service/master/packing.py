"""Packing a directory of machines, beacons and checks for the service to sign."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import bundles


def bundle(directory: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the service is asked to sign: the files, and whom they are for; a single pattern becomes a list of one."""
    lists = {name: [told[name]] if isinstance(told[name], str) else told[name] for name in ("allow", "deny")}
    return {"files": files(directory), **told, **lists}


def files(directory: str) -> dict[str, str]:
    """The content of each file (base64), by its path in the bundle; raises Invalid for links and all that can't be in one."""
    root = Path(directory)
    if not root.is_absolute() or not root.is_dir():
        raise Invalid(f"{directory} is not a directory on this master: give its full path.")
    found, size = {}, 0
    for folder, folders, names in os.walk(root):
        for name in sorted([*names, *(one for one in folders if (Path(folder) / one).is_symlink())]):
            file = Path(folder) / name
            path = bundles.path(str(file.relative_to(root)))
            if file.is_symlink() or not file.is_file():
                raise Invalid(f"{path} is a link, or not a file: a bundle holds only files.")
            size += file.stat().st_size
            if size > bundles.LARGEST:
                raise Invalid(f"{directory} holds more than {bundles.LARGEST} bytes.")
            found[path] = base64.b64encode(file.read_bytes()).decode()
    return found
