"""All actors that a voter was when voting, so that nobody gets a second vote by unlinking a chat user."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE vote ADD COLUMN selves TEXT NOT NULL DEFAULT '[]'")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE vote DROP COLUMN selves")  # type: ignore[no-untyped-call]
