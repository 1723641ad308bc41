"""Tokens that run one command as one user, and aliases of chat users for lines."""

from peewee import Database

TABLES = """
CREATE TABLE command_token (
    id TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,
    selector TEXT NOT NULL,
    channel TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    last_used_at DOUBLE PRECISION
);
CREATE INDEX command_token_actor ON command_token (actor, created_at);

CREATE TABLE chat_alias (
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    line TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (actor, name)
)
"""

BACK = """
DROP TABLE chat_alias;
DROP TABLE command_token
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
