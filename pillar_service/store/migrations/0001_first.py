"""The first tables."""

from peewee import Database, SqliteDatabase

SQLITE_LABEL = (
    "length(name) BETWEEN 1 AND 63 AND name NOT GLOB '*[^a-z0-9-]*' AND name NOT GLOB '-*' AND name NOT GLOB '*-'"
)
POSTGRES_LABEL = """name COLLATE "C" ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'"""

TABLES = """
CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL CHECK (type IN ('person', 'bot')),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    removed_at DOUBLE PRECISION,
    CONSTRAINT bot_name CHECK (type <> 'bot' OR (@label@))
);
CREATE UNIQUE INDEX agent_bot_name ON agent (name) WHERE type = 'bot' AND removed_at IS NULL;

CREATE TABLE account (
    agent TEXT PRIMARY KEY REFERENCES agent (id),
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    role TEXT NOT NULL CHECK (role IN ('person', 'operator'))
);

CREATE TABLE node (
    id TEXT PRIMARY KEY,
    concurrency INTEGER NOT NULL CHECK (concurrency > 0),
    port_first INTEGER NOT NULL CHECK (port_first BETWEEN 1 AND 65535),
    port_last INTEGER NOT NULL CHECK (port_last BETWEEN port_first AND 65535),
    last_seen DOUBLE PRECISION,
    facts TEXT NOT NULL
);

CREATE TABLE bot (
    agent TEXT PRIMARY KEY REFERENCES agent (id),
    service TEXT NOT NULL CHECK (service IN ('pub')),
    node TEXT NOT NULL REFERENCES node (id),
    port INTEGER CHECK (port BETWEEN 1 AND 65535),
    image TEXT NOT NULL,
    memory_mb INTEGER NOT NULL CHECK (memory_mb > 0),
    desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped', 'absent')),
    purge BOOLEAN NOT NULL,
    actual TEXT NOT NULL CHECK (actual IN ('provisioning', 'alive', 'sick', 'stopped', 'lost', 'gone')),
    detail TEXT NOT NULL,
    pub_id TEXT,
    sequence BIGINT,
    version TEXT,
    reported_at DOUBLE PRECISION,
    imported TEXT,
    report TEXT
);
CREATE UNIQUE INDEX bot_port ON bot (node, port);
CREATE INDEX bot_pub_id ON bot (pub_id);

CREATE TABLE belongs (
    source TEXT NOT NULL REFERENCES agent (id),
    target TEXT NOT NULL REFERENCES agent (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    PRIMARY KEY (source, target)
);
CREATE INDEX belongs_target ON belongs (target);

CREATE TABLE master (
    name TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    node TEXT NOT NULL REFERENCES node (id),
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
);
CREATE INDEX run_open ON run (expires_at) WHERE state <> 'over';
CREATE INDEX run_node ON run (node) WHERE state <> 'over';

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    bot TEXT NOT NULL REFERENCES agent (id),
    node TEXT NOT NULL REFERENCES node (id),
    state TEXT NOT NULL CHECK (state IN (
        'queued', 'claimed', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost')),
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
);
CREATE UNIQUE INDEX job_idempotency ON job (actor, idempotency_key);
CREATE INDEX job_open ON job (state, created_at) WHERE state IN ('queued', 'claimed', 'running');
CREATE INDEX job_created ON job (created_at);
CREATE INDEX job_bot ON job (bot, created_at);
CREATE INDEX job_node ON job (node, created_at);
CREATE INDEX job_run ON job (run);

CREATE TABLE job_line (
    job TEXT NOT NULL REFERENCES job (id),
    n INTEGER NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (job, n),
    UNIQUE (job, key)
);

CREATE TABLE pillar (
    node TEXT PRIMARY KEY REFERENCES node (id),
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    serial BIGINT NOT NULL
);
CREATE INDEX pillar_serial ON pillar (serial);

CREATE TABLE change (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    serial BIGINT NOT NULL,
    fingerprint TEXT NOT NULL
);
INSERT INTO change (id, serial, fingerprint) VALUES (1, 0, '');

CREATE TABLE sample (
    bot TEXT NOT NULL REFERENCES agent (id),
    at DOUBLE PRECISION NOT NULL,
    actual TEXT NOT NULL CHECK (actual IN ('provisioning', 'alive', 'sick', 'stopped', 'lost', 'gone')),
    report TEXT NOT NULL,
    PRIMARY KEY (bot, at)
);

CREATE TABLE transfer (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('upload', 'export')),
    job TEXT UNIQUE REFERENCES job (id),
    pub_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE sign_in_failure (
    id TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX sign_in_failure_who ON sign_in_failure (who, at);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (subject, at)
"""

BACK = """
DROP TABLE audit;
DROP TABLE sign_in_failure;
DROP TABLE transfer;
DROP TABLE sample;
DROP TABLE change;
DROP TABLE pillar;
DROP TABLE job_line;
DROP TABLE job;
DROP TABLE run;
DROP TABLE master;
DROP TABLE belongs;
DROP TABLE bot;
DROP TABLE node;
DROP TABLE account;
DROP TABLE agent
"""


def up(migrator: object, db: Database) -> None:
    label = SQLITE_LABEL if isinstance(db, SqliteDatabase) else POSTGRES_LABEL
    for statement in TABLES.replace("@label@", label).split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK.split(";"):
        db.execute_sql(statement.strip())  # type: ignore[no-untyped-call]
