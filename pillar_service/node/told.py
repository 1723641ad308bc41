"""What the pillar tells this node, checked before anything is done with it.

If the pillar is missing, broken or another node's, nothing is known, and so nothing may be changed. If one bot's entry is
malformed, that bot is left as it is, and the others go on.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes.configuration import read as read_configuration
from pillar_service.core.nodes.pillar import KEY, ONLY, NotThisPillar, read
from pillar_service.core.people.agents import Desired
from pillar_service.node.paths import bot_id

IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,254}", re.ASCII)
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)

ARCHITECTURE = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)

NOT_FOR_STATES = ("only", "service", "commands", "bundle_key", "configuration", "image")


@dataclass(frozen=True)
class Told:
    """What the pillar tells this node.

    ``bots`` are the bots' entries by id, and ``refused`` says which bots have a malformed entry, and why. ``problem`` says why
    nothing is known, and ``notice`` why what is known may be old. ``only`` are the ids of the bots that a state run is about;
    None: all. ``commands`` are the catalogue's commands that may run here, as in the pillar (`executor.entries` reads them).
    ``configuration`` is the account's; None from an older service. ``image`` is the pub's image that the place hands out
    (``tag``, ``id``, ``architecture``, ``sha256``, ``size``); None if it hands out none.
    """

    bots: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem: str | None = None
    notice: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    service: dict[str, str] | None = None
    commands: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    bundle_key: str | None = None
    configuration: dict[str, Any] | None = None
    image: dict[str, Any] | None = None

    @property
    def known(self) -> set[str]:
        """The ids of all bots in the pillar, including those with a malformed entry."""
        return set(self.bots) | set(self.refused)

    def for_states(self) -> dict[str, Any]:
        """The same as plain values for SLS files, without the service's address and token, the commands and the configuration.

        Of the bots it has those that the run is about, and the ids of all (``known``).
        """
        told = {key: value for key, value in asdict(self).items() if key not in NOT_FOR_STATES}
        concerned = {key: self._concerned(told[key]) for key in ("bots", "refused")}
        return told | concerned | {"known": sorted(self.known)}

    def _concerned(self, by_bot: Mapping[str, Any]) -> dict[str, Any]:
        return {bot: value for bot, value in by_bot.items() if self.only is None or bot in self.only}


def told_now(salt: Mapping[str, Any], node: str) -> Told:
    """What the pillar tells the node at this moment, fetched through Salt's functions (``salt``).

    The minion's own pillar is as old as its start or its last refresh. Without ``unmask``, Salt would mask values.
    """
    return told(salt["pillar.items"](unmask=True), node)


def told(pillar: Mapping[str, Any], node: str) -> Told:
    """What a pillar tells the node of that id."""
    if pillar.get("_errors"):
        return Told(problem=_nothing(node, "; ".join(map(str, pillar["_errors"]))))
    if KEY not in pillar:
        return Told(problem=_nothing(node, f"it has no '{KEY}' section. Is the node known to the service?"))
    try:
        ours = read(node, dict(pillar))[KEY]
    except NotThisPillar as error:
        return Told(problem=_nothing(node, str(error)))
    try:
        only = _only(pillar.get(ONLY))
    except Invalid as error:
        return Told(problem=f"This state run is limited to some bots, but: {_line(error)} Nothing was changed.")
    checked, refused = _checked(ours["bots"])
    known: dict[str, Any] = {
        "commands": _mapping(_mapping(ours.get("meeseeks")).get("commands")),
        "labels": _labels(ours.get("labels")),
        "bundle_key": _key(_mapping(ours.get("bundles")).get("key")),
        "configuration": read_configuration(ours.get("configuration")),
        "image": _image(ours.get("image")),
    }
    return Told(checked, None, _notice(ours.get("stale")), refused, only, ours.get("service"), **known)


def _only(value: object) -> frozenset[str] | None:
    if isinstance(value, list):
        return frozenset(map(bot_id, value))
    if value is None:
        return None
    raise Invalid(f"{names.shown(value)} is not a list of bots' ids.")


def _key(value: object) -> str | None:
    return value if isinstance(value, str) and SHA256.fullmatch(value) else None  # 32 bytes, like a checksum


def _image(value: object) -> dict[str, Any] | None:
    """The image that the place hands out; None if it is malformed, since bots whose image is there do not need it."""
    if not isinstance(value, Mapping):
        return None
    try:
        return {
            "tag": _matching(IMAGE, value.get("tag"), "image"),
            "id": _matching(IMAGE_ID, value.get("id"), "image's id"),
            "architecture": _matching(ARCHITECTURE, value.get("architecture"), "image's processor"),
            "sha256": _matching(SHA256, value.get("sha256"), "image's checksum"),
            "size": names.whole_number(value.get("size"), "image's size", 1, 1 << 36),
        }
    except Invalid:
        return None


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _labels(value: object) -> dict[str, str]:
    return {str(key): str(one) for key, one in sorted(_mapping(value).items()) if isinstance(one, str)}


def _nothing(node: str, reason: str) -> str:
    return f"This node ({node}) got no pillar: {_line(reason)} Nothing was changed."


def _line(value: object) -> str:
    return names.printable(str(value)[:400])


def _notice(stale: object) -> str | None:
    if not isinstance(stale, Mapping):
        return None
    return (
        f"The pillar is the last known good copy, from {_line(stale.get('since'))} (Unix seconds), because: "
        f"{_line(stale.get('reason'))} With such a copy, nothing is stopped or removed."
    )


def _checked(bots: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    good, refused = {}, {}
    for key in sorted(bots, key=str):
        try:
            good[bot_id(key)] = bot(bots[key])
        except Invalid as error:
            # A key that is no id is quoted, so that it is harmless and can't be taken for an id.
            told_key = key if names.is_id(key) else names.shown(key)
            refused[told_key] = f"This bot is left as it is, because its pillar entry makes no sense. {error}"
    return good, refused


def bot(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A bot's entry with every value checked; raises Invalid, naming the first bad one."""
    return {
        "name": names.bot_name(entry.get("name")),
        "host": _matching(HOST, entry.get("host"), "host name"),
        "state": _state(entry.get("state")),
        "purge": entry.get("purge") is True,
        "port": _port(entry),
        "image": _matching(IMAGE, entry.get("image"), "image"),
        "memory_mb": names.whole_number(entry.get("memory_mb"), "memory limit in MB", 16, 1 << 20),
        "allow_private": entry.get("allow_private") is True,
        "seeds": _seeds(entry.get("seeds")),
        "import": _import(entry.get("import")),
        "pub_id": _pub_id(entry.get("pub_id")),
    }


