"""The request in which each job was asked for: its id finds the job's lines in all logs. Jobs that the service starts by
itself have none."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job ADD COLUMN request TEXT")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job DROP COLUMN request")  # type: ignore[no-untyped-call]
