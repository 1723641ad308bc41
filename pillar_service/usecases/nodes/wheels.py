"""The bundle of wheels that new nodes install from, where this place hands one out."""

import hashlib
import tarfile
from functools import lru_cache
from pathlib import Path

from pillar_service.core.errors import NotFound, SaltcellarError, Unavailable
from pillar_service.core.nodes import wheels as rules
from pillar_service.settings import settings
from pillar_service.usecases.nodes import enrolment


def bundle(secret: str, address: str) -> Path:
    """The file, for whoever has a usable token; raises Unauthenticated, NotFound if there is none."""
    enrolment.look(secret, address)
    if not settings().node_bundle:
        raise NotFound("This place hands out no bundle of wheels: whoever runs it can name one in CELLAR_NODE_BUNDLE.")
    return _file()


def file() -> Path:
    """The file, for a node that was asked to install it; raises Unavailable if it is missing."""
    return _file()


def sha256() -> str:
    """The bundle's SHA-256; empty if there is none. Raises Unavailable."""
    if not settings().node_bundle:
        return ""
    try:
        there = _file().stat()
        return _sha256(str(_file()), there.st_mtime_ns, there.st_size)
    except OSError as error:
        raise _away(error) from error


def fits() -> list[rules.Fit]:
    """What the bundle is for; empty if there is none, or none that can be read."""
    if not settings().node_bundle:
        return []
    try:
        there = _file().stat()
        return list(_fits(str(_file()), there.st_mtime_ns, there.st_size))
    except (OSError, EOFError, tarfile.TarError, SaltcellarError):
        return []


def _file() -> Path:
    file = Path(settings().node_bundle).absolute()
    if not file.is_file():
        raise _away("it is not there")
    return file


def _away(why: object) -> SaltcellarError:
    return Unavailable(
        f"The bundle of wheels can't be read ({why}): whoever runs this place must correct CELLAR_NODE_BUNDLE."
    )


@lru_cache(maxsize=4)
def _sha256(file: str, changed_ns: int, size: int) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@lru_cache(maxsize=4)
def _fits(file: str, changed_ns: int, size: int) -> tuple[rules.Fit, ...]:
    with tarfile.open(file) as archive:
        return tuple(rules.fits(archive.getnames()))
