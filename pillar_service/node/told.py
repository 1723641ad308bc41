"""What this node was told by its pillar, checked before anything is done with it.

A pillar that is missing, broken or another node's means that nothing is known: then nothing may be changed. One bot's
unusable entry means that this bot is left as it is, and the others go on.
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
    """The bots of this node by id; why nothing is known; why what is known may be old; the bots that make no sense.

    ``only`` are the ids of the bots that a state run is about; None when it is about all.
    ``commands`` are those of the catalogue that may run here, as the pillar has them: `executor.entries` reads them.
    ``configuration`` is the account's; None where an older service tells none. ``image`` is the pub's image that the place
    hands out (``tag``, ``id``, ``architecture``, ``sha256``, ``size``); None where it hands out none.
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
        """The ids of the bots that the pillar lists, those that make no sense too."""
        return set(self.bots) | set(self.refused)

    def for_states(self) -> dict[str, Any]:
        """The same as plain values for SLS files; without the way to the service and its secret,
        the commands and the configuration. Of the bots those that the run is about, and the ids of all (``known``)."""
        told = {key: value for key, value in asdict(self).items() if key not in NOT_FOR_STATES}
        concerned = {key: self._concerned(told[key]) for key in ("bots", "refused")}
        return told | concerned | {"known": sorted(self.known)}

    def _concerned(self, by_bot: Mapping[str, Any]) -> dict[str, Any]:
        return {bot: value for bot, value in by_bot.items() if self.only is None or bot in self.only}


def told_now(salt: Mapping[str, Any], node: str) -> Told:
    """What the pillar tells it at this moment, by Salt's functions: a minion keeps its own as that was when it started, or
    was last told to refresh it. Salt masks what it shows otherwise."""
    return told(salt["pillar.items"](unmask=True), node)


def told(pillar: Mapping[str, Any], node: str) -> Told:
    """What the pillar tells the node of that id."""
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
        return Told(problem=f"This state run is to look at some bots alone, but: {_line(error)} Nothing was changed.")
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
    return value if isinstance(value, str) and SHA256.fullmatch(value) else None  # 32 bytes, as a checksum has


def _image(value: object) -> dict[str, Any] | None:
    """What makes no sense is as good as none: a bot whose image is there needs it not."""
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
        f"The pillar is the last known good copy of {_line(stale.get('since'))} (Unix seconds), because: "
        f"{_line(stale.get('reason'))} With such a copy nothing is stopped or removed."
    )


def _checked(bots: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    good, refused = {}, {}
    for key in sorted(bots, key=str):
        try:
            good[bot_id(key)] = bot(bots[key])
        except Invalid as error:
            # What is no id is written so that it is harmless, and can never be taken for one.
            told_key = key if names.is_id(key) else names.shown(key)
            refused[told_key] = f"This bot is left as it is, because its pillar entry makes no sense. {error}"
    return good, refused


def bot(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A bot's entry with every value checked; raises Invalid naming the first that is not as it must be."""
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
        return None  # its container went long ago, and its port with it
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
