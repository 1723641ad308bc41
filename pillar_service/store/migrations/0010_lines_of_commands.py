"""The lines of commands that nodes deliver: the stream of each, and how many of each attempt were taken, kept and dropped."""

from peewee import Database

STATEMENTS = """
ALTER TABLE job_line ADD COLUMN stream TEXT CHECK (stream IN ('stdout', 'stderr', 'note'));

CREATE TABLE job_output (
    job TEXT NOT NULL REFERENCES job (id),
    attempt INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    kept_bytes BIGINT NOT NULL,
    dropped INTEGER NOT NULL,
    PRIMARY KEY (job, attempt)
)
"""

BACK = """
DROP TABLE job_output;
ALTER TABLE job_line DROP COLUMN stream
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