def _port(entry: Mapping[str, Any]) -> int | None:
    if entry.get("port") is None and entry.get("state") == Desired.ABSENT:
        return None  # the port of an absent bot is given up with its container
    return names.whole_number(entry.get("port"), "port", 1, 65535)


def _matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise Invalid(f"The {what} can't be {names.shown(value)}.")


def _state(value: object) -> str:
    if isinstance(value, str) and value in set(Desired):
        return value
    raise Invalid(f"The state must be one of {', '.join(Desired)}, not {names.shown(value)}.")


def _seeds(value: object) -> list[str]:
    if not isinstance(value, list | None):
        raise Invalid(f"The seeds can't be {names.shown(value)}.")
    return [_matching(names.SEED, seed, "seed") for seed in value or []]


def _pub_id(value: object) -> str | None:
    return None if value is None else _matching(names.PUB_ID, value, "pub's id")


def _import(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Invalid(f"The import can't be {names.shown(value)}.")
    return {
        "job": _matching(names.ID, value.get("job"), "import's job"),
        "sha256": _matching(SHA256, value.get("sha256"), "import's checksum"),
        "size": names.whole_number(value.get("size"), "import's size", 1, 1 << 44),
        "pub_id": _matching(names.PUB_ID, value.get("pub_id"), "import's pub id"),
    }
