"""Facts that nodes report of themselves, and the history of their changes."""

from peewee import Database

STATEMENTS = """
CREATE TABLE node_facts (
    node TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    facts TEXT NOT NULL,
    hash TEXT NOT NULL,
    changes BIGINT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    told_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE fact_change (
    node TEXT NOT NULL,
    n BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    changes TEXT NOT NULL,
    PRIMARY KEY (node, n)
);
CREATE INDEX fact_change_at ON fact_change (at)
"""

BACK = """
DROP TABLE fact_change;
DROP TABLE node_facts
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
