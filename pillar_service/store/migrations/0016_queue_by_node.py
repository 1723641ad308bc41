"""The queue by node, so that claims don't read the jobs that wait for a full node.

The indexes hold all columns that a claim looks at.
"""

from peewee import Database

STATEMENTS = """
DROP INDEX job_queue;
CREATE INDEX job_waits ON job (node, priority, created_at, id, not_before, command, bot, state, parts)
    WHERE state || '' = 'queued' AND parts = 0;
DROP INDEX job_busy;
CREATE INDEX job_busy ON job (command, at_most, bot, state) WHERE state || '' IN ('claimed', 'running');
DROP INDEX run_node;
CREATE INDEX run_node ON run (node, function, state) WHERE state <> 'over'
"""

BACK = """
DROP INDEX run_node;
CREATE INDEX run_node ON run (node) WHERE state <> 'over';
DROP INDEX job_busy;
CREATE INDEX job_busy ON job (state, node) WHERE state IN ('claimed', 'running');
DROP INDEX job_waits;
CREATE INDEX job_queue ON job (priority, created_at, id, not_before, node, command, bot, at_most)
    WHERE state || '' = 'queued' AND parts = 0
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
