"""Machine orders: operators order machines at a provider. `building.py` carries the orders out, step by step."""

import hashlib
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Conflict, Invalid, NotFound
from pillar_service.core.nodes import enrolment
from pillar_service.core.nodes import machine_orders as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.machine_orders import OrderState
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.nodes import enrolment as token_rows
from pillar_service.store.nodes import machine_orders as rows
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes.machine_orders import MachineOrder
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.nodes.enrolment_tokens import active_owner
from pillar_service.usecases.service import auditing

MOST_SHOWN = 200


def create(
    actor: str,
    name: object,
    account: object = None,
    labels: object = None,
    size: object = None,
    volume_gb: object = None,
    key: str | None = None,
) -> dict[str, Any]:
    """Order a machine that becomes the node ``name`` of an account (id or address; None: one of the place's own).

    Other arguments that are None are taken from the settings. Repeating a ``key`` orders nothing more. Raises Invalid,
    NotFound, Forbidden, Conflict.
    """
    told = _wished(size, volume_gb) | {"labels": nodes.checked_labels(labels or {})}
    called, whose = enrolment.node_name(name), None if account is None else active_owner(account)
    node, now = enrolment.minion_id(called, whose), time.time()
    whole = hashlib.sha256(f"{actor}\n{key}".encode()).hexdigest() if key else names.new_id()
    id = whole[:16]
    with transaction():
        before = rows.find(id)
        if before is not None and before.node != node:
            raise Conflict(f"The Idempotency-Key {names.shown(key)} was used for another machine: send a new one.")
        if before is None:
            _refuse(node, whose)
            state = {"state": str(OrderState.ASKED), "due_at": now, "created_at": now}
            rows.add(id=id, account=whose, actor=actor, node=node, name=called, **told, **state)
            auditing.record(
                actor, "nodes.provision", _subject(id), now, f"{node}: {told['size']}, {told['volume_gb']} GB"
            )
        return described(found(id))


def _wished(size: object, volume_gb: object) -> dict[str, Any]:
    chosen = settings()
    if not chosen.cloud:
        raise Invalid(
            "No provider of machines is set here: set CELLAR_CLOUD, or enrol a machine that you already have."
        )
    told = {"size": names.text(size or chosen.cloud_size, "size", 100), "image": chosen.cloud_image}
    for word, value in told.items():
        if not value:
            raise Invalid(f"No {word} is set for machines: set CELLAR_CLOUD_{word.upper()}.")
    wanted = chosen.cloud_volume_gb if volume_gb is None else volume_gb
    gigabytes = names.whole_number(wanted, "size of the volume in GB", *rules.VOLUME_GB)
    return {"provider": chosen.cloud, "zone": chosen.cloud_zone, "volume_gb": gigabytes, **told}


def _refuse(node: str, account: str | None) -> None:
    order, there, most = rows.of_node(node), node_rows.find(node), settings().nodes_most
    if order is not None and order.state != OrderState.RETIRED:
        raise Conflict(
            f"A machine for {node} is already ordered ({order.id}, {order.state}): finish or retire that one."
        )
    if there is not None and there.key_state != KeyState.REVOKED:
        raise Conflict(f"There is already a node {node}: choose another name, or revoke its key first.")
    coming = [one for one in rows.there(account) if one.state != OrderState.ENROLLED]
    if account is not None and node_rows.accepted(account) + len(coming) >= most:
        raise Conflict(f"The account has {most} nodes, the most it may have: retire one first.")


def retire(actor: str, which: object, with_bots: object = False) -> dict[str, Any]:
    """Retire a machine, given the id of its order or node: its key is revoked now, then machine and volume are destroyed.

    Refused while it holds bots, including deleted ones that could be brought back, unless ``with_bots``: their data is
    lost. Repeating it changes nothing. Raises NotFound, Conflict.
    """
    with transaction():
        order = found(which)
        if order.state not in (OrderState.RETIRING, OrderState.RETIRED):
            held = bots.held(order.node) if _is_node(order) else 0
            if held and with_bots is not True:
                raise Conflict(
                    f"There are bots on {order.node} ({held}, counting deleted ones that can be brought back): move or "
                    "purge them first, or pass with_bots=True to lose their data."
                )
            _let_go(actor, order, f"with {held} bots" if held else "")
        return described(found(order.id))


def _let_go(actor: str, order: MachineOrder, detail: str) -> None:
    now, node = time.time(), node_rows.find(order.node)
    if order.token:
        token_rows.revoke(order.token, now)
    if node is not None and _is_node(order) and node.key_state == KeyState.ACCEPTED:
        nodes.keep_key(actor, "nodes.revoke", node.id, node.public_key, KeyState.REVOKED, now)
    # A worker that is busy with a step keeps its claim: whatever that step makes is found afterwards by its tag.
    is_idle = order.state in (OrderState.FAILED, OrderState.ENROLLED)
    told = {"due_at": now} if is_idle else {}
    rows.change(order, state=str(OrderState.RETIRING), fault=None, tries=0, **told)
    auditing.record(actor, "nodes.retire", _subject(order.id), now, f"{order.node} {detail}".strip())


def _is_node(order: MachineOrder) -> bool:
    """Whether the node of that name is this very machine: the order was enrolled, or the machine's own token let it in."""
    node = node_rows.find(order.node)
    return node is not None and (order.state == OrderState.ENROLLED or node.enrolled_by == (order.token or ""))


def finish(actor: str, id: object) -> dict[str, Any]:
    """Continue a failed order, with its machine or, if that can no longer enrol, a new one; raises NotFound, Conflict."""
    now = time.time()
    with transaction():
        order = found(id)
        if order.state != OrderState.FAILED:
            raise Conflict(f"The order {order.id} is {order.state}: only a failed order can be finished.")
        rows.change(order, state=str(OrderState.ASKED), fault=None, tries=0, due_at=now)
        auditing.record(actor, "nodes.finish", _subject(order.id), now, order.node)
        return described(found(order.id))


def forget(actor: str, account: str) -> None:
    """Retire an account's machines as it leaves, in the caller's transaction."""
    for order in rows.there(account):
        if order.state != OrderState.RETIRING:
            _let_go(actor, order, "as the account leaves")


def listed() -> list[dict[str, Any]]:
    """All orders that are not retired, then the newest of those that are."""
    return [described(order) for order in rows.listed(MOST_SHOWN)]


def listed_of(person: str) -> list[dict[str, Any]]:
    """The machines ordered for a person that are not retired."""
    return [described(order) for order in rows.there(person)]


def show(which: object) -> dict[str, Any]:
    """Return one order; raises NotFound."""
    return described(found(which))


def found(which: object) -> MachineOrder:
    """Return the order with that id, or the last order of the node with that id; raises NotFound."""
    order = rows.find(which) or rows.of_node(which) if isinstance(which, str) and which.isprintable() else None
    if order is None:
        raise NotFound(f"No machine was ordered as {names.shown(which)}: salt-run nodes.provisioned lists the orders.")
    return order


def _subject(id: str) -> str:
    return f"machine:{id}"


def described(order: MachineOrder) -> dict[str, Any]:
    """An order as the API shows it; ``tag`` is the name of its machine and volume at the provider."""
    shown = (
        "id", "node", "account", "state", "fault", "provider", "zone", "size", "volume_gb", "machine", "address", "labels",
        "created_at", "ended_at",
    )  # fmt: skip
    return {name: getattr(order, name) for name in shown} | {"tag": rules.tag(order.id)}
