"""The audit only grows, and any tampering is found, even by someone who can do everything in the database."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee
import pytest
from playhouse.migrations import Runner

from pillar_service.core.errors import SaltcellarError
from pillar_service.core.service import audit as rules
from pillar_service.store import database, migrations, schema
from pillar_service.store.database import db, transaction
from pillar_service.store.service import audit
from pillar_service.usecases.service import auditing
from pillar_service.usecases.service.auditing import Deed

ROWS = 7
LIE = "UPDATE audit SET {} = {} WHERE n = 4"
INSERTED = """INSERT INTO audit (n, id, at, actor, action, subject, detail, salt, detail_hash, chain)
SELECT 9 - n, 'x', at, actor, action, subject, detail, salt, detail_hash, chain FROM audit WHERE n = {}"""


@pytest.fixture(autouse=True)
def written(service: Callable[[], None]) -> None:
    """Seven rows, of which the first are the service's own."""
    begun = audit.head()
    assert begun is not None
    for n in range(begun.n + 1, ROWS + 1):
        auditing.record("account:ann", "bots.create", "agent:1", 1000 + n, f"said {n}")


@contextmanager
def untriggered() -> Iterator[None]:
    """Do what the database's owner can do: remove everything that would refuse a change."""
    if database.on_sqlite():
        kept = db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            db.execute_sql(f"DROP TRIGGER {name}")
        yield
        for _, sql in kept:
            db.execute_sql(sql)
        return
    db.execute_sql("SET session_replication_role = replica")
    yield
    db.execute_sql("SET session_replication_role = DEFAULT")


def forge(*statements: str) -> None:
    with untriggered():
        for statement in statements:
            db.execute_sql(statement)


def first_fault() -> dict[str, Any] | None:
    found: dict[str, Any] | None = auditing.verify()["first_fault"]
    return found


def test_an_audit_that_nobody_touched_is_whole() -> None:
    told = auditing.verify()
    assert (told["rows"], told["blanked"], told["first_fault"]) == (ROWS, 0, None)
    assert told["head"]["n"] == ROWS
    auditing.record("a", "b", "c", 5)
    assert auditing.verify()["head"]["n"] == ROWS + 1


CHANGED = [
    ("actor", "'account:bob'"), ("action", "'bots.delete'"), ("subject", "'agent:2'"), ("at", "at + 0.5"), ("id", "'x'"),
    ("detail", "'said 5'"), ("salt", "'0'"), ("detail_hash", "'0'"), ("chain", "'0'"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), CHANGED)
def test_a_changed_row_is_found(column: str, value: str) -> None:
    forge(LIE.format(column, value))
    found = first_fault()
    assert found is not None
    assert found["n"] == 4


def test_a_changed_detail_is_found_even_if_its_hash_was_made_anew() -> None:
    salt = "ab"
    forge(LIE.format("detail", "'lie'"), LIE.format("salt", f"'{salt}'"))
    forge(LIE.format("detail_hash", f"'{rules.hashed(salt, 'lie')}'"))
    assert first_fault() == {"n": 4, "why": "It is not the row that was written here, or the one before it is not."}


ATTACKS = {
    "removed": (["DELETE FROM audit WHERE n = 4"], 5, "Row 4 is missing"),
    "the first removed": (["DELETE FROM audit WHERE n = 1"], 2, "Row 1 is missing"),
    "removed, the rest moved up": (
        ["DELETE FROM audit WHERE n = 4", *(f"UPDATE audit SET n = {n - 1} WHERE n = {n}" for n in range(5, ROWS + 1))],
        4,
        "not the row",
    ),
    "inserted": (
        [*(f"UPDATE audit SET n = {n + 1} WHERE n = {n}" for n in range(ROWS, 4, -1)), INSERTED.format(4)],
        5,
        "not the row",
    ),
    "the tail cut off": ([f"DELETE FROM audit WHERE n > {ROWS - 2}"], ROWS - 2, "The rows after it are missing"),
    "all removed": (["DELETE FROM audit"], 0, "The rows after it are missing"),
    "the head removed": (["DELETE FROM audit_head"], 0, "The row that names"),
    "the head put back": ([f"UPDATE audit_head SET n = {ROWS - 2}"], ROWS, "not the row that was written last"),
    "the beginning said to be cut": (
        ["DELETE FROM audit WHERE n < 3", "UPDATE audit_head SET cut_n = 2"],
        3,
        "not the",
    ),
}


@pytest.mark.parametrize("how", ATTACKS)
def test_what_was_done_to_the_rows_is_found(how: str) -> None:
    statements, n, why = ATTACKS[how]
    forge(*statements)
    found = first_fault()
    assert found is not None
    assert found["n"] == n
    assert why in found["why"]


def test_rows_that_changed_places_are_found() -> None:
    columns = ("actor", "action", "subject", "at", "detail", "salt", "detail_hash", "chain")
    sets = ", ".join(f"{name} = (SELECT b.{name} FROM audit b WHERE b.n = 9 - audit.n)" for name in columns)
    forge(f"UPDATE audit SET {sets} WHERE n IN (4, 5)")
    found = first_fault()
    assert found is not None
    assert found["n"] == 4


def test_who_can_do_everything_may_write_it_all_anew_but_not_past_a_head_that_was_noted() -> None:
    noted = auditing.verify()["head"]
    rows = audit.after(0, 100)
    with untriggered():
        db.execute_sql("DELETE FROM audit")
        audit.AuditHead.update(n=0, chain=rules.FIRST).execute()
        audit.add_all([audit.Said(one.id, one.at, one.actor, one.action, one.subject, "all is well") for one in rows])
    assert first_fault() is None
    found = auditing.verify((noted["n"], noted["chain"]))["first_fault"]
    assert found["n"] == noted["n"]
    assert "noted" in found["why"]
    assert "noted" in auditing.verify((ROWS + 1, noted["chain"]))["first_fault"]["why"]


