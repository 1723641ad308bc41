"""Upgrades of nodes in waves, and the state of each node in them."""

from peewee import Database

STATEMENTS = """
CREATE TABLE upgrade (
    id TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    selector TEXT NOT NULL,
    version TEXT NOT NULL,
    bundle TEXT NOT NULL,
    waves TEXT NOT NULL,
    deadline_s INTEGER NOT NULL CHECK (deadline_s > 0),
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'done', 'cancelled')),
    wave INTEGER NOT NULL CHECK (wave > 0),
    said TEXT NOT NULL,
    begun_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX upgrade_begun ON upgrade (begun_at);

CREATE TABLE upgrade_node (
    upgrade TEXT NOT NULL REFERENCES upgrade (id),
    node TEXT NOT NULL,
    wave INTEGER NOT NULL CHECK (wave > 0),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'done', 'failed')),
    tries INTEGER NOT NULL CHECK (tries >= 0),
    asked_at DOUBLE PRECISION,
    said TEXT NOT NULL,
    PRIMARY KEY (upgrade, node)
);
CREATE INDEX upgrade_node_asked ON upgrade_node (node) WHERE state = 'asked'
"""

BACK = """
DROP TABLE upgrade_node;
DROP TABLE upgrade
"""
"""Upgrades under way are forgotten: nodes that have changed their version by then keep it."""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
