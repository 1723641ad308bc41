"""Orders of machines from a provider, and what became of each."""

from peewee import Database

STATEMENTS = """
CREATE TABLE machine_order (
    id TEXT PRIMARY KEY,
    account TEXT REFERENCES agent (id),
    actor TEXT NOT NULL,
    node TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    provider TEXT NOT NULL,
    zone TEXT NOT NULL,
    size TEXT NOT NULL,
    image TEXT NOT NULL,
    volume_gb INTEGER NOT NULL CHECK (volume_gb >= 0),
    state TEXT NOT NULL CHECK (state IN ('asked', 'making', 'booting', 'enrolled', 'failed', 'retiring', 'retired')),
    token TEXT,
    machine TEXT,
    address TEXT,
    fault TEXT,
    tries INTEGER NOT NULL,
    tried_at DOUBLE PRECISION,
    due_at DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION
);
CREATE UNIQUE INDEX machine_order_node ON machine_order (node) WHERE state <> 'retired';
CREATE INDEX machine_order_due ON machine_order (due_at) WHERE state IN ('asked', 'making', 'booting', 'retiring')
"""

BACK = """
DROP TABLE machine_order
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
