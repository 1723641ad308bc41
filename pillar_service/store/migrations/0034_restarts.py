"""How often each bot was restarted so far, among its other figures. Older samples and buckets have no such count."""

from peewee import Database


def up(migrator: object, db: Database) -> None:
    for table in ("sample", "bucket"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN restarts INTEGER")  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for table in ("sample", "bucket"):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN restarts")  # type: ignore[no-untyped-call]
