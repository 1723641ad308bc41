"""Upgrades: nodes move in waves to the version that the service hands out; begin, watch, resume and cancel them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillar_service import __version__
from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes import waves as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.labels import with_id
from pillar_service.core.nodes.selectors import Selector
from pillar_service.core.nodes.waves import NodeState, Seen, UpgradeState
from pillar_service.store.database import transaction
from pillar_service.store.nodes import facts, nodes, standings
from pillar_service.store.nodes import waves as rows
from pillar_service.store.nodes.nodes import Node
from pillar_service.store.nodes.waves import Upgrade, UpgradeNode
from pillar_service.usecases.nodes import wheels
from pillar_service.usecases.service import auditing

SHOWN = 20
"""How many upgrades one page shows."""


def begin(
    actor: str, selector: object, waves: object, deadline: object = rules.DEADLINE_S, version: object = None
) -> dict[str, Any]:
    """Upgrade the nodes that the selector means, in waves (core/nodes/waves.py); returns as `show`, plus ``left_out``.

    ``left_out`` says why nodes that already have the version, or can't get it, are left out. Raises Invalid, NotFound
    if there is no bundle or no such node, Conflict while another upgrade is not over.
    """
    meant, deadline_s = selectors.parse(selector), rules.deadline(deadline)
    if version not in (None, __version__):
        raise Invalid(f"This service hands out only {__version__}: upgrade it first, or leave out the version.")
    bundle = _bundle()
    asked = {"actor": actor, "selector": str(meant), "waves": str(waves), "deadline_s": deadline_s}
    with transaction():
        _refuse_if_open()
        (going, left_out), now = _sorted_out(meant), time.time()
        fresh = {"id": names.new_id(), "state": str(UpgradeState.RUNNING), "begun_at": now, "changed_at": now}
        made = rows.add({**asked, **fresh, "version": __version__, "bundle": bundle}, rules.split(going, waves))
        _ask(made, 1, now)
        auditing.record(actor, "nodes.upgrade", f"upgrade:{made.id}", now, f"{len(going)} nodes to {__version__}")
        return show(made.id) | {"left_out": left_out}


def _refuse_if_open() -> None:
    open = rows.open()
    if open is not None:
        raise Conflict(f"The upgrade {open.id} is {open.state}: cancel or resume that first.")


def _sorted_out(meant: Selector) -> tuple[list[str], dict[str, str]]:
    """Split the nodes that are meant: those to upgrade, and the others with why; raises NotFound if none is left."""
    wanted = [node for node in nodes.listed() if meant.matches(with_id(node.labels, node.id))]
    left_out = {node.id: why for node in wanted if (why := _hindrance(node))}
    going = [node.id for node in wanted if node.id not in left_out]
    if not going:
        raise NotFound(_nobody(left_out))
    return going, left_out


def _bundle() -> str:
    found = wheels.sha256()
    if not found:
        raise NotFound("This place hands out no bundle of wheels: name one in CELLAR_NODE_BUNDLE (`make node-bundle`).")
    return found


def _nobody(left_out: Mapping[str, str]) -> str:
    why = " ".join(f"{node}: {why}" for node, why in list(left_out.items())[: rules.MOST_NAMED])
    return f"No node can be upgraded. {why}" if why else "No node has these labels."


def _hindrance(node: Node) -> str:
    if node.enrolled_by is None:
        return "It was not set up by enrol.sh: upgrade it by hand on the machine."
    if node.lost_at is not None or node.key_state != KeyState.ACCEPTED:
        return "It is lost or cut off."
    standing = standings.find(node.id)
    if standing is None or standing.is_away:
        return "It is away."
    return f"It has {__version__} already." if _version(node.id) == __version__ else ""


def _ask(upgrade: Upgrade, wave: int, now: float) -> None:
    """Ask the nodes of a wave that are not done, including those that failed."""
    for one in rows.nodes(upgrade.id):
        if one.wave == wave and one.state != NodeState.DONE:
            told = {"state": str(NodeState.ASKED), "tries": one.tries + 1, "asked_at": now, "said": ""}
            rows.change_node(upgrade.id, one.node, **told)


def resume(actor: str, id: object) -> dict[str, Any]:
    """Resume a stopped upgrade: the nodes of its wave that are not done are asked again. Raises NotFound, Conflict."""
    with transaction():
        found, now = _found(id), time.time()
        if found.state != UpgradeState.STOPPED:
            raise Conflict(f"The upgrade {found.id} is {found.state}: only a stopped one can be resumed.")
        _refuse_another_bundle(found)
        rows.change(found.id, state=str(UpgradeState.RUNNING), said="", changed_at=now)
        _ask(found, found.wave, now)
        auditing.record(actor, "nodes.resume_upgrade", f"upgrade:{found.id}", now)
        return show(found.id)


def cancel(actor: str, id: object) -> dict[str, Any]:
    """End an upgrade; nodes that have the version, or are about to get it, keep it.

    Raises NotFound, and Conflict for an upgrade that is over.
    """
    with transaction():
        found, now = _found(id), time.time()
        if found.state not in (UpgradeState.RUNNING, UpgradeState.STOPPED):
            raise Conflict(f"The upgrade {found.id} is {found.state} already.")
        rows.change(found.id, state=str(UpgradeState.CANCELLED), changed_at=now)
        auditing.record(actor, "nodes.cancel_upgrade", f"upgrade:{found.id}", now)
        return show(found.id)


def _refuse_another_bundle(upgrade: Upgrade) -> None:
    if (upgrade.version, upgrade.bundle) != (__version__, _bundle()):
        raise Conflict(
            f"The service hands out a different bundle than when {upgrade.id} began: cancel it, and begin a new one."
        )


def _found(id: object) -> Upgrade:
    found = rows.find(id) if isinstance(id, str) else None
    if found is None:
        raise NotFound(f"There is no upgrade {names.shown(id)}.")
    return found


def listed() -> list[dict[str, Any]]:
    """The newest upgrades, and how each stands."""
    return [_described(one) for one in rows.newest(SHOWN)]


def show(id: object) -> dict[str, Any]:
    """One upgrade, with its nodes by wave; raises NotFound."""
    found = _found(id)
    keys = ("node", "wave", "state", "tries", "asked_at", "said")
    return _described(found) | {"nodes": [{key: getattr(one, key) for key in keys} for one in rows.nodes(found.id)]}


def _described(one: Upgrade) -> dict[str, Any]:
    keys = ("id", "selector", "version", "waves", "deadline_s", "state", "wave", "said", "begun_at", "changed_at")
    return {key: getattr(one, key) for key in keys}


def wanted(node: str) -> dict[str, Any] | None:
    """What a node is asked to become: {"order", "version", "sha256"}; usually None."""
    asked = rows.asked(node)
    upgrade = rows.find(asked.upgrade) if asked else None
    if asked is None or upgrade is None or (upgrade.version, upgrade.bundle) != (__version__, wheels.sha256()):
        return None
    return {"order": _order(asked), "version": upgrade.version, "sha256": upgrade.bundle}


def _order(asked: UpgradeNode) -> str:
    return f"{asked.upgrade}-{asked.tries}"


def bundle(node: str) -> Path:
    """The wheels, for a node that is asked to install them; raises NotFound."""
    if wanted(node) is None:
        raise NotFound("No upgrade asks this node for another version now.")
    return wheels.file()


def go_on(now: float | None = None) -> bool:
    """Check the nodes of the current wave, and take the next step; returns whether anything changed."""
    then = time.time() if now is None else now
    open = rows.open()
    if open is None or open.state != UpgradeState.RUNNING:
        return False
    with transaction():
        upgrade = rows.find(open.id)
        return upgrade is not None and upgrade.state == UpgradeState.RUNNING and _step(upgrade, then)


def _step(upgrade: Upgrade, now: float) -> bool:
    rows.asked_by(upgrade.id, now)
    wave = [one for one in rows.nodes(upgrade.id) if one.wave == upgrade.wave]
    judged = {
        one.node: rules.judge(_seen(one), upgrade.version, upgrade.deadline_s, now) for one in wave if _waits(one)
    }
    for node, (state, said) in judged.items():
        if state is not NodeState.ASKED:
            rows.change_node(upgrade.id, node, state=str(state), said=said)
    faults = [said for state, said in judged.values() if state is NodeState.FAILED]
    if faults:
        _end(upgrade, UpgradeState.STOPPED, now, rules.sentence(faults))
    elif all(state is NodeState.DONE for state, _ in judged.values()):
        _next(upgrade, now)
    return bool(faults) or any(state is NodeState.DONE for state, _ in judged.values())


def _waits(one: UpgradeNode) -> bool:
    return one.state == NodeState.ASKED


def _next(upgrade: Upgrade, now: float) -> None:
    if any(one.wave > upgrade.wave for one in rows.nodes(upgrade.id)):
        rows.change(upgrade.id, wave=upgrade.wave + 1, changed_at=now)
        _ask(upgrade, upgrade.wave + 1, now)
    else:
        _end(upgrade, UpgradeState.DONE, now, "")


def _end(upgrade: Upgrade, state: UpgradeState, now: float, said: str) -> None:
    rows.change(upgrade.id, state=str(state), said=said, changed_at=now)
    auditing.record(f"upgrade:{upgrade.id}", f"nodes.upgrade_{state}", f"upgrade:{upgrade.id}", now, said)


def _seen(one: UpgradeNode) -> Seen:
    standing, known = standings.find(one.node), facts.find(one.node)
    told = _mapping(known.facts.get("upgrade")) if known else {}
    fault = (
        str(told.get("why") or "It failed.")
        if (told.get("order"), told.get("state")) == (_order(one), "failed")
        else None
    )
    return Seen(
        one.node,
        _version(one.node),
        one.asked_at or 0.0,
        standing.heard_at if standing else None,
        standing is None or bool(standing.is_away),
        fault,
    )


def _version(node: str) -> str | None:
    known = facts.find(node)
    version = _mapping(known.facts.get("versions")).get("saltcellar") if known else None
    return None if version is None else str(version)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
