"""Facts: what nodes report about themselves, and how it changed, for people (their own nodes) and operators (all)."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.listing import PAGE
from pillar_service.core.nodes import discovery
from pillar_service.core.nodes import facts as rules
from pillar_service.core.nodes.rooms import size
from pillar_service.store.events import events
from pillar_service.store.nodes import facts as rows
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes.facts import NodeFacts
from pillar_service.store.nodes.nodes import Node
from pillar_service.usecases.nodes import nodes

HISTORY = 20
"""How many changes one page has."""

MOST_SHOWN = 1000
"""How many single facts a page shows."""

MOST_HEARD = 32
"""How many events of one batch are compared, the newest ones: those before them are kept only as events."""


def read(data: object) -> dict[str, Any]:
    """Return what is kept of an event's data: {"hash", "facts"}; raises Invalid.

    Secrets are removed here too, as the node's own filter can't be relied on. Anything else in the data is ignored.
    """
    if not isinstance(data, Mapping):
        raise Invalid('Send facts as {"facts": {…}}.')
    facts = rules.checked(data.get("facts"))
    return {"hash": rules.digest(facts), "facts": facts}


def hear(node: str, told: list[tuple[str, Any]], now: float) -> list[dict[str, str]]:
    """Keep the facts that a node reports, given by event id, in the caller's transaction; nothing is refused.

    Facts older than the known ones change nothing. If facts repeat the previous ones, their event keeps only the hash.
    """
    known = rows.find(node)
    placed = sorted(((_place(id), data) for id, data in told), key=lambda one: one[0])
    fresh = [one for one in placed if known is None or one[0] > (known.epoch, known.sequence)]
    if fresh:
        _keep(node, known, fresh[-MOST_HEARD:], now)
    return []


def _place(id: str) -> tuple[int, int]:
    _, epoch, sequence = id.rsplit("/", 2)
    return int(epoch), int(sequence)


def _keep(node: str, known: NodeFacts | None, fresh: Sequence[tuple[tuple[int, int], Any]], now: float) -> None:
    before = {"hash": known.hash, "facts": known.facts} if known else None
    count, changed_at = (known.changes, known.changed_at) if known else (0, now)
    for place, data in fresh:
        if before and before["hash"] == data["hash"]:
            events.shorten(node, *place, {"hash": data["hash"]})
        elif before:
            count, changed_at = count + 1, now
            rows.add_change(node, count, now, rules.changes(before["facts"], data["facts"]))
        before = data
    (epoch, sequence), last = fresh[-1]
    standing = {"changes": count, "changed_at": changed_at, "told_at": now, "epoch": epoch, "sequence": sequence}
    rows.put(known, node, {**last, **standing})
    node_rows.change(node, **asdict(size(last["facts"])))
    rows.prune(node, count - rules.KEPT)


def listed(account: str | None, before: str = "") -> dict[str, Any]:
    """The nodes of an account (None: all nodes), by id, with a summary of their facts: {"rows", "next"}."""
    wanted = node_rows.listed() if account is None else node_rows.of(account)
    after = [one for one in wanted if one.id > before]
    shown = after[:PAGE]
    known = rows.of([one.id for one in shown])
    told = [_summary(one, known.get(one.id)) for one in shown]
    return {"rows": told, "next": shown[-1].id if len(after) > PAGE else None}


def show(account: str | None, node: object, before: int | None = None) -> dict[str, Any]:
    """One node's facts, also flat, and their changes; raises NotFound, also when ``account`` is another (None: any)."""
    found = nodes.found(node, account)
    known = rows.find(found.id)
    facts = known.facts if known else {}
    flat = itertools.islice(rules.flat(facts), MOST_SHOWN)
    return {
        "node": _summary(found, known),
        "facts": facts,
        "flat": [(rules.shown(path), rules.shown(value)) for path, value in flat],
        "changes": [
            {"n": one.n, "at": one.at, "changes": one.changes} for one in rows.changes(found.id, before, HISTORY)
        ],
    }


def all_of(account: str) -> dict[str, Any]:
    """The facts of each of an account's nodes that reported any."""
    return {id: known.facts for id, known in sorted(rows.of([one.id for one in node_rows.of(account)]).items())}


def _summary(node: Node, known: NodeFacts | None) -> dict[str, Any]:
    told: Mapping[str, Any] = known.facts if known else {}
    grains, versions = _mapping(told.get("grains")), _mapping(told.get("versions"))
    return {
        "id": node.id,
        "account": node.account,
        "system": rules.shown(str(grains.get("osfinger") or grains.get("os") or "")),
        "salt": rules.shown(str(versions.get("salt") or "")),
        "docker": rules.shown(str(versions.get("docker") or "")),
        "changed_at": known.changed_at if known else None,
        "told_at": known.told_at if known else None,
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def targets(port: object = discovery.EXPORTER, whose: object = "operators") -> list[dict[str, Any]]:
    """The nodes as Prometheus discovers them, at this port; ``whose``: operators (only nodes without an account) or all."""
    number = names.whole_number(port, "port", 1, 65535)
    if whose not in ("operators", "all"):
        raise Invalid("'whose' must be 'operators' (only nodes without an account) or 'all'.")
    known = rows.with_nodes(own_only=whose == "operators")
    found = [discovery.target(id, number, facts, labels, account or "") for id, account, labels, facts in known]
    return [one for one in found if one is not None]
