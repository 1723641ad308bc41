"""Deleted bots, which can be brought back until their data is deleted."""

from peewee import Database

STATEMENTS = (
    "ALTER TABLE bot ADD COLUMN purge_at DOUBLE PRECISION",
    "ALTER TABLE bot ADD COLUMN port_before INTEGER CHECK (port_before BETWEEN 1 AND 65535)",
    "CREATE INDEX bot_purge_at ON bot (purge_at) WHERE purge_at IS NOT NULL",
)

BACK = """
DROP INDEX bot_purge_at;
ALTER TABLE bot DROP COLUMN port_before;
ALTER TABLE bot DROP COLUMN purge_at
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS:
        db.execute_sql(statement)  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
