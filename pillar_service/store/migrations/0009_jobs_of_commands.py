"""Jobs for no bot: commands of the catalogue, on one node, on several (one part each), or on none.

A job waits in the state `asked` for its challenges. Its `plan` is what to run; `begun` is the last attempt that its node was
allowed to begin, so that no attempt begins twice; `at_most` is how many jobs of its command run at a time. The lease says
which master may publish. The catalogue is kept as last read without a fault.
"""

from peewee import Database, SqliteDatabase

STATES = "'asked', 'queued', 'claimed', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost'"

JOB = f"""
    id TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    bot TEXT REFERENCES agent (id),
    node TEXT REFERENCES node (id),
    state TEXT NOT NULL CONSTRAINT job_state_check CHECK (state IN ({STATES})),
    arguments TEXT NOT NULL,
    result TEXT,
    error TEXT,
    attempts INTEGER NOT NULL,
    actor TEXT NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL,
    run TEXT REFERENCES run (id),
    created_at DOUBLE PRECISION NOT NULL,
    not_before DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION
"""
JOB_COLUMNS = (
    "id, command, bot, node, state, arguments, result, error, attempts, actor, idempotency_key, fingerprint, run, "
    "created_at, not_before, started_at, ended_at"
)
RUN = """
    id TEXT PRIMARY KEY,
    node TEXT REFERENCES node (id),
    function TEXT NOT NULL,
    arguments TEXT NOT NULL,
    keywords TEXT NOT NULL,
    master TEXT NOT NULL,
    jid TEXT,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'running', 'over')),
    timeout_s INTEGER NOT NULL,
    retry_safe BOOLEAN NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
"""
RUN_COLUMNS = (
    "id, node, function, arguments, keywords, master, jid, state, timeout_s, retry_safe, created_at, expires_at"
)

ON_SQLITE = f"""
CREATE TABLE run_new ({RUN});
INSERT INTO run_new ({RUN_COLUMNS}) SELECT {RUN_COLUMNS} FROM run;
DROP TABLE run;
ALTER TABLE run_new RENAME TO run;
CREATE INDEX run_open ON run (expires_at) WHERE state <> 'over';
CREATE INDEX run_node ON run (node) WHERE state <> 'over';
CREATE INDEX run_master ON run (master, created_at);

CREATE TABLE job_new ({JOB});
INSERT INTO job_new ({JOB_COLUMNS}) SELECT {JOB_COLUMNS} FROM job;
DROP TABLE job;
ALTER TABLE job_new RENAME TO job;
CREATE UNIQUE INDEX job_idempotency ON job (actor, idempotency_key);
CREATE INDEX job_created ON job (created_at);
CREATE INDEX job_bot ON job (bot, created_at);
CREATE INDEX job_node ON job (node, created_at);
CREATE INDEX job_run ON job (run);
CREATE INDEX job_state ON job (state, created_at);
CREATE INDEX job_command ON job (command, created_at);
CREATE INDEX job_actor ON job (actor, created_at);
CREATE INDEX job_ended ON job (ended_at, state)
"""  # noqa: S608

ON_POSTGRES = f"""
ALTER TABLE run ALTER COLUMN node DROP NOT NULL;
ALTER TABLE job ALTER COLUMN bot DROP NOT NULL;
ALTER TABLE job ALTER COLUMN node DROP NOT NULL;
ALTER TABLE job DROP CONSTRAINT job_state_check;
ALTER TABLE job ADD CONSTRAINT job_state_check CHECK (state IN ({STATES}));
DROP INDEX job_open
"""

ON_BOTH = """
ALTER TABLE job ADD COLUMN parent TEXT REFERENCES job (id);
ALTER TABLE job ADD COLUMN parts INTEGER NOT NULL DEFAULT 0 CHECK (parts >= 0);
ALTER TABLE job ADD COLUMN plan TEXT;
ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 9);
ALTER TABLE job ADD COLUMN deadline_at DOUBLE PRECISION;
ALTER TABLE job ADD COLUMN begun INTEGER;
ALTER TABLE job ADD COLUMN at_most INTEGER CHECK (at_most > 0);
CREATE INDEX job_queue ON job (priority, created_at, id) WHERE state = 'queued' AND parts = 0;
CREATE INDEX job_busy ON job (state, node) WHERE state IN ('claimed', 'running');
CREATE INDEX job_open_bot ON job (bot) WHERE state IN ('queued', 'claimed', 'running');
CREATE INDEX job_deadline ON job (deadline_at) WHERE state = 'queued' AND deadline_at IS NOT NULL;
CREATE INDEX job_parent ON job (parent) WHERE parent IS NOT NULL;

ALTER TABLE run ADD COLUMN taken_over BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE node ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE node ADD COLUMN capacities TEXT NOT NULL DEFAULT '{}';

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE kept_catalogue (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    body TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    read_at DOUBLE PRECISION NOT NULL,
    fault TEXT
)
"""

