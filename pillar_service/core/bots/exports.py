"""What an export of a bot may contain, and what an import is refused for.

An export is a tar of a pub's identity and its log. Importing the secret without the log forks the identity: the next
message would start again at sequence 1 under the same id, which destroys the feed for everybody who follows it. So only
a tar of everything can be imported; a tar of only the secret, the gossip, the log or the blobs is only for people's own
use.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, cast

from pillar_service.core import names
from pillar_service.core.errors import ForkHazard, Invalid

MANIFEST = "manifest.json"
LOG = "flume/log.offset"
UNPUBLISHED = "unpublished"
"""The file by which a pub marks that its identity has published nothing yet, so that there is no log to lose."""

FILES = frozenset({"secret", "config", LOG, "gossip.json", "invites.json", UNPUBLISHED, MANIFEST})
FOLDERS = ("blobs", "invites", "flume")
NO_LOG = (
    "The tar has no log (flume/log.offset): importing a secret without its log would fork the identity and "
    "destroy its feed. Import an export of everything."
)
SMALL = 1 << 20
"""The most bytes that a manifest or a secret may have."""

LONGEST_HEADER = 4 * tarfile.BLOCKSIZE
"""The most bytes of an extended header, for what does not fit into a normal one; an export needs that only for a large size."""

Known = Mapping[str, tarfile.TarInfo]


class Kind(StrEnum):
    """Which part of a bot is exported."""

    EVERYTHING = "everything"
    SECRET = "secret"  # noqa: S105  (the name of a file)
    GOSSIP = "gossip"
    LOG = "log"
    BLOBS = "blobs"


PART = {Kind.SECRET: "secret", Kind.GOSSIP: "gossip.json", Kind.LOG: LOG, Kind.BLOBS: "blobs"}
"""The one file or folder that a tar of a single kind holds besides its manifest."""

HOLDS_SECRET = frozenset({Kind.EVERYTHING, Kind.SECRET})
"""The kinds that let whoever has the tar act as the bot."""


def is_handed_out(actor: str) -> bool:
    """Whether people may download an export that ``actor`` asked for: only if a person asked for it.

    The tar contains the secret. A person confirms their identity to get one; an export for a move or a backup has no
    such confirmation.
    """
    return actor.startswith("account:")


def kind(value: object) -> Kind:
    """The kind of that name; raises Invalid."""
    if isinstance(value, str) and value in list(Kind):
        return Kind(value)
    raise Invalid(f"{names.shown(value)} can't be exported; use one of: {', '.join(Kind)}.")


@dataclass(frozen=True)
class Export:
    """What a tar holds: the pub's id, and the sequence of its newest own message (0 if a tar of one kind does not say)."""

    pub_id: str
    sequence: int


def allowed(member: tarfile.TarInfo) -> bool:
    """Whether a member may be in an export: plain files and folders at known paths, no links, nothing outside.

    Sparse files are refused, too: such a file is as large as it claims, whatever the size of the tar.
    """
    parts = member.name.removeprefix("./").split("/")
    if not (member.isfile() or member.isdir()) or any(part in ("", ".", "..") for part in parts):
        return member.isdir() and member.name in (".", "./")
    if member.size < 0 or member.issparse():
        return False
    path = "/".join(parts)
    if member.isdir():
        return parts[0] in FOLDERS
    return path in FILES or parts[0] in ("blobs", "invites")


def belongs(path: str, wanted: Kind) -> bool:
    """Whether the bot's file or folder at this path belongs in an export of that kind."""
    part = PART.get(wanted)
    return part is None or path == part or path.startswith(f"{part}/") or (path == "flume" and wanted is Kind.LOG)


def check(file: IO[bytes], wanted: Kind = Kind.EVERYTHING) -> Export:
    """What the tar in ``file`` holds, if it is an export of the wanted kind.

    Raises Invalid if it is not such an export, ForkHazard if importing it would fork its identity.
    """
    try:
        known = _known(file, wanted)
        return _checked(file, known) if wanted is Kind.EVERYTHING else _part(file, known, wanted)
    except BROKEN as error:
        raise Invalid(
            f"This is not a tar from an export ({error}): choose an export of everything, as it was downloaded."
        ) from error


