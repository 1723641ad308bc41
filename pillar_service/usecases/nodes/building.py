"""Building: takes the next step of a machine order.

One worker at a time works on an order; if that worker dies, another repeats its step. Before anything is made at the
provider, the order notes that a machine may exist there; whatever exists is found by its tag. No step holds a
transaction while it waits for the provider.
"""

import logging
import time
from functools import cache

from pillar_service.clouds.provider import Account, Cloud, Machine
from pillar_service.core.errors import Failed, SaltcellarError, Unavailable
from pillar_service.core.nodes import first_boot
from pillar_service.core.nodes import machine_orders as rules
from pillar_service.core.nodes.enrolment import KeyState
from pillar_service.core.nodes.machine_orders import OrderState, Wish
from pillar_service.settings import settings
from pillar_service.store.bots import bots
from pillar_service.store.database import transaction
from pillar_service.store.nodes import enrolment as token_rows
from pillar_service.store.nodes import machine_orders as rows
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes.machine_orders import MachineOrder
from pillar_service.usecases.nodes import enrolment_tokens, losing
from pillar_service.usecases.service import auditing

TOO_SLOW = (
    "The machine was made, but did not enrol within {} s: look at its console at the provider, then finish the order, "
    "which makes another machine, or retire it."
)

log = logging.getLogger(__name__)


class _Lost(Exception):
    """Somebody else changed the order in the meantime, so the result of this step no longer applies."""


def step(now: float | None = None) -> bool:
    """Take the next step of an order that is due; return False when none is."""
    then = time.time() if now is None else now
    order = _claim(then)
    if order is None:
        return False
    try:
        _take(order, then)
    except _Lost:
        with transaction():
            rows.release(order.id, order.due_at, then)
    except SaltcellarError as error:
        _failed(order, error, then)
    return True


def _claim(now: float) -> MachineOrder | None:
    if rows.due(now) is None:
        return None
    with transaction():
        order = rows.due(now)
        if order is None:
            return None
        until, tried_at = now + rules.CLAIMED_S, rules.believed(order.tried_at, now)
        if not rows.change(order, due_at=until, tried_at=tried_at):
            return None
        order.due_at, order.tried_at = until, tried_at
        return order


def _take(order: MachineOrder, now: float) -> None:
    if order.state == OrderState.BOOTING:
        _look_for_node(order, now)
    elif order.state == OrderState.RETIRING:
        _destroy(order, now)
    else:
        _make(order, now)


def _write(order: MachineOrder, **columns: object) -> None:
    """Save the result of a step, in a transaction; raises _Lost when another worker has changed the order."""
    with transaction():
        if not rows.change(order, **columns):
            raise _Lost
    for name, value in columns.items():
        setattr(order, name, value)


def _later(order: MachineOrder, at: float) -> None:
    _write(order, due_at=at)


# --- making -----------------------------------------------------------------------------------------------------------


def _make(order: MachineOrder, now: float) -> None:
    cloud, wish = _cloud(order), _wish(order)
    there = sorted(cloud.machines(wish.tag), key=lambda one: (one.id != order.machine, one.id))
    for spare in there[1:]:
        if not spare.is_going:
            cloud.destroy(spare)
    if any(one.is_going for one in there):
        _later(order, now + rules.LOOK_S)
    elif there and there[0].has_run and not _may_enrol(order, now):
        cloud.destroy(there[0])
        _later(order, now + rules.LOOK_S)
    elif there:
        _start(order, cloud, there[0], None if there[0].has_run else _script(order, now), now)
    elif now < (order.tried_at or 0) + rules.SETTLE_S:
        _later(order, (order.tried_at or 0) + rules.SETTLE_S)
    else:
        script = _script(order, now)
        _start(order, cloud, cloud.make(wish, script), script, now)


def _script(order: MachineOrder, now: float) -> str:
    """Return the script for the machine's first boot, with a token of its own; from here on the machine may exist."""
    chosen, device = settings(), settings().cloud_device if order.volume_gb else None
    with transaction():
        if order.token:
            token_rows.revoke(order.token, now)
        life = {"life": chosen.cloud_boot_s, "uses": 1, "pattern": order.name}
        token = enrolment_tokens.create(order.actor, order.account, order.labels, **life)
        _write(order, state=str(OrderState.MAKING), token=token["id"], tried_at=now)
    return first_boot.script(chosen.address, order.name, token["secret"], device)