BACK = """
DROP TABLE kept_catalogue;
DROP TABLE lease;
DROP INDEX job_parent;
DROP INDEX job_deadline;
DROP INDEX job_open_bot;
DROP INDEX job_busy;
DROP INDEX job_queue;
ALTER TABLE job DROP COLUMN parent;
DELETE FROM job_line WHERE job IN (SELECT id FROM job WHERE bot IS NULL OR node IS NULL);
UPDATE transfer SET job = NULL WHERE job IN (SELECT id FROM job WHERE bot IS NULL OR node IS NULL);
DELETE FROM job WHERE bot IS NULL OR node IS NULL;
UPDATE job SET run = NULL WHERE run IN (SELECT id FROM run WHERE node IS NULL);
DELETE FROM run WHERE node IS NULL;
UPDATE job SET state = 'cancelled', ended_at = created_at WHERE state = 'asked';
ALTER TABLE run DROP COLUMN taken_over;
ALTER TABLE node DROP COLUMN labels;
ALTER TABLE node DROP COLUMN capacities
"""
"""Jobs without a bot or a node are deleted: the earlier table can't hold them. Jobs in `asked` are cancelled: nobody could
confirm them."""

EARLIER = "'queued', 'claimed', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost'"

EARLIER_JOB = (
    JOB.replace(f"CONSTRAINT job_state_check CHECK (state IN ({STATES}))", f"CHECK (state IN ({EARLIER}))")
    .replace("bot TEXT REFERENCES", "bot TEXT NOT NULL REFERENCES")
    .replace("node TEXT REFERENCES", "node TEXT NOT NULL REFERENCES")
)

BACK_ON_SQLITE = f"""
CREATE TABLE run_new ({RUN.replace("node TEXT REFERENCES", "node TEXT NOT NULL REFERENCES")});
INSERT INTO run_new ({RUN_COLUMNS}) SELECT {RUN_COLUMNS} FROM run;
DROP TABLE run;
ALTER TABLE run_new RENAME TO run;
CREATE INDEX run_open ON run (expires_at) WHERE state <> 'over';
CREATE INDEX run_node ON run (node) WHERE state <> 'over';
CREATE INDEX run_master ON run (master, created_at);

CREATE TABLE job_new ({EARLIER_JOB});
INSERT INTO job_new ({JOB_COLUMNS}) SELECT {JOB_COLUMNS} FROM job;
DROP TABLE job;
ALTER TABLE job_new RENAME TO job;
CREATE UNIQUE INDEX job_idempotency ON job (actor, idempotency_key);
CREATE INDEX job_open ON job (state, created_at) WHERE state IN ('queued', 'claimed', 'running');
CREATE INDEX job_created ON job (created_at);
CREATE INDEX job_bot ON job (bot, created_at);
CREATE INDEX job_node ON job (node, created_at);
CREATE INDEX job_run ON job (run);
CREATE INDEX job_bot_command ON job (bot, command, created_at);
CREATE INDEX job_state ON job (state, created_at);
CREATE INDEX job_command ON job (command, created_at);
CREATE INDEX job_actor ON job (actor, created_at);
CREATE INDEX job_ended ON job (ended_at, state)
"""  # noqa: S608

BACK_ON_POSTGRES = f"""
ALTER TABLE run ALTER COLUMN node SET NOT NULL;
ALTER TABLE job DROP COLUMN at_most;
ALTER TABLE job DROP COLUMN begun;
ALTER TABLE job DROP COLUMN deadline_at;
ALTER TABLE job DROP COLUMN priority;
ALTER TABLE job DROP COLUMN plan;
ALTER TABLE job DROP COLUMN parts;
ALTER TABLE job ALTER COLUMN bot SET NOT NULL;
ALTER TABLE job ALTER COLUMN node SET NOT NULL;
ALTER TABLE job DROP CONSTRAINT job_state_check;
ALTER TABLE job ADD CONSTRAINT job_state_check CHECK (state IN ({EARLIER}));
CREATE INDEX job_open ON job (state, created_at) WHERE state IN ('queued', 'claimed', 'running')
"""


def up(migrator: object, db: Database) -> None:
    first = ON_SQLITE if isinstance(db, SqliteDatabase) else ON_POSTGRES
    for statement in (first + ";" + ON_BOTH).split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    then = BACK_ON_SQLITE if isinstance(db, SqliteDatabase) else BACK_ON_POSTGRES
    for statement in (BACK + ";" + then).split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
