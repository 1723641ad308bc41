"""Conversations in chat, which of Slack's deliveries were handled, and messages on their way to Slack."""

from peewee import Database

TABLES = """
CREATE TABLE conversation (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT,
    message TEXT,
    member TEXT NOT NULL,
    persona TEXT NOT NULL,
    job TEXT REFERENCES job (id),
    preview TEXT REFERENCES job (id),
    shown TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION
);
CREATE INDEX conversation_job ON conversation (job);
CREATE INDEX conversation_open ON conversation (created_at) WHERE ended_at IS NULL;

CREATE TABLE heard (
    id TEXT PRIMARY KEY,
    delivery TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    done_at DOUBLE PRECISION
);
CREATE INDEX heard_at ON heard (at);

CREATE TABLE outgoing (
    id TEXT PRIMARY KEY,
    n BIGINT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('post', 'show', 'edit', 'ephemeral', 'file', 'modal', 'view')),
    conversation TEXT REFERENCES conversation (id),
    channel TEXT,
    thread TEXT,
    message TEXT,
    member TEXT,
    body TEXT NOT NULL,
    mark TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'given_up')),
    tries INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    not_before DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    error TEXT
);
CREATE INDEX outgoing_open ON outgoing (lane, n) WHERE state IN ('queued', 'sending');
CREATE INDEX outgoing_show ON outgoing (conversation) WHERE state = 'queued';
CREATE INDEX outgoing_over ON outgoing (ended_at)
"""

BACK = """
DROP TABLE outgoing;
DROP TABLE heard;
DROP TABLE conversation
"""
"""Messages that still wait to be sent to Slack are dropped."""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
