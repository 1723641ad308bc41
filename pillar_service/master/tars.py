"""A pub's tar between the service and a file on the master."""

import os
import tempfile
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Invalid
from pillar_service.master import following
from pillar_service.master.client import Client


def export(service: Client, bot: str, path: str, kind: str = "everything") -> dict[str, Any]:
    """Exports a bot, or one kind of its data, into the file ``path``, which appears whole and with mode 0600, or not.

    Returns what is in it (pub_id, sequence, kind, size, sha256) and the path. Raises Invalid when the path is not absolute or
    its folder is not there, and what the service and the job raise.
    """
    target = Path(path)
    if not target.is_absolute() or not target.parent.is_dir():
        raise Invalid(f"{str(path)!r:.200} can't be written: give an absolute path in a folder that is there.")
    job = following.finished(service, service.submit("bots.export", bot, {"kind": kind}))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            service.download(job["id"], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    return {**job["result"], "path": str(target)}


def upload(service: Client, path: str) -> dict[str, Any]:
    """Hands a tar in to be imported; returns its upload id and what is in it. Raises what the service says of it."""
    with open(path, "rb") as file:
        return service.upload(file, os.fstat(file.fileno()).st_size)
