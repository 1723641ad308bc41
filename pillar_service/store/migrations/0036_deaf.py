"""When the service was last listening, and for how much of each node's silence it was not."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    db.execute_sql("CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), beat_at DOUBLE PRECISION NOT NULL)")  # type: ignore[no-untyped-call]
    db.execute_sql("ALTER TABLE standing ADD COLUMN deaf_s DOUBLE PRECISION NOT NULL DEFAULT 0")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    db.execute_sql("ALTER TABLE standing DROP COLUMN deaf_s")  # type: ignore[no-untyped-call]
    db.execute_sql("DROP TABLE pulse")  # type: ignore[no-untyped-call]
