"""The duty `facts`: tells what this node is: its grains, Docker, bots, disks and versions, without secrets.

Facts are told when they change and about every ten minutes, at times that vary so that nodes do not all speak at once.
What changes all the time (load, free memory, a bot's present state) is no fact.
"""

import json
import logging
import os
import platform
import random
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.events.submission import Priority
from pillar_service.core.nodes import facts as rules
from pillar_service.node import containers
from pillar_service.node.spool import Spool
from pillar_service.node.told import Told

log = logging.getLogger(__name__)

STREAM = "facts"

NOT_OF_THE_NODE = frozenset({"pid", "cwd", "ps", "pythonpath", "systempath", "path", "machine_id"})
"""Grains that are about the asking process, and one that must be kept confidential (machine-id(5))."""

SPLAY = 0.1
"""The share of the ten minutes by which a node may tell its facts earlier or later."""

MOUNTS = Path("/proc/self/mounts")
MOST_DISKS = 100


class Facts:
    """Runs every minute.

    ``grains`` gathers the grains, and is called only when facts are due; ``told`` returns what the pillar says, and
    ``upgrade`` the state of the last order to upgrade.
    """

    name, every_s = "facts", 60.0

    def __init__(
        self,
        node: str,
        spool: Spool,
        grains: Callable[[], Mapping[str, Any]],
        told: Callable[[], Told] = Told,
        upgrade: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._node, self._spool, self._gather, self._told, self._upgrade = node, spool, grains, told, upgrade
        self._grains: dict[str, Any] = {}
        self._due = float("-inf")
        self._hash = ""
        self._said = ""

    def run(self, now_monotonic: float) -> None:
        """Tell the facts, if they are due or have changed. If they can't be put into the spool, log it and try again later."""
        is_due = now_monotonic >= self._due
        try:
            if is_due:
                self._grains = _plain(self._gather())
            facts = collected(self._node, self._grains, self._told(), self._upgrade())
            hash = rules.digest(facts)
            if hash != self._hash or (is_due and not self._waits()):
                self._put(facts)
            elif not is_due:
                return
            self._hash, self._said = hash, ""
            self._due = now_monotonic + rules.EVERY_S * random.uniform(1 - SPLAY, 1 + SPLAY)  # noqa: S311  (no secret)
        except (SaltcellarError, OSError) as error:
            if str(error) != self._said:
                log.warning("facts: %s", error)
            self._said = str(error)

    def _put(self, facts: Mapping[str, Any]) -> None:
        # They are told again anyway: when room is needed, they are dropped first.
        self._spool.put(rules.EVENT_TYPE, self._node, {"facts": facts}, stream=STREAM, priority=Priority.BULK)

    def _waits(self) -> bool:
        """Whether facts still wait to be delivered: the same ones again would only take room."""
        return STREAM in self._spool.status()["streams"]


def collected(node: str, grains: Mapping[str, Any], told: Told, upgrade: Mapping[str, Any]) -> dict[str, Any]:
    """All facts, without secrets. That Docker does not answer is a fact, too."""
    engine, bots = _docker(node)
    found = {
        "grains": grains,
        "docker": engine,
        "bots": {bot: {"name": told.bots.get(bot, {}).get("name"), "image": image} for bot, image in bots.items()},
        "disks": disks(),
        "versions": versions() | ({"docker": engine["version"]} if engine["answers"] else {}),
    }
    if upgrade:
        found["upgrade"] = dict(upgrade)
    try:
        return rules.checked(found)
    except Invalid:
        # Anybody may define grains: if they are invalid, the rest is told without them.
        return rules.checked(found | {"grains": {"left_out": True}})


def _plain(grains: Mapping[str, Any]) -> dict[str, Any]:
    kept = {str(key): value for key, value in grains.items() if key not in NOT_OF_THE_NODE}
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=str, skipkeys=True))
    return plain


def _docker(node: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the engine says about itself, and the image of each bot's container."""
    try:
        with containers.engine(timeout_s=5) as client:
            version, about = client.version(), client.info()
            ours = containers.ours(client, node)
    except SaltcellarError:
        return {"answers": False}, {}
    told = {"answers": True, "version": version.get("Version"), "api": version.get("ApiVersion")}
    told |= {"storage": about.get("Driver"), "root": about.get("DockerRootDir")}
    return told, {bot: str(one.get("Image")) for bot, one in sorted(ours.items())}


def disks(mounts: Path = MOUNTS) -> dict[str, Any]:
    """Each mounted device once, by its first mount point, with its size."""
    found: dict[str, Any] = {}
    seen = set()
    for line in mounts.read_text(errors="replace").splitlines():
        device, where, kind, *_ = line.split(" ")
        if (not device.startswith("/dev/") and where != "/") or device in seen or len(found) >= MOST_DISKS:
            continue
        seen.add(device)
        try:
            there = os.statvfs(where.replace("\\040", " "))
        except OSError:
            continue
        found[where] = {"device": device, "kind": kind, "size_bytes": there.f_blocks * there.f_frsize}
    return found


def versions() -> dict[str, str]:
    """The versions of Python, the kernel, Salt and Saltcellar."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    for name in ("salt", "saltcellar"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
