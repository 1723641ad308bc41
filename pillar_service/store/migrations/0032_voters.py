"""Under which names a voter was known when they voted: who unlinks a chat user since has no second voice."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE vote ADD COLUMN selves TEXT NOT NULL DEFAULT '[]'")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE vote DROP COLUMN selves")  # type: ignore[no-untyped-call]
