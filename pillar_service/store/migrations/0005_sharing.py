"""A copy of each pub's ledger of invites, and invitations to people by mail."""

from peewee import Database

TABLES = """
CREATE TABLE invite (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL REFERENCES agent (id),
    invite TEXT NOT NULL,
    code TEXT,
    note TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses > 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    used_by TEXT NOT NULL,
    created_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION,
    seen_at DOUBLE PRECISION NOT NULL,
    UNIQUE (bot, invite)
);

CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    bot TEXT NOT NULL REFERENCES agent (id),
    email TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    invited_by TEXT NOT NULL REFERENCES agent (id),
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    withdrawn_at DOUBLE PRECISION,
    accepted_at DOUBLE PRECISION,
    accepted_by TEXT REFERENCES agent (id)
);
CREATE INDEX invitation_bot ON invitation (bot, created_at);
CREATE INDEX invitation_invited_by ON invitation (invited_by, created_at);

CREATE INDEX job_bot_command ON job (bot, command, created_at)
"""

BACK = """
DROP INDEX job_bot_command;
DROP TABLE invitation;
DROP TABLE invite
"""


def up(migrator: object, db: Database) -> None:
    for statement in TABLES.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
