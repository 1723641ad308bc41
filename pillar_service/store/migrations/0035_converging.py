"""Which jobs of a plan apply states, of which a node runs one at a time."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job ADD COLUMN converges BOOLEAN NOT NULL DEFAULT FALSE")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job DROP COLUMN converges")  # type: ignore[no-untyped-call]