BROKEN = (tarfile.TarError, EOFError, ValueError, LookupError, OverflowError, RecursionError)
"""What `tarfile` raises for a tar that was crafted by hand."""


class _Headers:
    """A file of which only headers are read; limits their length, for `tarfile` reads a header in one go, as long as it
    claims to be."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        return self._read(size)


def _known(file: IO[bytes], wanted: Kind) -> dict[str, tarfile.TarInfo]:
    """The files at fixed paths, by path, after checking that every member may be in an export of that kind."""
    end, known, last = file.seek(0, io.SEEK_END), {}, -1
    file.seek(0)
    with tarfile.open(fileobj=cast("IO[bytes]", _Headers(file)), mode="r:") as tar:
        for member in tar:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep each of millions
            path = member.name.removeprefix("./")
            if not allowed(member):
                raise Invalid(
                    f"The tar contains {names.shown(member.name)}, which does not belong in an export: it is not unpacked."
                )
            # A size that leads backwards would make `tarfile` read for ever.
            if member.offset <= last or member.offset_data + member.size > end:
                raise tarfile.ReadError("its members do not follow each other")
            if path not in (MANIFEST, "", ".") and not belongs(path, wanted):
                raise Invalid(
                    f"The tar should contain only the bot's {wanted}, but has {names.shown(path)}: export it again."
                )
            last = member.offset
            if path in FILES:
                known[path] = member
    return known


def _checked(file: IO[bytes], known: Known) -> Export:
    has_log = LOG in known and known[LOG].size > 0
    if not has_log and UNPUBLISHED not in known:
        raise ForkHazard(NO_LOG)
    manifest = _json(file, MANIFEST, known)
    if manifest.get("kind", Kind.EVERYTHING) != Kind.EVERYTHING:
        raise Invalid(
            f"The tar contains only the bot's {names.shown(manifest['kind'])}: import an export of everything."
        )
    found = Export(_owner(file, manifest, known), _sequence(manifest))
    if found.sequence and not has_log:
        raise ForkHazard(NO_LOG)
    return found


def _part(file: IO[bytes], known: Known, wanted: Kind) -> Export:
    manifest = _json(file, MANIFEST, known)
    if manifest.get("kind") != wanted:
        raise Invalid(
            f"The tar should contain the bot's {wanted}, but its manifest says {names.shown(manifest.get('kind'))}."
        )
    if wanted is Kind.SECRET:
        return Export(_owner(file, manifest, known), _sequence(manifest))
    return Export(_pub_id(manifest.get("pub_id")), _sequence(manifest))


def _owner(file: IO[bytes], manifest: dict[str, Any], known: Known) -> str:
    pub_id = _json(file, "secret", known).get("id")
    if manifest.get("pub_id") != pub_id:
        raise Invalid("The tar's secret and its manifest name different pubs: it was changed after the export.")
    return _pub_id(pub_id)


def _pub_id(value: object) -> str:
    if names.is_pub_id(value):
        return value
    raise Invalid(
        f"The tar names the pub {names.shown(value)}, which is not a pub's id: it was changed after the export."
    )


def _sequence(manifest: dict[str, Any]) -> int:
    return names.whole_number(manifest.get("sequence"), "manifest's sequence", 0, 2**53)


def _json(file: IO[bytes], name: str, known: Known) -> dict[str, Any]:
    if name not in known or not 0 < known[name].size <= SMALL:
        raise Invalid(f"The tar has no usable {name}: it is not an export.")
    file.seek(known[name].offset_data)
    written = file.read(known[name].size).decode()
    try:
        read = uncommented(written)
    except ValueError as error:
        raise Invalid(f"The tar's {name} can't be read ({error}).") from error
    if not isinstance(read, dict):
        raise Invalid(f"The tar's {name} can't be read (it is not an object).")
    return read


def uncommented(written: str) -> Any:
    """The value of a JSON text that may contain comment lines, as ssb-keys writes around a secret; raises ValueError."""
    try:
        return json.loads("\n".join(line for line in written.splitlines() if not line.lstrip().startswith("#")))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
