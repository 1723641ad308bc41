"""Persons' tokens for the public API."""

from peewee import Database

TABLES = """
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES agent (id),
    kind TEXT NOT NULL CHECK (kind IN ('personal', 'session')),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    mark TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    last_used_at DOUBLE PRECISION
);
CREATE INDEX token_account ON token (account, created_at)
"""

BACK = """
DROP TABLE token
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
