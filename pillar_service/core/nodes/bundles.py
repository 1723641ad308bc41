"""Bundles: machines, beacons and checks in one signed document. Its format, which nodes it is for, and when it expires.

A bundle is JSON: ``manifest`` (bytes, base64), ``signature`` (of those very bytes), ``files`` (their content, base64).
It has no links, modes or owners, and a path is always one of three folders and a name.
"""

import base64
import fnmatch
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid


class Event(StrEnum):
    """Types of the events that a node sends about its bundle."""

    TAKEN = "nz.butt.saltcellar.bundle.taken"
    REFUSED = "nz.butt.saltcellar.bundle.refused"
    MENDED = "nz.butt.saltcellar.bundle.mended"
    FIRED = "nz.butt.saltcellar.bundle.fired"


class Slot(StrEnum):
    """The kinds of bundles. A node uses one bundle at a time, and never goes back to an older one of the same kind."""

    ALL = "all"
    OWN = "own"
    """Only for the nodes of one account: it comes before a bundle for all, even if that is newer."""
    SHIPPED = "shipped"
    """Shipped with Saltcellar, for nodes for which there is no other bundle."""


FORMAT = 1
LARGEST = 8 << 20
"""The most bytes of a whole bundle as it is sent."""
LARGEST_FILE = 1 << 20
MOST_FILES = 200
LONGEST_DAYS = 366

