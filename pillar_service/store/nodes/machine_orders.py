"""Orders of machines from a provider."""

from peewee import DoubleField, IntegerField, TextField

from pillar_service.core.nodes.machine_orders import UNDER_WAY, OrderState
from pillar_service.store.database import JsonField, Table
from pillar_service.store.due import is_due


class MachineOrder(Table):
    """One order: a machine that is to become the node ``node``.

    ``token`` is the id of the enrolment token that the machine was given last, ``machine`` the provider's id of it,
    ``tried_at`` when it was last asked for, or began to boot. ``due_at`` is when the next step is due: whoever takes the step
    moves it, and can tell by it whether the step is still theirs.
    """

    id = TextField(primary_key=True)
    account = TextField(null=True)
    actor = TextField()
    node = TextField()
    name = TextField()
    labels = JsonField(default=dict)
    provider = TextField()
    zone = TextField()
    size = TextField()
    image = TextField()
    volume_gb = IntegerField()
    state = TextField()
    token = TextField(null=True)
    machine = TextField(null=True)
    address = TextField(null=True)
    fault = TextField(null=True)
    tries = IntegerField(default=0)
    tried_at = DoubleField(null=True)
    due_at = DoubleField()
    created_at = DoubleField()
    ended_at = DoubleField(null=True)


THERE = MachineOrder.state != str(OrderState.RETIRED)


def add(**columns: object) -> MachineOrder:
    """Add an order."""
    return MachineOrder.create(**columns)


def find(id: str) -> MachineOrder | None:
    """The order with that id."""
    return MachineOrder.get_or_none(MachineOrder.id == id)


def of_node(node: str) -> MachineOrder | None:
    """The order of a node that is not retired, or the last one if all are."""
    rows = MachineOrder.select().where(MachineOrder.node == node)
    found: MachineOrder | None = rows.order_by(THERE.desc(), MachineOrder.created_at.desc()).first()
    return found


def there(account: str | None) -> list[MachineOrder]:
    """The orders of an account (None: of the place) that are not retired, oldest first."""
    whose = MachineOrder.account.is_null() if account is None else MachineOrder.account == account
    return list(MachineOrder.select().where(THERE & whose).order_by(MachineOrder.created_at))


def listed(limit: int) -> list[MachineOrder]:
    """At most ``limit`` orders: those that are not retired, then retired ones, each newest first."""
    rows = MachineOrder.select().order_by(THERE.desc(), MachineOrder.created_at.desc(), MachineOrder.id)
    return list(rows.limit(limit))


def due(now: float) -> MachineOrder | None:
    """The order whose next step has been due for the longest time."""
    under_way = MachineOrder.state.in_([str(state) for state in UNDER_WAY])
    rows = MachineOrder.select().where(under_way & is_due(MachineOrder.due_at, now))
    found: MachineOrder | None = rows.order_by(MachineOrder.due_at, MachineOrder.id).first()
    return found


def change(order: MachineOrder, **columns: object) -> bool:
    """Change an order if its state and ``due_at`` are still as read; False when somebody else has changed them."""
    same = (MachineOrder.state == order.state) & (MachineOrder.due_at == order.due_at)
    return bool(MachineOrder.update(**columns).where((MachineOrder.id == order.id) & same).execute() == 1)


def release(id: str, due_at: float, now: float) -> None:
    """Make an order's next step due now, if its ``due_at`` is still this one: otherwise somebody else has taken the step."""
    held = (MachineOrder.id == id) & (MachineOrder.due_at == due_at)
    MachineOrder.update(due_at=now).where(held).execute()
