"""Nodes declared lost, and moves from them: a move is ``left`` while its old node can't be told to clear up."""

from peewee import Database, SqliteDatabase

STATEMENTS = """
ALTER TABLE node ADD COLUMN lost_at DOUBLE PRECISION;

CREATE TABLE move_wider (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL REFERENCES agent (id),
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT move_state_check
        CHECK (state IN ('stopping', 'packing', 'leaving', 'arriving', 'clearing', 'done', 'back', 'left')),
    job TEXT NOT NULL,
    error TEXT NOT NULL,
    actor TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL
);
INSERT INTO move_wider (id, bot, source, target, state, job, error, actor, started_at, changed_at)
    SELECT id, bot, source, target, state, job, error, actor, started_at, changed_at FROM move;
DROP TABLE move;
ALTER TABLE move_wider RENAME TO move;
CREATE UNIQUE INDEX move_open ON move (bot) WHERE state NOT IN ('done', 'back', 'left');
CREATE INDEX move_source ON move (source, started_at)
"""

BACK = """
UPDATE move SET state = 'done' WHERE state = 'left' AND EXISTS (
    SELECT 1 FROM move AS other WHERE other.bot = move.bot AND other.state NOT IN ('done', 'back')
        AND (other.state <> 'left' OR other.started_at > move.started_at
            OR (other.started_at = move.started_at AND other.id > move.id)));
UPDATE move SET state = 'clearing' WHERE state = 'left';
ALTER TABLE move RENAME TO move_wider;
CREATE TABLE move (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL REFERENCES agent (id),
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL@name@
        CHECK (state IN ('stopping', 'packing', 'leaving', 'arriving', 'clearing', 'done', 'back')),
    job TEXT NOT NULL,
    error TEXT NOT NULL,
    actor TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL
);
INSERT INTO move (id, bot, source, target, state, job, error, actor, started_at, changed_at)
    SELECT id, bot, source, target, state, job, error, actor, started_at, changed_at FROM move_wider;
DROP TABLE move_wider;
CREATE UNIQUE INDEX move_open ON move (bot) WHERE state NOT IN ('done', 'back');
CREATE INDEX move_source ON move (source, started_at);
ALTER TABLE node DROP COLUMN lost_at
"""
"""A move that is ``left`` becomes ``clearing``, so the lost node is asked again and again to clear up. If its bot has a later
such move, or is on an open one, it becomes ``done``."""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    # PostgreSQL would choose another name by itself while the renamed table has this one; SQLite's table had no name here.
    name = "" if isinstance(db, SqliteDatabase) else " CONSTRAINT move_state_check"
    for statement in BACK.replace("@name@", name).split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
