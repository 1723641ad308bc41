"""Standings: how nodes are doing, as shown to people (their own nodes) and operators (all nodes)."""

import time
from collections.abc import Sequence
from typing import Any

from pillar_service.core.listing import PAGE
from pillar_service.core.nodes import presence as rules
from pillar_service.core.nodes.presence import State
from pillar_service.store.events import events
from pillar_service.store.nodes import nodes, standings
from pillar_service.store.nodes.nodes import Node
from pillar_service.store.nodes.standings import Standing


def of(account: str) -> dict[str, dict[str, Any]]:
    """The standings of an account's nodes, by node id."""
    return {row["id"]: row for row in _described(nodes.of(account))}


def listed(before: str = "") -> dict[str, Any]:
    """The standings of all nodes, one page at a time: {"rows", "next"}."""
    rest = [one for one in nodes.listed() if one.id > before]
    return {"rows": _described(rest[:PAGE]), "next": rest[PAGE - 1].id if len(rest) > PAGE else None}


def show(node: Node) -> dict[str, Any]:
    """The standing of one node."""
    return _described([node])[0]


def _described(shown: Sequence[Node]) -> list[dict[str, Any]]:
    ids = [one.id for one in shown]
    known, came = standings.of(ids), _came(ids)
    return [_row(one, known.get(one.id), came.get(one.id, (0, 0, 0))) for one in shown]


def _came(of: list[str]) -> dict[str, tuple[int, int, int]]:
    """By node: how many events were lost, refused, and missing (in no count, though higher sequences arrived)."""
    found: dict[str, tuple[int, int, int]] = {}
    for one in events.epochs(of):
        lost, refused, missing = found.get(one.node, (0, 0, 0))
        gone = max(0, one.highest - one.taken - one.refused - one.lost)
        found[one.node] = lost + one.lost, refused + one.refused, missing + gone
    return found


def _row(node: Node, standing: Standing | None, came: tuple[int, int, int]) -> dict[str, Any]:
    spool = (standing.spool if standing else None) or {}
    shown = rules.looked(standing.presence, time.time()) if standing else rules.Standing()
    return {
        "id": node.id,
        "account": node.account,
        "state": str(shown.state if standing else State.NEVER),
        "since": shown.since if standing else None,
        "heard_at": shown.heard_at,
        "lag_s": standing.lag_s if standing else None,
        "offset_s": standing.offset_s if standing else None,
        "waiting": spool.get("waiting"),
        "dead": spool.get("dead"),
        **dict(zip(("lost", "refused", "missing"), came, strict=True)),
        "versions": (standing.versions if standing else None) or {},
    }
