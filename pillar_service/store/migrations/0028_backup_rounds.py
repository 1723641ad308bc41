"""Backups: each snapshot and each verification, and what came of it."""

from peewee import Database

STATEMENTS = """
CREATE TABLE backup_round (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('backup', 'verification')),
    state TEXT NOT NULL CHECK (state IN ('asked', 'running', 'succeeded', 'failed')),
    actor TEXT NOT NULL,
    repository TEXT NOT NULL,
    snapshot TEXT,
    added BIGINT,
    detail TEXT NOT NULL,
    asked_at DOUBLE PRECISION NOT NULL,
    began_at DOUBLE PRECISION,
    heard_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION,
    CHECK ((ended_at IS NOT NULL) = (state IN ('succeeded', 'failed')))
);
CREATE UNIQUE INDEX backup_round_open ON backup_round (kind) WHERE state IN ('asked', 'running');
CREATE INDEX backup_round_asked ON backup_round (kind, asked_at)
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("DROP TABLE backup_round")  # type: ignore[no-untyped-call]
