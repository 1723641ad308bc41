"""Bundles: what nodes run on their own, as it was signed."""

from peewee import Database

TABLE = """
CREATE TABLE bundle (
    serial BIGINT PRIMARY KEY,
    made_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    account TEXT,
    actor TEXT NOT NULL,
    manifest TEXT NOT NULL,
    body TEXT NOT NULL
)
"""

BACK = """
DROP TABLE bundle
"""


def up(migrator: object, db: Database) -> None:
    db.execute_sql(TABLE.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
