"""Placement: whose bots and how many each node takes, the capacity it reported, draining, and moves."""

from peewee import Database

STATEMENTS = """
ALTER TABLE node ADD COLUMN sharing TEXT NOT NULL DEFAULT 'own' CHECK (sharing IN ('own', 'named', 'all'));
UPDATE node SET sharing = 'all' WHERE account IS NULL;
ALTER TABLE node ADD COLUMN bots_most INTEGER CHECK (bots_most >= 0);
ALTER TABLE node ADD COLUMN cpus INTEGER;
ALTER TABLE node ADD COLUMN memory_mb INTEGER;
ALTER TABLE node ADD COLUMN disk_mb INTEGER;
ALTER TABLE node ADD COLUMN draining_at DOUBLE PRECISION;

CREATE TABLE node_share (
    node TEXT NOT NULL REFERENCES node (id),
    email TEXT NOT NULL,
    PRIMARY KEY (node, email)
);
CREATE INDEX node_share_email ON node_share (email);

CREATE TABLE move (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL REFERENCES agent (id),
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('stopping', 'packing', 'leaving', 'arriving', 'clearing', 'done', 'back')),
    job TEXT NOT NULL,
    error TEXT NOT NULL,
    actor TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL
);
CREATE UNIQUE INDEX move_open ON move (bot) WHERE state NOT IN ('done', 'back');
CREATE INDEX move_source ON move (source, started_at)
"""

BACK = """
DROP TABLE move;
DROP TABLE node_share;
ALTER TABLE node DROP COLUMN draining_at;
ALTER TABLE node DROP COLUMN disk_mb;
ALTER TABLE node DROP COLUMN memory_mb;
ALTER TABLE node DROP COLUMN cpus;
ALTER TABLE node DROP COLUMN bots_most;
ALTER TABLE node DROP COLUMN sharing
"""
"""Moves are dropped: a bot that is being moved belongs to the node in its row, the old one or the new one."""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
