"""Samples as columns instead of whole reports, and buckets, which last longer.

The old table's rows are dropped: they were shown nowhere, and the bot's row holds the last report. As there are millions of
these rows, their keys are numbers (the bot's id as a signed 64-bit number) and refer to no other table: whoever removes a
bot removes them. ``last`` is in seconds since ``at``; memory and disk are in KiB.
"""

from peewee import Database, SqliteDatabase

TABLES = """
DROP TABLE sample;

CREATE TABLE sample (
    bot BIGINT NOT NULL,
    at BIGINT NOT NULL,
    disk BIGINT,
    rx BIGINT,
    tx BIGINT,
    started BIGINT,
    memory INTEGER,
    peers INTEGER,
    PRIMARY KEY (bot, at)
)@rowless@;

CREATE TABLE bucket (
    bot BIGINT NOT NULL,
    at BIGINT NOT NULL,
    disk BIGINT,
    rx BIGINT,
    tx BIGINT,
    started BIGINT,
    memory_sum BIGINT NOT NULL,
    memory_max INTEGER,
    peers_sum INTEGER NOT NULL,
    peers_max INTEGER,
    step SMALLINT NOT NULL CHECK (step IN (300, 3600)),
    memory_n SMALLINT NOT NULL,
    peers_n SMALLINT NOT NULL,
    last SMALLINT NOT NULL,
    PRIMARY KEY (bot, step, at)
)@rowless@
"""

BACK = """
DROP TABLE bucket;
DROP TABLE sample;

CREATE TABLE sample (
    bot TEXT NOT NULL REFERENCES agent (id),
    at DOUBLE PRECISION NOT NULL,
    actual TEXT NOT NULL CHECK (actual IN ('provisioning', 'alive', 'sick', 'stopped', 'lost', 'gone')),
    report TEXT NOT NULL,
    PRIMARY KEY (bot, at)
)
"""
"""Samples and buckets are dropped: whole reports can't be made from them."""


def up(migrator: object, db: Database) -> None:
    # SQLite stores such a table in the order of its key, without a separate index that repeats the key.
    rowless = " WITHOUT ROWID" if isinstance(db, SqliteDatabase) else ""
    for statement in TABLES.replace("@rowless@", rowless).split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
