"""What accounts configure for their nodes, and governors, which limit how many do the same thing at once."""

from peewee import Database

STATEMENTS = """
CREATE TABLE configuration (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision BIGINT NOT NULL,
    actor TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE configuration_change (
    account TEXT NOT NULL,
    revision BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    actor TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, revision)
);
CREATE TABLE governor (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);
CREATE TABLE governor_lease (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    seconds INTEGER NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, name, holder)
);
ALTER TABLE pillar ADD COLUMN configured BIGINT NOT NULL DEFAULT 0
"""

BACK = """
ALTER TABLE pillar DROP COLUMN configured;
DROP TABLE governor_lease;
DROP TABLE governor;
DROP TABLE configuration_change;
DROP TABLE configuration
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
