"""Nodes that are declared lost, and moves from them: ``left`` is one whose node can't be told to clear up."""

from peewee import Database

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


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