@pytest.mark.parametrize(
    "statement",
    [
        *(LIE.format(column, value) for column, value in CHANGED),
        "UPDATE audit SET n = 100 WHERE n = 4",
        "DELETE FROM audit WHERE n = 4",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
        f"UPDATE audit_head SET n = {ROWS - 1}",
        f"UPDATE audit_head SET n = {ROWS + 1}",
        f"UPDATE audit_head SET n = {ROWS + 2}",
        "UPDATE audit_head SET cut_n = 100",
        "UPDATE audit SET detail = '', salt = '', actor = 'x' WHERE n = 4",
    ],
)
def test_the_database_itself_refuses(statement: str) -> None:
    with pytest.raises(peewee.IntegrityError), db.atomic():
        db.execute_sql(statement)
    assert auditing.verify()["rows"] == ROWS


def test_postgresql_refuses_to_empty_it(service: Callable[[], None]) -> None:
    if database.on_sqlite():
        return  # SQLite has no TRUNCATE.
    for table in ("audit", "audit_head"):
        with pytest.raises(peewee.IntegrityError), db.atomic():
            db.execute_sql(f"TRUNCATE {table}")


def test_words_may_be_forgotten_and_the_chain_holds() -> None:
    with transaction():
        audit.blank_said("said 3", ["bots.create"])
        audit.blank("agent:nobody")
    told = auditing.verify()
    assert (told["rows"], told["blanked"], told["first_fault"]) == (ROWS, 1, None)
    [row] = [row for row in audit.after(0, 100) if row.is_blanked]
    assert (row.detail, row.salt, row.n) == ("", "", 3)
    forge("UPDATE audit SET detail = 'said 3' WHERE n = 3")
    found = first_fault()
    assert found is not None
    assert found["n"] == 3


def test_a_forgotten_word_cannot_be_guessed_by_its_hash() -> None:
    [row] = audit.after(2, 1)
    assert row.detail_hash == rules.hashed(row.salt, "said 3")
    with transaction():
        audit.blank_said("said 3", ["bots.create"])
    [row] = audit.after(2, 1)
    assert row.detail_hash != rules.hashed("", "said 3") != rules.hashed(row.salt + row.id, "said 3")


def test_what_is_taken_back_leaves_no_gap() -> None:
    def half() -> None:
        with transaction():
            auditing.record("a", "b", "c", 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    auditing.record("a", "b", "c", 5)
    assert auditing.verify()["head"]["n"] == ROWS + 1
    assert first_fault() is None


def test_what_is_done_at_once_stands_in_the_chain_in_its_order() -> None:
    many = 2 * audit.AT_ONCE + 5
    auditing.record_all([], 5)
    auditing.record_all([Deed("a", "b", f"agent:{n}", "\N{SNOWMAN}" * n) for n in range(many)], 1234.56789)
    assert [row.subject for row in audit.after(ROWS, 1000)] == [f"agent:{n}" for n in range(many)]
    told = auditing.verify()
    assert (told["rows"], told["first_fault"], told["head"]["n"]) == (ROWS + many, None, ROWS + many)


def test_of_what_is_done_at_once_all_is_kept_or_nothing() -> None:
    with pytest.raises((SaltcellarError, UnicodeEncodeError)):
        auditing.record_all([Deed("a", "b", "c", "good"), Deed("a", "b", "\ud800")], 5)
    assert auditing.verify()["head"]["n"] == ROWS


def writing() -> None:
    for n in range(25):
        with transaction():
            auditing.record("a", "b", "c", n)
    database.release()


def letting_go() -> None:
    for _ in range(25):
        with transaction():
            audit.cut(audit.after(cut_n(), 1)[0])
    database.release()


def cut_n() -> int:
    head = audit.head()
    assert head is not None
    return head.cut_n


def verified_while(*acts: Callable[[], None]) -> dict[str, Any]:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert first_fault() is None
    return auditing.verify()


def test_many_writers_make_one_chain_while_it_is_verified() -> None:
    told = verified_while(writing, writing, writing, writing)
    assert (told["rows"], told["first_fault"]) == (ROWS + 100, None)


def test_old_rows_are_let_go_while_the_chain_is_verified() -> None:
    writing()
    told = verified_while(writing, letting_go, writing)
    assert (told["rows"], told["first_fault"]) == (ROWS + 75 - 25, None)


def test_rows_from_before_the_chain_are_chained(fresh_url: str, tmp_path: Path) -> None:
    database.release()
    database.connect(fresh_url)
    steps = tmp_path / "steps"
    steps.mkdir()
    for step in Path(migrations.__file__).parent.glob("0*.py"):
        if step.stem < "0013":
            shutil.copy(step, steps)
    with transaction():
        list(Runner(db.obj, str(steps)).up())
        for n in (2, 1):
            db.execute_sql(f"INSERT INTO audit VALUES ('{n}', {n}.25, 'a', 'b', 'c', '')")
    schema.migrate()
    told = auditing.verify()
    assert (told["rows"], told["blanked"], told["first_fault"]) == (2, 0, None)
    assert [row.id for row in audit.after(0, 10)] == ["1", "2"]
    auditing.record("a", "b", "c", 5)
    assert auditing.verify()["rows"] == 3
