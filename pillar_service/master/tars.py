"""Copying a pub's tar between the service and a file on the master."""

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
    """The path to write a tar to; raises Invalid when it is not absolute, or its folder does not exist."""
    file = Path(path)
    if "\0" in path or not file.is_absolute() or not file.parent.is_dir():
        raise Invalid(f"{names.shown(path)} can't be written: give an absolute path in a folder that exists.")
    return file


def asked(service: Client, bot: str, kind: str = "everything") -> dict[str, Any]:
    """Asks for an export of a bot, or of one kind of its data; returns the job. Raises the service's errors."""
    return service.submit("bots.export", bot, {"kind": kind})


def known(service: Client, bot: str, job: str) -> dict[str, Any]:
    """An export job that was asked for before; raises Conflict when it is not this bot's export."""
    found, _ = service.job(job)
    if found["command"] != "bots.export" or bot not in (found["bot"], found["bot_name"]):
        raise Conflict(f"The job {names.shown(job)} is not an export of {names.shown(bot)}.")
    return found


def export(service: Client, asked: Mapping[str, Any], target: Path) -> dict[str, Any]:
    """Waits for an export job, and writes its tar to a file, which appears only once it is complete, with mode 0600.

    Returns what is in it (pub_id, sequence, kind, size, sha256) and the path. Raises the service's errors, Failed when the
    job failed, and OSError.
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
    """Uploads a tar to be imported; returns its upload id and what is in it.

    Raises OSError, and the service's errors.
    """
    with tar.open("rb") as file:
        return service.upload(file, os.fstat(file.fileno()).st_size)
