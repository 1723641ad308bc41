"""Fewer indexes to write with each job: an index of what few jobs have (a bot, a key, a run, an end) holds only those.

Each commit logs a page of each index that a job is added to, and that is most of its cost. The earlier index of bots' open
jobs lacked those that wait for a challenge, so no query could use it.
"""

from peewee import Database

OPEN = "'asked', 'claimed', 'queued', 'running'"

STATEMENTS = f"""
DROP INDEX job_idempotency;
CREATE UNIQUE INDEX job_idempotency ON job (actor, idempotency_key) WHERE idempotency_key IS NOT NULL;
DROP INDEX job_bot;
CREATE INDEX job_bot ON job (bot, created_at) WHERE bot IS NOT NULL;
DROP INDEX job_open_bot;
CREATE INDEX job_open_bot ON job (bot) WHERE bot IS NOT NULL AND state || '' IN ({OPEN});
DROP INDEX job_run;
CREATE INDEX job_run ON job (run) WHERE run IS NOT NULL;
DROP INDEX job_ended;
CREATE INDEX job_ended ON job (ended_at, state) WHERE ended_at IS NOT NULL
"""

BACK = """
DROP INDEX job_ended;
CREATE INDEX job_ended ON job (ended_at, state);
DROP INDEX job_run;
CREATE INDEX job_run ON job (run);
DROP INDEX job_open_bot;
CREATE INDEX job_open_bot ON job (bot) WHERE state IN ('queued', 'claimed', 'running');
DROP INDEX job_bot;
CREATE INDEX job_bot ON job (bot, created_at);
DROP INDEX job_idempotency;
CREATE UNIQUE INDEX job_idempotency ON job (actor, idempotency_key)
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
