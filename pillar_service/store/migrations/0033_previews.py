"""Jobs that only show what another would do, and that nobody asked for by themselves."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job ADD COLUMN is_preview BOOLEAN NOT NULL DEFAULT FALSE")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE job DROP COLUMN is_preview")  # type: ignore[no-untyped-call]
