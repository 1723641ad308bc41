"""What a node may ask of a master and send on its event bus, beyond what Salt itself checks: only what it needs, about itself.

Salt 3008 lets an accepted minion return under another id (``resource_id``, ``_syndic_return``) and fire nearly any event.
"""

from collections.abc import Mapping
from typing import Any

ASKED = frozenset(
    {
        "_dir_list",
        "_file_envs",
        "_file_find",
        "_file_hash",
        "_file_hash_and_stat",
        "_file_list",
        "_file_list_emptydirs",
        "_master_opts",
        "_master_tops",
        "_minion_event",
        "_pillar",
        "_return",
        "_serve_file",
        "_symlink_list",
    }
)
"""The requests that a minion that pours bots sends to its master: for states, their files and its pillar; returns and
events."""

PLAIN = frozenset({"_salt_error", "minion_ping"})
"""Tags of Salt's own that contain no node's name."""


def refusal(command: str, load: Mapping[str, Any]) -> str | None:
    """Why a node's request is refused, or None if it is accepted.

    ``load`` is what the node sent, with ``id`` as the master authenticated it.
    """
    if command not in ASKED:
        return "no node here needs that"
    if command == "_return" and "resource_id" in load:
        return "it returns under another id"
    if command == "_pillar" and load.get("ext"):
        return "it asks for a pillar that it chose itself"
    if command == "_minion_event":
        if load.get("pretag") is not None:
            return "only a master puts a tag before another"
        return next((told for event in load.get("events", [load]) if (told := _told_wrongly(load["id"], event))), None)
    return None


def _told_wrongly(node: str, event: Mapping[str, Any]) -> str | None:
    tag, data = event.get("tag"), event.get("data")
    if not isinstance(tag, str) or not may_fire(node, tag):
        return f"it may not fire {tag!r}"
    if isinstance(data, Mapping) and (data.get("id", node) != node or "minions" in data):
        return f"its {tag!r} is about others"
    return None


def may_fire(node: str, tag: str) -> bool:
    """Whether a node may fire an event with that tag: about itself, or of a type of its own (``org.example.done``).

    None of Salt's own tags has a dot in its first part.
    """
    match tag.split("/"):
        case ["salt", "minion" | "beacon", about, _, *_]:
            return about == node
        case ["salt", "job", _, "prog" | "start", about, *_]:
            return about == node
        case [kind, *_]:
            return tag in PLAIN or "." in kind
    return False
