"""Since when a node is forgotten that was cut off: what was done on it still names it."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE node ADD COLUMN forgotten_at DOUBLE PRECISION")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE node DROP COLUMN forgotten_at")  # type: ignore[no-untyped-call]