def _start(order: MachineOrder, cloud: Cloud, machine: Machine, script: str | None, now: float) -> None:
    cloud.start(machine, _wish(order), script)
    told = {"machine": machine.id, "address": machine.address, "tried_at": now, "due_at": now + rules.LOOK_S}
    _write(order, state=str(OrderState.BOOTING), fault=None, tries=0, **told)


def _may_enrol(order: MachineOrder, now: float) -> bool:
    """Whether the machine's token has let it in, or still can."""
    token = token_rows.find(order.token) if order.token else None
    return token is not None and (token.used > 0 or (token.revoked_at is None and token.expires_at > now))


# --- booting ----------------------------------------------------------------------------------------------------------


def _look_for_node(order: MachineOrder, now: float) -> None:
    with transaction():
        node = node_rows.find(order.node)
        if node is not None and node.enrolled_by == order.token and node.key_state == KeyState.ACCEPTED:
            _write(order, state=str(OrderState.ENROLLED), fault=None)
            auditing.record(
                order.actor, "nodes.provisioned", f"machine:{order.id}", now, f"{order.node}: {order.machine}"
            )
        elif now >= (order.tried_at or 0) + settings().cloud_boot_s:
            token_rows.revoke(str(order.token), now)
            _give_up(order, Failed(TOO_SLOW.format(settings().cloud_boot_s)), now)
        else:
            _later(order, now + rules.LOOK_S)


# --- going ------------------------------------------------------------------------------------------------------------


def _destroy(order: MachineOrder, now: float) -> None:
    cloud, tag = _cloud(order), rules.tag(order.id)
    there = cloud.machines(tag)
    for machine in there:
        if not machine.is_going:
            cloud.destroy(machine)
    settled = (order.tried_at or 0) + rules.SETTLE_S
    if there or cloud.destroy_volumes(tag):
        _later(order, now + rules.LOOK_S)
    elif now < settled:
        _later(order, settled)  # a machine requested just before may still turn up
    else:
        with transaction():
            _write(order, state=str(OrderState.RETIRED), fault=None, address=None, ended_at=now)
            auditing.record(order.actor, "nodes.retired", f"machine:{order.id}", now, f"{order.node}: {order.machine}")
            _lose_bots(order, now)


def _lose_bots(order: MachineOrder, now: float) -> None:
    """Let the bots that went with the machine be restored elsewhere, or deleted. Until then their containers may still run."""
    node = node_rows.find(order.node)
    if (
        node is None
        or node.enrolled_by != order.token
        or node.key_state != KeyState.REVOKED
        or node.lost_at is not None
    ):
        return
    if bots.held(node.id):
        losing.lose(order.actor, node, now)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def _failed(order: MachineOrder, error: SaltcellarError, now: float) -> None:
    log.warning("The machine for %s (%s): %s", order.node, order.id, error.sentence)
    tries = order.tries + 1
    try:
        with transaction():
            if order.state != OrderState.RETIRING and rules.has_failed(tries, error):
                _give_up(order, error, now)
            else:
                pause = rules.pause_s(tries, error)
                _write(order, tries=tries, fault=error.sentence[:500], due_at=now + pause)
    except _Lost:
        with transaction():
            rows.release(order.id, order.due_at, now)


def _give_up(order: MachineOrder, error: SaltcellarError, now: float) -> None:
    _write(order, state=str(OrderState.FAILED), fault=error.sentence[:500], tries=0)
    auditing.record(order.actor, "nodes.provision_failed", f"machine:{order.id}", now, error.sentence)


def _wish(order: MachineOrder) -> Wish:
    return Wish(rules.tag(order.id), order.size, order.image, order.volume_gb)


def _cloud(order: MachineOrder) -> Cloud:
    chosen = settings()
    if chosen.cloud != order.provider:
        raise Unavailable(
            f"This machine was ordered at {order.provider}, but CELLAR_CLOUD is {chosen.cloud or 'empty'}: set it back."
        )
    return _asked(
        Account(order.provider, chosen.cloud_key, chosen.cloud_secret, chosen.cloud_url, order.zone),
        chosen.cloud_device,
    )


@cache
def _asked(account: Account, device: str) -> Cloud:
    # Imported here because the libraries take several MiB: only a place that orders machines needs them.
    if account.provider == "scaleway":
        from pillar_service.clouds.scaleway import Scaleway

        return Scaleway(account, device)
    from pillar_service.clouds.compute import Compute

    return Compute(account, device)
