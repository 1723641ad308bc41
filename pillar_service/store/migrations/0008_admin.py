"""What the operators' pages show: when a master last asked for jobs, the fleet over time; and indexes for long listings."""

from peewee import Database

STATEMENTS = """
ALTER TABLE master ADD COLUMN seen_at DOUBLE PRECISION;

CREATE TABLE fleet_count (
    at BIGINT NOT NULL,
    actual TEXT NOT NULL CHECK (actual IN ('provisioning', 'alive', 'sick', 'stopped', 'lost', 'gone')),
    bots INTEGER NOT NULL,
    PRIMARY KEY (at, actual)
);

CREATE INDEX agent_type ON agent (type, created_at);
CREATE INDEX bot_reported ON bot (reported_at);
CREATE INDEX job_state ON job (state, created_at);
CREATE INDEX job_command ON job (command, created_at);
CREATE INDEX job_actor ON job (actor, created_at);
CREATE INDEX job_ended ON job (ended_at, state);
CREATE INDEX run_master ON run (master, created_at);
CREATE INDEX audit_actor ON audit (actor, at);
CREATE INDEX audit_action ON audit (action, at)
"""

BACK = """
DROP INDEX agent_type;
DROP INDEX bot_reported;
DROP INDEX job_state;
DROP INDEX job_command;
DROP INDEX job_actor;
DROP INDEX job_ended;
DROP INDEX run_master;
DROP INDEX audit_actor;
DROP INDEX audit_action;
DROP TABLE fleet_count;
ALTER TABLE master DROP COLUMN seen_at
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
