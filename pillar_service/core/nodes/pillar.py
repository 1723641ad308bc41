"""The pillar of a node: what the service tells it, made from facts."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pillar_service.core.people.agents import Desired

KEY = "saltcellar"
"""The one pillar key that holds all our data."""

ONLY = "saltcellar_only"
"""A pillar key of a single state run: the ids of the bots to which the run is limited."""

SHAPE = 2
"""Increased when a body says more about the same facts, so that stored bodies are rewritten."""


@dataclass(frozen=True)
class BotFacts:
    """A bot as its node must know it. ``desired`` is the effective state (see agents.effective).

    A deleted bot whose data is to be removed has no ``port``. ``pub_id`` is its identity, once that is known.
    """

    id: str
    name: str
    host: str
    service: str
    desired: Desired
    purge: bool
    port: int | None
    image: str
    memory_mb: int
    allow_private: bool = False
    seeds: list[str] = field(default_factory=list)
    imported: Mapping[str, Any] | None = None
    pub_id: str | None = None

    def told(self) -> dict[str, Any]:
        """The bot's entry in the pillar."""
        return {
            "name": self.name,
            "host": self.host,
            "service": self.service,
            "state": str(self.desired),
            "purge": self.purge,
            "port": self.port,
            "image": self.image,
            "memory_mb": self.memory_mb,
            "allow_private": self.allow_private,
            "seeds": list(self.seeds),
            "import": dict(self.imported) if self.imported else None,
            "pub_id": self.pub_id,
        }


@dataclass(frozen=True)
class ImageFacts:
    """The pub's image that the place offers: its name, id and processor, and the SHA-256 and bytes of the tar that
    contains it."""

    tag: str
    id: str
    architecture: str
    sha256: str
    size: int


def body(
    node: str,
    service: Mapping[str, str],
    bots: Iterable[BotFacts],
    labels: Mapping[str, str] | None = None,
    commands: Mapping[str, Any] | None = None,
    bundle_key: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    image: ImageFacts | None = None,
) -> str:
    """The pillar of a node as canonical JSON: the same facts give the same bytes.

    ``labels`` are the node's; ``commands`` are the entries of the catalogue's commands that may run there, by name;
    ``bundle_key`` is the public key that verifies bundles; ``configuration`` is the account's; ``image`` is what the
    node may fetch if it lacks it.
    """
    told = {bot.id: bot.told() for bot in bots}
    ours = {"node": node, "service": dict(service), "bots": told, "labels": dict(labels or {})}
    if bundle_key:
        ours["bundles"] = {"key": bundle_key}
    if configuration is not None:
        ours["configuration"] = dict(configuration)
    if image is not None:
        ours["image"] = asdict(image)
    ours["meeseeks"] = {"commands": dict(commands or {})}
    return json.dumps({KEY: ours}, sort_keys=True, separators=(",", ":"))


def etag(written: str) -> str:
    """A strong entity tag for a body (RFC 9110, section 8.8.3)."""
    return f'"{hashlib.sha256(written.encode()).hexdigest()[:32]}"'


class NotThisPillar(ValueError):
    """An answer is not the pillar of the node that was asked for."""


def read(node: str, answer: object) -> dict[str, Any]:
    """The pillar in an answer, if it is this node's; raises NotThisPillar with the reason."""
    if not isinstance(answer, dict) or not isinstance(answer.get(KEY), dict):
        raise NotThisPillar(f"the answer is not a pillar of ours (it has no '{KEY}' section)")
    ours = answer[KEY]
    if ours.get("node") != node:
        raise NotThisPillar(f"the answer is the pillar of another node ({ours.get('node')!r:.60})")
    bots = ours.get("bots")
    if not isinstance(bots, dict) or not all(isinstance(bot, dict) and "state" in bot for bot in bots.values()):
        raise NotThisPillar("the answer lists its bots in a shape we do not know")
    return answer


def with_notice(pillar: Mapping[str, Any], since: float, reason: str) -> dict[str, Any]:
    """The last known good pillar with a notice that it is one, since when (Unix seconds) and why."""
    return {**pillar, KEY: {**pillar[KEY], "stale": {"since": int(since), "reason": reason}}}
