"""Let the audit's head move by several rows at once, if all of them exist, so that they can be written together."""

from peewee import Database, SqliteDatabase

REFUSED = "The audit is only added to."

MISSING = "(SELECT COUNT(*) FROM audit WHERE n > OLD.n AND n <= NEW.n) <> NEW.n - OLD.n"

WRONG = f"NEW.n < OLD.n OR NEW.cut_n < OLD.cut_n OR (NEW.n > OLD.n AND {MISSING})"

ON_SQLITE = (
    "DROP TRIGGER audit_head_onward",
    f"""CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head WHEN {WRONG}
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
)

ON_POSTGRES = (
    f"""CREATE FUNCTION audit_refuse_head() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF {WRONG} THEN
                RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""",
    "DROP TRIGGER audit_head_onward ON audit_head",
    """CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head FOR EACH ROW
        EXECUTE FUNCTION audit_refuse_head()""",
)
"""On PostgreSQL a trigger's own condition can't read other rows, hence the function."""

ONE_BY_ONE = "NEW.n < OLD.n OR NEW.n > OLD.n + 1 OR NEW.cut_n < OLD.cut_n"

BACK_ON_SQLITE = (
    "DROP TRIGGER audit_head_onward",
    f"""CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head WHEN {ONE_BY_ONE}
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
)

BACK_ON_POSTGRES = (
    "DROP TRIGGER audit_head_onward ON audit_head",
    f"""CREATE TRIGGER audit_head_onward BEFORE UPDATE ON audit_head FOR EACH ROW
        WHEN ({ONE_BY_ONE}) EXECUTE FUNCTION audit_refuse()""",
    "DROP FUNCTION audit_refuse_head()",
)


def up(migrator: object, db: Database) -> None:
    for statement in ON_SQLITE if isinstance(db, SqliteDatabase) else ON_POSTGRES:
        db.execute_sql(statement)  # type: ignore[no-untyped-call]


def down(migrator: object, db: Database) -> None:
    for statement in BACK_ON_SQLITE if isinstance(db, SqliteDatabase) else BACK_ON_POSTGRES:
        db.execute_sql(statement)  # type: ignore[no-untyped-call]
