"""How many bytes each node's events take (their data, and a fixed amount for their columns), so that none fills the disk."""

from peewee import Database

STATEMENTS = """
CREATE TABLE event_held (
    node TEXT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL
);
INSERT INTO event_held (node, size) SELECT node, SUM(LENGTH(data) + 500) FROM event WHERE epoch > 0 GROUP BY node
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("DROP TABLE event_held")  # type: ignore[no-untyped-call]
