"""The audit as a chain: numbered without gaps, each row's link made from the previous one; rows can't be changed.

`audit_head` names the last row, so that a missing tail is noticed, and the row up to which the oldest were deleted. Runs get
an index by age, for retention.
"""

import secrets

from peewee import Database, SqliteDatabase

from pillar_service.core.service.audit import FIRST, hashed, link

TABLES = (
    "ALTER TABLE audit RENAME TO audit_before",
    """CREATE TABLE audit (
        n @serial@ PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        at DOUBLE PRECISION NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL,
        salt TEXT NOT NULL,
        detail_hash TEXT NOT NULL,
        chain TEXT NOT NULL
    )""",
    """CREATE TABLE audit_head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        n BIGINT NOT NULL,
        chain TEXT NOT NULL,
        cut_n BIGINT NOT NULL CHECK (cut_n <= n),
        cut_chain TEXT NOT NULL
    )""",
)
AFTER = (
    "DROP TABLE audit_before",
    "CREATE INDEX audit_at ON audit (at)",
    "CREATE INDEX audit_subject ON audit (subject, at)",
    "CREATE INDEX audit_actor ON audit (actor, at)",
    "CREATE INDEX audit_action ON audit (action, at)",
    "CREATE INDEX run_created ON run (created_at)",
)

KEPT = ("n", "id", "at", "actor", "action", "subject", "detail_hash", "chain")

REFUSED = "The audit is only added to."

ON_SQLITE = (
    f"""CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
        WHEN NEW.detail <> '' OR NEW.salt <> '' OR {" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)}
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER audit_kept BEFORE DELETE ON audit
        WHEN OLD.n > COALESCE((SELECT cut_n FROM audit_head), 0)
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",  # noqa: S608
    f"""CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head
        WHEN NEW.n < OLD.n OR NEW.n > OLD.n + 1 OR NEW.cut_n < OLD.cut_n
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
)

ON_POSTGRES = (
    f"""CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation'; END $$""",
    f"""CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit FOR EACH ROW
        WHEN (NEW.detail <> '' OR NEW.salt <> ''
              OR {" OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)})
        EXECUTE FUNCTION audit_refuse()""",
    f"""CREATE FUNCTION audit_refuse_kept() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF OLD.n > COALESCE((SELECT cut_n FROM audit_head), 0) THEN
                RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN OLD;
        END $$""",  # noqa: S608
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse_kept()",
    """CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head FOR EACH ROW
        WHEN (NEW.n < OLD.n OR NEW.n > OLD.n + 1 OR NEW.cut_n < OLD.cut_n) EXECUTE FUNCTION audit_refuse()""",
    "CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_head_whole BEFORE TRUNCATE ON audit_head EXECUTE FUNCTION audit_refuse()",
)

BACK = (
    """CREATE TABLE audit_before (
    id TEXT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
)""",
    "INSERT INTO audit_before SELECT id, at, actor, action, subject, detail FROM audit",
    "DROP TABLE audit_head",
    "DROP TABLE audit",
    "ALTER TABLE audit_before RENAME TO audit",
    "CREATE INDEX audit_at ON audit (at)",
    "CREATE INDEX audit_subject ON audit (subject, at)",
    "CREATE INDEX audit_actor ON audit (actor, at)",
    "CREATE INDEX audit_action ON audit (action, at)",
    "DROP INDEX run_created",
)
"""The rows stay, the chain is dropped. Going forward again makes a new chain, which no head noted before matches."""

BACK_ON_POSTGRES = (
    "DROP FUNCTION audit_refuse()",
    "DROP FUNCTION audit_refuse_kept()",
    "ALTER INDEX audit_before_pkey RENAME TO audit_pkey",
)


def up(migrator: object, db: Database) -> None:
    on_sqlite = isinstance(db, SqliteDatabase)
    serial = "INTEGER" if on_sqlite else "BIGINT"  # on SQLite, INTEGER makes the column the row id
    for statement in TABLES:
        db.execute_sql(statement.replace("@serial@", serial))  # type: ignore[no-untyped-call]
    n, chain = _chained(db, "?" if on_sqlite else "%s")
    db.execute_sql(f"INSERT INTO audit_head VALUES (1, {n}, '{chain}', 0, '{FIRST}')")  # type: ignore[no-untyped-call]  # noqa: S608
    for statement in (*AFTER, *(ON_SQLITE if on_sqlite else ON_POSTGRES)):
        db.execute_sql(statement)  # type: ignore[no-untyped-call]


def _chained(db: Database, place: str) -> tuple[int, str]:
    found = db.execute_sql("SELECT id, at, actor, action, subject, detail FROM audit_before ORDER BY at, id")  # type: ignore[no-untyped-call]
    n, chain = 0, FIRST
    added = f"INSERT INTO audit VALUES ({', '.join([place] * 10)})"  # noqa: S608
    for n, (id, at, actor, action, subject, detail) in enumerate(found.fetchall(), 1):
        salt = secrets.token_hex(8)
        detail_hash = hashed(salt, detail)
        chain = link(chain, n, id, at, actor, action, subject, detail_hash)
        db.execute_sql(added, (n, id, at, actor, action, subject, detail, salt, detail_hash, chain))  # type: ignore[no-untyped-call]
    return n, chain


def down(migrator: object, db: Database) -> None:
    for statement in (*BACK, *(() if isinstance(db, SqliteDatabase) else BACK_ON_POSTGRES)):
        db.execute_sql(statement)  # type: ignore[no-untyped-call]
