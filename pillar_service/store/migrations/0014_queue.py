"""Indexes that keep the queue fast however many jobs wait or are over.

Waiting jobs are searched for those that their nodes have room for, without reading each job. Each command counts its
actor's open jobs. The queue's own indexes use an expression that no other index has, so that SQLite chooses them.
"""

from peewee import Database

OPEN = "'asked', 'claimed', 'queued', 'running'"

STATEMENTS = f"""
DROP INDEX job_queue;
CREATE INDEX job_queue ON job (priority, created_at, id, not_before, node, command, bot, at_most)
    WHERE state || '' = 'queued' AND parts = 0;
DROP INDEX job_deadline;
CREATE INDEX job_deadline ON job (deadline_at) WHERE state || '' = 'queued' AND deadline_at IS NOT NULL;
CREATE INDEX job_open_actor ON job (actor) WHERE state IN ({OPEN}) AND parent IS NULL
"""

BACK = """
DROP INDEX job_open_actor;
DROP INDEX job_deadline;
CREATE INDEX job_deadline ON job (deadline_at) WHERE state = 'queued' AND deadline_at IS NOT NULL;
DROP INDEX job_queue;
CREATE INDEX job_queue ON job (priority, created_at, id) WHERE state = 'queued' AND parts = 0
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
