"""What accounts need: verified addresses, sessions, tickets, outgoing mail, second factors."""

from peewee import Database

TABLES = """
ALTER TABLE account ADD COLUMN verified_at DOUBLE PRECISION;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES agent (id),
    created_at DOUBLE PRECISION NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL
);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_seen ON session (seen_at);

CREATE TABLE ticket (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('newbie', 'welcome', 'second_step', 'reset', 'email')),
    account TEXT REFERENCES agent (id),
    facts TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX ticket_account ON ticket (account, kind);
CREATE INDEX ticket_expires ON ticket (expires_at);

CREATE TABLE mail (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'given_up', 'void')),
    attempts INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    not_before DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    error TEXT
);
CREATE INDEX mail_queued ON mail (not_before) WHERE state = 'queued';
CREATE INDEX mail_created ON mail (created_at);

CREATE TABLE second_factor (
    account TEXT PRIMARY KEY REFERENCES agent (id),
    secret TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    is_on BOOLEAN NOT NULL,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES agent (id)
);
CREATE INDEX recovery_code_account ON recovery_code (account);

CREATE INDEX sign_in_failure_at ON sign_in_failure (at)
"""

BACK = """
DROP INDEX sign_in_failure_at;
DROP TABLE recovery_code;
DROP TABLE second_factor;
DROP TABLE mail;
DROP TABLE ticket;
DROP TABLE session;
ALTER TABLE account DROP COLUMN verified_at
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
