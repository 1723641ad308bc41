"""The queue by node, so that what waits for a full node is not read again with each claim.

What a claim looks for stands in an index as a whole.
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


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
