"""Challenges that jobs wait for, votes on them, and which account each chat user has."""

from peewee import Database

TABLES = """
CREATE TABLE challenge (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES job (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'otp', 'approval')),
    state TEXT NOT NULL CHECK (state IN ('open', 'met', 'refused', 'expired')),
    binding TEXT NOT NULL,
    role TEXT,
    needed INTEGER NOT NULL CHECK (needed > 0),
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    UNIQUE (job, position)
);
CREATE INDEX challenge_open ON challenge (expires_at) WHERE state = 'open';

CREATE TABLE vote (
    challenge TEXT NOT NULL REFERENCES challenge (id),
    actor TEXT NOT NULL,
    is_yes BOOLEAN NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (challenge, actor)
);

CREATE TABLE chat_person (
    team TEXT NOT NULL,
    user_id TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES agent (id),
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (team, user_id)
);
CREATE INDEX chat_person_account ON chat_person (account);

CREATE TABLE chat_link (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX chat_link_expires ON chat_link (expires_at)
"""

BACK = """
DROP TABLE chat_link;
DROP TABLE chat_person;
DROP TABLE vote;
DROP TABLE challenge
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
