"""Upgrades of nodes in waves."""

from peewee import CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table


class Upgrade(Table):
    """One upgrade, of the nodes that a selector chose; ``wave`` is the current wave, ``said`` explains the state."""

    id = TextField(primary_key=True)
    actor = TextField()
    selector = TextField()
    version = TextField()
    bundle = TextField()
    waves = TextField()
    deadline_s = IntegerField()
    state = TextField()
    wave = IntegerField(default=1)
    said = TextField(default="")
    begun_at = DoubleField()
    changed_at = DoubleField()


class UpgradeNode(Table):
    """A node in an upgrade. ``tries`` counts how often it was asked to upgrade; each time is an order of its own."""

    upgrade = TextField()
    node = TextField()
    wave = IntegerField()
    state = TextField()
    tries = IntegerField(default=0)
    asked_at = DoubleField(null=True)
    said = TextField(default="")

    class Meta:
        primary_key = CompositeKey("upgrade", "node")


MANY = 100


def add(columns: dict[str, object], waves: list[list[str]]) -> Upgrade:
    """Add an upgrade with the nodes of each wave, all of them waiting."""
    made = plain.add(Upgrade, columns)
    rows = [
        plain.new(UpgradeNode, {"upgrade": made.id, "node": node, "wave": number, "state": "waiting"})
        for number, wave in enumerate(waves, 1)
        for node in wave
    ]
    for first in range(0, len(rows), MANY):
        plain.add_all(UpgradeNode, rows[first : first + MANY])
    return made


def change(id: str, **columns: object) -> None:
    """Change an upgrade's columns."""
    plain.change(Upgrade, columns, "id = ?", id)


def change_node(id: str, node: str, **columns: object) -> None:
    """Change the columns of a node in an upgrade."""
    plain.change(UpgradeNode, columns, "upgrade = ? AND node = ?", id, node)


def asked_by(id: str, now: float) -> None:
    """Set the time of nodes asked after ``now`` to ``now``: they were asked while the clock was ahead."""
    plain.change(UpgradeNode, {"asked_at": now}, "upgrade = ? AND asked_at > ?", id, now)


def find(id: str) -> Upgrade | None:
    """The upgrade with that id."""
    return plain.first(Upgrade, "WHERE id = ?", id)


def newest(limit: int) -> list[Upgrade]:
    """The newest upgrades, newest first."""
    return plain.found(Upgrade, "ORDER BY begun_at DESC, id DESC LIMIT ?", limit)


def open() -> Upgrade | None:
    """The upgrade that is not over; there is at most one."""
    return plain.first(Upgrade, "WHERE state IN ('running', 'stopped')")


def nodes(id: str) -> list[UpgradeNode]:
    """The nodes in an upgrade, by wave."""
    return plain.found(UpgradeNode, "WHERE upgrade = ? ORDER BY wave, node", id)


def asked(node: str) -> UpgradeNode | None:
    """A node's row in the running upgrade that has asked it."""
    running = "upgrade IN (SELECT id FROM upgrade WHERE state = 'running')"
    return plain.first(UpgradeNode, f"WHERE node = ? AND state = 'asked' AND {running}", node)
