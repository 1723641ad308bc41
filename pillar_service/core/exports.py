"""What may stand in an exported bot, and what an import is refused for.

An export is a tar of a pub's identity and its log. Importing the secret without the log forks the identity: the next
message would start again at sequence 1 under the same id, and the feed is destroyed for everybody who follows it.
"""

import json
import tarfile
from dataclasses import dataclass
from typing import IO, Any

from pillar_service.core import names
from pillar_service.core.errors import ForkHazard, Invalid

MANIFEST = "manifest.json"
LOG = "flume/log.offset"
UNPUBLISHED = "unpublished"
"""The pub's own mark that its identity has not said anything yet, so that there is no log to lose."""

FILES = frozenset({"secret", "config", LOG, "gossip.json", "invites.json", UNPUBLISHED, MANIFEST})
FOLDERS = ("blobs", "invites", "flume")
NO_LOG = (
    "The tar has no log (flume/log.offset): importing a secret without its log would fork the identity and "
    "destroy its feed. Import a whole export."
)
SMALL = 1 << 20
"""The most bytes that a manifest or a secret may have."""


@dataclass(frozen=True)
class Export:
    """What a tar holds: whose identity, up to which of its own messages."""

    pub_id: str
    sequence: int


def allowed(member: tarfile.TarInfo) -> bool:
    """Whether a member may stand in an export: plain files and folders at known places, no links, nothing outside."""
    parts = member.name.removeprefix("./").split("/")
    if not (member.isfile() or member.isdir()) or any(part in ("", ".", "..") for part in parts):
        return member.isdir() and member.name in (".", "./")
    path = "/".join(parts)
    if member.isdir():
        return parts[0] in FOLDERS
    return path in FILES or parts[0] in ("blobs", "invites")


def check(file: IO[bytes]) -> Export:
    """What the tar in ``file`` holds, if it can be imported.

    Raises Invalid for a file that is no export, ForkHazard for one that would fork its identity.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            return _checked(tar)
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise Invalid(f"This is not a tar made by `bots.export` ({error}).") from error


def _checked(tar: tarfile.TarFile) -> Export:
    sizes: dict[str, int] = {}
    for member in tar:
        if not allowed(member):
            raise Invalid(
                f"The tar holds {names.shown(member.name)}, which has no place in an export: it is not unpacked."
            )
        sizes[member.name.removeprefix("./")] = member.size
    if not sizes.get(LOG) and UNPUBLISHED not in sizes:
        raise ForkHazard(NO_LOG)
    pub_id, manifest = _json(tar, "secret", sizes).get("id"), _json(tar, MANIFEST, sizes)
    if not isinstance(pub_id, str) or not names.PUB_ID.fullmatch(pub_id) or manifest.get("pub_id") != pub_id:
        raise Invalid(
            "The tar's secret and its manifest do not name one and the same pub: it was changed after the export."
        )
    sequence = names.whole_number(manifest.get("sequence"), "manifest's sequence", 0, 2**53)
    if sequence and not sizes.get(LOG):
        raise ForkHazard(NO_LOG)
    return Export(pub_id, sequence)


def _json(tar: tarfile.TarFile, name: str, sizes: dict[str, int]) -> dict[str, Any]:
    if not 0 < sizes.get(name, 0) <= SMALL:
        raise Invalid(f"The tar has no usable {name}: it is not an export.")
    member = tar.extractfile(name if name in tar.getnames() else f"./{name}")
    lines = (member.read() if member else b"").decode().splitlines()
    try:
        # ssb-keys writes the secret with comment lines around its JSON.
        read = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("#")))
    except ValueError as error:
        raise Invalid(f"The tar's {name} is not readable ({error}).") from error
    if not isinstance(read, dict):
        raise Invalid(f"The tar's {name} is not readable (it holds no object).")
    return read
