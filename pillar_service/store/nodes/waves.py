"""Upgrades of nodes in waves."""

from peewee import CompositeKey, DoubleField, IntegerField, TextField

from pillar_service.store import plain
from pillar_service.store.database import Table


class Upgrade(Table):
    """One, of nodes that a selector meant; ``wave`` is the one that is under way, ``said`` why it stands as it does."""

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
    """A node in one. ``tries`` counts how often it was asked: each is an order of its own."""

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
    """Add one with the nodes of each of its waves, all of which wait."""
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
    """Change one's columns."""
    plain.change(Upgrade, columns, "id = ?", id)


def change_node(id: str, node: str, **columns: object) -> None:
    """Change a node's columns in one."""
    plain.change(UpgradeNode, columns, "upgrade = ? AND node = ?", id, node)


def asked_by(id: str, now: float) -> None:
    """Who was asked in a future that never was, while the clock was ahead, was asked now."""
    plain.change(UpgradeNode, {"asked_at": now}, "upgrade = ? AND asked_at > ?", id, now)


def find(id: str) -> Upgrade | None:
    """The one with that id."""
    return plain.first(Upgrade, "WHERE id = ?", id)


def newest(limit: int) -> list[Upgrade]:
    """The last ones, the newest first."""
    return plain.found(Upgrade, "ORDER BY begun_at DESC, id DESC LIMIT ?", limit)


def open() -> Upgrade | None:
    """The one that is not over; there is one at most."""
    return plain.first(Upgrade, "WHERE state IN ('running', 'stopped')")


def nodes(id: str) -> list[UpgradeNode]:
    """The nodes in one, by wave."""
    return plain.found(UpgradeNode, "WHERE upgrade = ? ORDER BY wave, node", id)


def asked(node: str) -> UpgradeNode | None:
    """What a node is asked for in one that runs."""
    running = "upgrade IN (SELECT id FROM upgrade WHERE state = 'running')"
    return plain.first(UpgradeNode, f"WHERE node = ? AND state = 'asked' AND {running}", node)
