"""When a node that was cut off was forgotten. Its row stays, as jobs and bots still name it."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE node ADD COLUMN forgotten_at DOUBLE PRECISION")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE node DROP COLUMN forgotten_at")  # type: ignore[no-untyped-call]
