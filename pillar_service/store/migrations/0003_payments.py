"""Subscriptions, payments, the events of providers, and why accounts are suspended."""

import time

from peewee import Database

TRIAL_S = 14 * 86_400
"""The trial, in seconds, of accounts that are older than payments."""

TABLES = """
CREATE TABLE hold (
    account TEXT NOT NULL REFERENCES agent (id),
    why TEXT NOT NULL CHECK (why IN ('operator', 'payment')),
    actor TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, why)
);
INSERT INTO hold (account, why, actor, at)
    SELECT agent, 'operator', 'migration', @now@ FROM account WHERE state = 'suspended';

CREATE TABLE subscription (
    account TEXT PRIMARY KEY REFERENCES agent (id),
    provider TEXT NOT NULL CHECK (provider IN ('manual', 'stripe')),
    customer TEXT UNIQUE,
    reference TEXT,
    live BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('trial', 'active', 'past_due', 'suspended', 'closed')),
    trial_ends DOUBLE PRECISION NOT NULL,
    paid_until DOUBLE PRECISION,
    marked_until DOUBLE PRECISION,
    anchor_day INTEGER CHECK (anchor_day BETWEEN 1 AND 31),
    cancelled_at DOUBLE PRECISION,
    warned_at DOUBLE PRECISION,
    warned_for DOUBLE PRECISION,
    warned_last_for DOUBLE PRECISION,
    suspended_at DOUBLE PRECISION,
    closed_at DOUBLE PRECISION,
    asked_at DOUBLE PRECISION
);
INSERT INTO subscription (account, provider, live, state, trial_ends)
    SELECT agent, 'manual', @no@, 'trial', @now@ + @trial@ FROM account;

CREATE TABLE payment (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES agent (id),
    provider TEXT NOT NULL CHECK (provider IN ('manual', 'stripe')),
    kind TEXT NOT NULL CHECK (kind IN ('paid', 'refunded', 'failed')),
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    currency TEXT NOT NULL,
    detail TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX payment_account ON payment (account, at);

CREATE TABLE provider_event (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    account TEXT REFERENCES agent (id),
    created_at DOUBLE PRECISION NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX provider_event_seen ON provider_event (seen_at)
"""

BACK = """
DROP TABLE provider_event;
DROP TABLE payment;
DROP TABLE subscription;
DROP TABLE hold
"""


def up(migrator: object, db: Database) -> None:
    values = {"@now@": str(int(time.time())), "@trial@": str(TRIAL_S), "@no@": "FALSE"}
    text = TABLES
    for name, value in values.items():
        text = text.replace(name, value)
    for statement in text.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
