"""The pub's image, for nodes that lack it, where this place hands one out."""

import hashlib
import json
import logging
import tarfile
import zlib
from functools import lru_cache
from pathlib import Path

from pillar_service.core.errors import Invalid, NotFound, SaltcellarError
from pillar_service.core.nodes.pillar import ImageFacts
from pillar_service.settings import settings

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
LARGEST_PART = 1 << 20


def handed_out() -> ImageFacts | None:
    """What nodes are told about the image; None if there is none, or if its file can't be used, which is logged.

    Cheap as long as the file doesn't change: it is called for each pillar that is written.
    """
    if not settings().pub_image_tar:
        return None
    path = Path(settings().pub_image_tar).absolute()
    try:
        there = path.stat()
    except OSError as error:
        return _none(str(path), settings().pub_image, error.strerror or str(error))
    return _looked_at(str(path), there.st_mtime_ns, there.st_size, settings().pub_image)


def file(sha256: str) -> Path:
    """The tar with that SHA-256; raises NotFound if it is not the one being handed out now."""
    found = handed_out()
    if found is None or found.sha256 != sha256:
        raise NotFound("This place no longer hands out this image of the pub: refresh this node's pillar.")
    return Path(settings().pub_image_tar).absolute()


@lru_cache(maxsize=4)
def _looked_at(path: str, changed_ns: int, size: int, tag: str) -> ImageFacts | None:
    try:
        id, architecture = _held(path, tag)
        with Path(path).open("rb") as opened:
            return ImageFacts(tag, id, architecture, hashlib.file_digest(opened, "sha256").hexdigest(), size)
    except (OSError, EOFError, tarfile.TarError, zlib.error, SaltcellarError) as error:
        return _none(path, tag, str(error))


@lru_cache(maxsize=4)
def _none(path: str, tag: str, why: str) -> None:
    log.warning(
        "Nodes that lack the pub's image %s can't get it here, because CELLAR_PUB_IMAGE_TAR (%s) can't be used: %s "
        "Run vagrant/image-tar.sh to make it.", tag, path, why
    )  # fmt: skip


def _held(path: str, tag: str) -> tuple[str, str]:
    """The id and architecture of the one image in a tar of `docker save`, which must have that name; raises Invalid.

    A tar of our own has this metadata at its front; in any other, everything before it is unpacked, once.
    """
    with tarfile.open(path) as archive:
        try:
            [image] = json.loads(_part(archive, MANIFEST))
            names, configuration = list(map(str, image["RepoTags"] or [])), str(image["Config"])
            architecture = str(json.loads(_part(archive, configuration))["architecture"])
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid("It is not a `docker save` of one image.") from error
    if tag not in names:
        raise Invalid(f"It holds {', '.join(names) or 'an image without a name'}, but CELLAR_PUB_IMAGE is {tag}.")
    return f"sha256:{Path(configuration).name.removesuffix('.json')}", architecture


def _part(archive: tarfile.TarFile, name: str) -> bytes:
    """Return a small file of the archive, empty if there is none. Reads no further than needed."""
    found = next((one for one in archive if one.name.removeprefix("./") == name and one.size <= LARGEST_PART), None)
    part = archive.extractfile(found) if found else None
    return part.read() if part else b""
