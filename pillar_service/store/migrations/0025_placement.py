"""Which nodes take whose bots: sharing, how many at most, what each told that it has; and draining."""

from peewee import Database

STATEMENTS = """
ALTER TABLE node ADD COLUMN sharing TEXT NOT NULL DEFAULT 'own' CHECK (sharing IN ('own', 'named', 'all'));
UPDATE node SET sharing = 'all' WHERE account IS NULL;
ALTER TABLE node ADD COLUMN bots_most INTEGER CHECK (bots_most >= 0);
ALTER TABLE node ADD COLUMN cpus INTEGER;
ALTER TABLE node ADD COLUMN memory_mb INTEGER;
ALTER TABLE node ADD COLUMN disk_mb INTEGER;
ALTER TABLE node ADD COLUMN draining_at DOUBLE PRECISION;

CREATE TABLE node_share (
    node TEXT NOT NULL REFERENCES node (id),
    email TEXT NOT NULL,
    PRIMARY KEY (node, email)
);
CREATE INDEX node_share_email ON node_share (email)
"""


def up(migrator: object, db: Database) -> None:
    for statement in STATEMENTS.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
