"""Forwardings: where events are sent, how far each forwarding got, and its last error."""

from peewee import Database

TABLES = """
CREATE TABLE forwarding (
    id TEXT PRIMARY KEY,
    account TEXT,
    maker TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('webhook', 'mail', 'slack')),
    address TEXT NOT NULL,
    secret TEXT,
    filter TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('on', 'off', 'failed')),
    cursor BIGINT NOT NULL,
    batch_end BIGINT,
    test TEXT,
    lost BIGINT NOT NULL,
    lost_first BIGINT,
    lost_last BIGINT,
    failures INTEGER NOT NULL,
    failing_since DOUBLE PRECISION,
    error TEXT,
    not_before DOUBLE PRECISION NOT NULL,
    claim BIGINT NOT NULL,
    claimed_until DOUBLE PRECISION NOT NULL,
    sent BIGINT NOT NULL,
    sent_at DOUBLE PRECISION,
    created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX forwarding_account ON forwarding (account)
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("DROP TABLE forwarding")  # type: ignore[no-untyped-call]