PATH = re.compile(
    rf"machines/{names.SHORT_NAME.pattern}\.yaml"
    r"|beacons/[a-z][a-z0-9_]{0,39}\.py"
    r"|checks/[A-Za-z0-9][A-Za-z0-9_-]{0,39}(?:\.[A-Za-z0-9]{1,8})?",
    re.ASCII,
)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
PATTERN = re.compile(r"[A-Za-z0-9*?._-]{1,128}", re.ASCII)
FACT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:.-]{0,99}", re.ASCII)
OWNED = re.compile(r".+\.([0-9a-f]{16})", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """What is signed: the files and their checksums, the nodes that they are for, and when they expire.

    ``account`` is the account whose nodes it is for (None: all nodes). ``allow`` and ``deny`` are patterns of node ids:
    an empty ``allow`` allows all nodes, an empty ``deny`` denies none. All ``facts`` must match. A bundle that is
    ``shipped`` comes with Saltcellar; nobody published it.
    """

    serial: int
    made_at: int
    expires_at: int
    files: Mapping[str, str]
    account: str | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    shipped: bool = False

    @property
    def slot(self) -> Slot:
        """The kind of bundle, within which serials are compared."""
        if self.shipped:
            return Slot.SHIPPED
        return Slot.ALL if self.account is None else Slot.OWN

    def written(self) -> bytes:
        """The bytes that are signed."""
        told = {
            "format": FORMAT,
            "serial": self.serial,
            "made_at": self.made_at,
            "expires_at": self.expires_at,
            "account": self.account,
            "allow": list(self.allow),
            "deny": list(self.deny),
            "facts": dict(self.facts),
            "files": dict(self.files),
            **({"shipped": True} if self.shipped else {}),
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()

    def is_for(self, node: str, facts: Mapping[str, Any] | None = None) -> bool:
        """Whether it is for this node; without ``facts``, as far as that can be said without them."""
        allowed = not self.allow or any(fnmatch.fnmatchcase(node, one) for one in self.allow)
        denied = any(fnmatch.fnmatchcase(node, one) for one in self.deny)
        fits = facts is None or all(_fits(facts, name, wanted) for name, wanted in self.facts.items())
        return self.account in (None, account_of(node)) and allowed and not denied and fits


@dataclass(frozen=True)
class Opened:
    """The parts of a bundle. They must not be trusted before the signature of ``signed`` is verified."""

    signed: bytes
    signature: bytes
    files: Mapping[str, bytes]


def account_of(node: str) -> str | None:
    """The account that an enrolled node belongs to, from the end of its id; None for a node of the place's own."""
    found = OWNED.fullmatch(node)
    return found[1] if found else None


def packed(signed: bytes, signature: bytes, files: Mapping[str, bytes]) -> bytes:
    """A bundle as it is sent; raises Invalid if it is too large."""
    told: dict[str, Any] = {"manifest": _text(signed), "signature": _text(signature)}
    whole = json.dumps({**told, "files": {path: _text(one) for path, one in sorted(files.items())}}).encode()
    if len(whole) > LARGEST:
        raise Invalid(f"The bundle has {len(whole)} bytes; at most {LARGEST} are allowed.")
    return whole


def opened(whole: bytes) -> Opened:
    """The parts of a bundle; raises Invalid if it is none, or too large."""
    if len(whole) > LARGEST:
        raise Invalid(f"The bundle has more than {LARGEST} bytes.")
    told = _object(whole, "bundle")
    files = told.get("files")
    if not isinstance(files, dict) or len(files) > MOST_FILES:
        raise Invalid(f"A bundle can have at most {MOST_FILES} files.")
    return Opened(
        _bytes(told.get("manifest")), _bytes(told.get("signature")), {path(one): _bytes(files[one]) for one in files}
    )


def manifest(signed: bytes) -> Manifest:
    """The manifest in the signed bytes; raises Invalid."""
    told = _object(signed, "manifest")
    if told.get("format") != FORMAT:
        raise Invalid("This node does not know the bundle's format: upgrade the node.")
    files = told.get("files")
    if not isinstance(files, dict) or not files or len(files) > MOST_FILES:
        raise Invalid(f"A bundle must have 1 to {MOST_FILES} files.")
    for one, digest in files.items():
        path(one)
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            raise Invalid(f"The checksum of {one} is not a SHA-256.")
    return Manifest(
        names.whole_number(told.get("serial"), "serial", 1, 2**53),
        names.whole_number(told.get("made_at"), "time", 0, 2**40),
        names.whole_number(told.get("expires_at"), "expiry", 0, 2**40),
        files,
        account(told.get("account")),
        patterns(told.get("allow"), "allow"),
        patterns(told.get("deny"), "deny"),
        matcher(told.get("facts")),
        told.get("shipped") is True,
    )


def check_files(told: Manifest, files: Mapping[str, bytes]) -> None:
    """Raise Invalid unless these are exactly the files that the manifest lists."""
    if set(files) != set(told.files):
        raise Invalid("The bundle's files are not those that its manifest names.")
    for one, content in files.items():
        if len(content) > LARGEST_FILE:
            raise Invalid(f"{one} has more than {LARGEST_FILE} bytes.")
        if digest(content) != told.files[one]:
            raise Invalid(f"{one} is not what was signed.")


def check_age(told: Manifest, newest: int, now: float | None) -> None:
    """Raise Conflict for a bundle that has expired, or is older than the ``newest`` of its slot that the node ever took.

    ``now`` is in Unix seconds; None if the time is unknown, so that expiry can't be checked.
    """
    if told.serial < newest:
        raise Conflict(
            f"The bundle {told.serial} is older than {newest}, which this node already had: publish it again."
        )
    if now is not None and now > told.expires_at:
        raise Conflict(f"The bundle {told.serial} has expired: publish it again.")


def digest(content: bytes) -> str:
    """The checksum of a file."""
    return hashlib.sha256(content).hexdigest()


def path(value: object) -> str:
    """The value, if it is a valid path in a bundle; raises Invalid."""
    if isinstance(value, str) and PATH.fullmatch(value):
        return value
    raise Invalid(f"{names.shown(value)} can't be in a bundle: use machines/NAME.yaml, beacons/NAME.py or checks/NAME.")


def account(value: object) -> str | None:
    """The value, if it is an account's id, or None for all accounts; raises Invalid."""
    if value is None or names.is_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not an account's id: `salt-run accounts.list` shows them.")


def patterns(value: object, what: str) -> tuple[str, ...]:
    """Patterns of node ids, such as `web-*`; raises Invalid."""
    listed = value if isinstance(value, list) else [] if value is None else [None]
    if len(listed) > 1000 or not all(isinstance(one, str) and PATTERN.fullmatch(one) for one in listed):
        raise Invalid(f"The {what} list must contain patterns of nodes' ids, such as 'cellar-*'.")
    return tuple(listed)


def matcher(value: object) -> dict[str, str]:
    """Facts and the values that they must have: `os: Debian`, `labels:site: north-*`; raises Invalid."""
    told = value if isinstance(value, dict) else {} if value is None else {None: None}
    for name, wanted in told.items():
        if not isinstance(name, str) or not FACT.fullmatch(name) or not isinstance(wanted, str) or len(wanted) > 200:
            raise Invalid("Facts must be names with texts, such as 'os: Debian'.")
    return dict(told)


def _fits(facts: Mapping[str, Any], name: str, wanted: str) -> bool:
    found: Any = facts
    for part in name.split(":"):
        found = found.get(part) if isinstance(found, Mapping) else None
    told = found if isinstance(found, list | tuple) else [found]
    return found is not None and any(fnmatch.fnmatchcase(str(one), wanted) for one in told)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "!", validate=True)
    except ValueError as error:
        raise Invalid("The bundle can't be read: a part of it is not base64.") from error


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The {what} is not JSON.") from error
    if not isinstance(told, dict):
        raise Invalid(f"The {what} is not an object.")
    return told
