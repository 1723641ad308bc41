"""Nodes at customers' sites: a node's account and key, enrolment tokens, and where nodes find masters."""

from peewee import Database

STATEMENTS = """
ALTER TABLE node ADD COLUMN account TEXT REFERENCES agent (id);
ALTER TABLE node ADD COLUMN public_key TEXT;
ALTER TABLE node ADD COLUMN key_state TEXT NOT NULL DEFAULT 'none' CHECK (key_state IN ('none', 'accepted', 'revoked'));
ALTER TABLE node ADD COLUMN key_serial BIGINT NOT NULL DEFAULT 0;
ALTER TABLE node ADD COLUMN key_at DOUBLE PRECISION;
ALTER TABLE node ADD COLUMN key_revoked_at DOUBLE PRECISION;
ALTER TABLE node ADD COLUMN enrolled_by TEXT;
CREATE INDEX node_account ON node (account);
CREATE INDEX node_key_serial ON node (key_serial);

CREATE TABLE enrolment_token (
    id TEXT PRIMARY KEY,
    account TEXT REFERENCES agent (id),
    actor TEXT NOT NULL,
    prefix TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    labels TEXT NOT NULL,
    pattern TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses > 0),
    used INTEGER NOT NULL CHECK (used BETWEEN 0 AND uses),
    replaces BOOLEAN NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    last_used_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION
);
CREATE INDEX enrolment_token_account ON enrolment_token (account, created_at);

ALTER TABLE master ADD COLUMN address TEXT;
ALTER TABLE master ADD COLUMN publish_port INTEGER;
ALTER TABLE master ADD COLUMN return_port INTEGER;
ALTER TABLE master ADD COLUMN public_key TEXT
"""

BACK = """
ALTER TABLE master DROP COLUMN public_key;
ALTER TABLE master DROP COLUMN return_port;
ALTER TABLE master DROP COLUMN publish_port;
ALTER TABLE master DROP COLUMN address;
DROP TABLE enrolment_token;
DROP INDEX node_account;
DROP INDEX node_key_serial;
ALTER TABLE node DROP COLUMN enrolled_by;
ALTER TABLE node DROP COLUMN key_revoked_at;
ALTER TABLE node DROP COLUMN key_at;
ALTER TABLE node DROP COLUMN key_serial;
ALTER TABLE node DROP COLUMN key_state;
ALTER TABLE node DROP COLUMN public_key;
ALTER TABLE node DROP COLUMN account
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
