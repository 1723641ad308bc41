"""A pub's tar between the service and a file on the master."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid
from pillar_service.master import following
from pillar_service.master.client import Client


def target(path: str) -> Path:
    """Where a tar is to be written; raises Invalid when the path is not absolute or its folder is not there."""
    file = Path(path)
    if "\0" in path or not file.is_absolute() or not file.parent.is_dir():
        raise Invalid(f"{names.shown(path)} can't be written: give an absolute path in a folder that is there.")
    return file


def asked(service: Client, bot: str, kind: str = "everything") -> dict[str, Any]:
    """A new job that exports a bot, or one kind of its data. Raises what the service says."""
    return service.submit("bots.export", bot, {"kind": kind})


def known(service: Client, bot: str, job: str) -> dict[str, Any]:
    """A job that was asked for before; raises Conflict when it is not this bot's export."""
    found, _ = service.job(job)
    if found["command"] != "bots.export" or bot not in (found["bot"], found["bot_name"]):
        raise Conflict(f"The job {names.shown(job)} is no export of {names.shown(bot)}.")
    return found


def export(service: Client, asked: Mapping[str, Any], target: Path) -> dict[str, Any]:
    """Waits for the job of an export, and writes its tar into a file, which appears whole and with mode 0600, or not.

    Returns what is in it (pub_id, sequence, kind, size, sha256) and the path. Raises what the service and the job raise.
    """
    job = following.finished(service, asked)
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


def upload(service: Client, tar: Path) -> dict[str, Any]:
    """Hands a tar in to be imported; returns its upload id and what is in it.

    Raises OSError, and what the service says of it.
    """
    with tar.open("rb") as file:
        return service.upload(file, os.fstat(file.fileno()).st_size)
