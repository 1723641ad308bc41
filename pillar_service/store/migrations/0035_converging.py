"""Which jobs with a plan apply states: a node runs only one of these at a time."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job ADD COLUMN converges BOOLEAN NOT NULL DEFAULT FALSE")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job DROP COLUMN converges")  # type: ignore[no-untyped-call]
