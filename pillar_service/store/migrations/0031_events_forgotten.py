"""Up to where events were deleted, and the last request of each epoch, so that neither is taken twice."""

from peewee import Database

STATEMENTS = """
CREATE TABLE event_forgotten (
    node TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    stream TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    noted_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (node, epoch, stream)
);
ALTER TABLE event_epoch ADD COLUMN request BIGINT NOT NULL DEFAULT 0
"""

BACK = """
ALTER TABLE event_epoch DROP COLUMN request;
DROP TABLE event_forgotten
"""
"""Events that were deleted before then could be taken again."""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
