"""The request that each job was asked for in: its number finds the job's lines in all logs. What is due by itself has none."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job ADD COLUMN request TEXT")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job DROP COLUMN request")  # type: ignore[no-untyped-call]
