"""What may stand in an exported bot, and what an import is refused for.

An export is a tar of a pub's identity and its log. Importing the secret without the log forks the identity: the next
message would start again at sequence 1 under the same id, and the feed is destroyed for everybody who follows it.
So only a tar of everything comes to life again; one of the secret, the gossip, the log or the blobs alone is for people.
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
"""The pub's own mark that its identity has not said anything yet, so that there is no log to lose."""

FILES = frozenset({"secret", "config", LOG, "gossip.json", "invites.json", UNPUBLISHED, MANIFEST})
FOLDERS = ("blobs", "invites", "flume")
NO_LOG = (
    "The tar has no log (flume/log.offset): importing a secret without its log would fork the identity and "
    "destroy its feed. Import a whole export."
)
SMALL = 1 << 20
"""The most bytes that a manifest or a secret may have."""

LONGEST_HEADER = 4 * tarfile.BLOCKSIZE
"""The most bytes of a header that says more of a file than fits into a block; what an export has fits, but for its size."""

Known = Mapping[str, tarfile.TarInfo]


class Kind(StrEnum):
    """What of a bot is exported."""

    EVERYTHING = "everything"
    SECRET = "secret"  # noqa: S105  (the name of a file)
    GOSSIP = "gossip"
    LOG = "log"
    BLOBS = "blobs"


PART = {Kind.SECRET: "secret", Kind.GOSSIP: "gossip.json", Kind.LOG: LOG, Kind.BLOBS: "blobs"}
"""The one file, or folder, that a tar of a single kind holds beside its manifest."""

HOLDS_SECRET = frozenset({Kind.EVERYTHING, Kind.SECRET})
"""The kinds with which somebody else could be the bot."""


def is_handed_out(actor: str) -> bool:
    """Whether people get the tar of an export that ``actor`` asked for: only of one that a person asked for.

    They showed once more who they are; who made one for a move, or for the backups, did not, and the secret is in it.
    """
    return actor.startswith("account:")


def kind(value: object) -> Kind:
    """The kind of that name; raises Invalid."""
    if isinstance(value, str) and value in list(Kind):
        return Kind(value)
    raise Invalid(f"{names.shown(value)} can't be exported; there are: {', '.join(Kind)}.")


@dataclass(frozen=True)
class Export:
    """What a tar holds: whose identity, up to which of its own messages (0 when a tar of one kind does not say)."""

    pub_id: str
    sequence: int


def allowed(member: tarfile.TarInfo) -> bool:
    """Whether a member may stand in an export: plain files and folders at known places, no links, nothing outside.

    No sparse ones either: such a file is as large as it says, whatever the tar's own size.
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
    """Whether a file or folder of a bot at this path stands in an export of that kind."""
    part = PART.get(wanted)
    return part is None or path == part or path.startswith(f"{part}/") or (path == "flume" and wanted is Kind.LOG)


def check(file: IO[bytes], wanted: Kind = Kind.EVERYTHING) -> Export:
    """What the tar in ``file`` holds, if it is an export of that kind; only one of everything can be imported.

    Raises Invalid for a file that is no such export, ForkHazard for one that would fork its identity.
    """
    try:
        known = _known(file, wanted)
        return _checked(file, known) if wanted is Kind.EVERYTHING else _part(file, known, wanted)
    except BROKEN as error:
        raise Invalid(
            f"This is not a tar that an export made ({error}): choose one as it was downloaded, of everything."
        ) from error


BROKEN = (tarfile.TarError, EOFError, ValueError, LookupError, OverflowError, RecursionError)
"""What the library raises at a tar that somebody wrote by hand."""


class _Headers:
    """A file of which headers alone are read: the library takes as much of one as it says that it has, at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        return self._read(size)


def _known(file: IO[bytes], wanted: Kind) -> dict[str, tarfile.TarInfo]:
    """The files that stand at fixed places, by their paths, once every member may stand in an export of that kind."""
    end, known, last = file.seek(0, io.SEEK_END), {}, -1
    file.seek(0)
    with tarfile.open(fileobj=cast("IO[bytes]", _Headers(file)), mode="r:") as tar:
        for member in tar:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep each of millions
            path = member.name.removeprefix("./")
            if not allowed(member):
                raise Invalid(
                    f"The tar holds {names.shown(member.name)}, which has no place in an export: it is not unpacked."
                )
            # A size that leads back would be read for ever.
            if member.offset <= last or member.offset_data + member.size > end:
                raise tarfile.ReadError("its members do not follow each other")
            if path not in (MANIFEST, "", ".") and not belongs(path, wanted):
                raise Invalid(f"The tar was to hold the bot's {wanted}, but has {names.shown(path)} too: ask again.")
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
        raise Invalid(f"The tar holds only the bot's {names.shown(manifest['kind'])}: import one of everything.")
    found = Export(_owner(file, manifest, known), _sequence(manifest))
    if found.sequence and not has_log:
        raise ForkHazard(NO_LOG)
    return found


def _part(file: IO[bytes], known: Known, wanted: Kind) -> Export:
    manifest = _json(file, MANIFEST, known)
    if manifest.get("kind") != wanted:
        raise Invalid(f"The tar was to hold the bot's {wanted}, but says {names.shown(manifest.get('kind'))}.")
    if wanted is Kind.SECRET:
        return Export(_owner(file, manifest, known), _sequence(manifest))
    return Export(_pub_id(manifest.get("pub_id")), _sequence(manifest))


def _owner(file: IO[bytes], manifest: dict[str, Any], known: Known) -> str:
    pub_id = _json(file, "secret", known).get("id")
    if manifest.get("pub_id") != pub_id:
        raise Invalid(
            "The tar's secret and its manifest do not name one and the same pub: it was changed after the export."
        )
    return _pub_id(pub_id)


def _pub_id(value: object) -> str:
    if names.is_pub_id(value):
        return value
    raise Invalid(f"The tar says that it is of {names.shown(value)}, which is no pub: it was changed after the export.")


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
        raise Invalid(f"The tar's {name} is not readable ({error}).") from error
    if not isinstance(read, dict):
        raise Invalid(f"The tar's {name} is not readable (it holds no object).")
    return read


def uncommented(written: str) -> Any:
    """What a JSON text says that may have lines of comment, as ssb-keys writes around a secret; raises ValueError."""
    try:
        return json.loads("\n".join(line for line in written.splitlines() if not line.lstrip().startswith("#")))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
