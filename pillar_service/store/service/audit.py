"""The audit: who did what, and when. Append-only; each row is linked to the previous one (core/service/audit.py)."""

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from peewee import BigIntegerField, DoubleField, IntegerField, TextField

from pillar_service.core.service.audit import Entry, hashed, link
from pillar_service.store.database import Table, db, on_sqlite, transaction
from pillar_service.store.paging import Page, page_of
from pillar_service.store.sql import read


class Audit(Table):
    """One thing that somebody did. ``detail`` never holds a secret. Only ``detail`` and its ``salt`` may be blanked."""

    n = BigIntegerField(unique=True)
    id = TextField(primary_key=True)
    at = DoubleField()
    actor = TextField()
    action = TextField()
    subject = TextField()
    detail = TextField()
    salt = TextField()
    detail_hash = TextField()
    chain = TextField()


class AuditHead(Table):
    """One row: the number and link of the audit's last row, and of the last row that was deleted (``cut_n``, ``cut_chain``)."""

    id = IntegerField(primary_key=True)
    n = BigIntegerField()
    chain = TextField()
    cut_n = BigIntegerField()
    cut_chain = TextField()


COLUMNS = "n, id, at, actor, action, subject, detail, salt, detail_hash, chain"
ADD = f"INSERT INTO audit ({COLUMNS}) VALUES {{}}"  # noqa: S608
MOVE = "UPDATE audit_head SET n = {0}, chain = {0} WHERE id = 1"

AT_ONCE = 100
"""How many rows are written in one statement at most."""


class Said(NamedTuple):
    """One thing that somebody did, not in the chain yet."""

    id: str
    at: float
    actor: str
    action: str
    subject: str
    detail: str


def add_all(said: Sequence[Said]) -> None:
    """Append rows in this order. Writers queue (`transaction`), so nobody else appends meanwhile."""
    if not said:
        return
    place = "?" if on_sqlite() else "%s"
    with transaction():
        [(n, chain)] = read("SELECT n, chain FROM audit_head WHERE id = 1")
        rows = list(_chained(n, chain, said))
        for some in (rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)):
            values = ", ".join([f"({', '.join([place] * len(some[0]))})"] * len(some))
            db.execute_sql(ADD.format(values), tuple(itertools.chain.from_iterable(some)))
        db.execute_sql(MOVE.format(place), (n + len(rows), rows[-1][-1]))


def _chained(last: int, chain: str, said: Iterable[Said]) -> Iterator[tuple[Any, ...]]:
    """The rows for ``said``, linked to the row numbered ``last``, whose link is ``chain``."""
    for n, one in enumerate(said, last + 1):
        salt = secrets.token_hex(8)
        detail_hash = hashed(salt, one.detail)
        chain = link(chain, n, one.id, one.at, one.actor, one.action, one.subject, detail_hash)
        yield (n, one.id, float(one.at), *one[2:], salt, detail_hash, chain)


def head() -> AuditHead | None:
    """The number and link of the last row, and of the last deleted row."""
    found: AuditHead | None = AuditHead.select().first()
    return found


def after(n: int, limit: int) -> list[Entry]:
    """At most ``limit`` rows after the n-th, in order."""
    told = f"SELECT {COLUMNS} FROM audit WHERE n > ? ORDER BY n LIMIT ?"  # noqa: S608
    return [Entry(*row) for row in read(told, n, limit)]


def oldest(then: float, limit: int) -> list[Entry]:
    """At most ``limit`` of the oldest rows, up to the first that is not from before ``then`` (Unix seconds)."""
    found = []
    for row in after(0, limit):
        if row.at >= then:
            break
        found.append(row)
    return found


def cut(last: Entry) -> None:
    """Delete the rows up to this one, in the caller's transaction. The chain then begins with its link."""
    AuditHead.update(cut_n=last.n, cut_chain=last.chain).execute()
    Audit.delete().where(Audit.n <= last.n).execute()


def happened(subject: str, prefix: str, but: Iterable[str], page: Page) -> list[Audit]:
    """What was done to a subject, newest first, by actions that start with ``prefix`` and are not among ``but``."""
    rows = Audit.select().where((Audit.subject == subject) & Audit.action.not_in(list(but)))
    rows = rows.where(Audit.action.startswith(prefix)) if prefix else rows
    return page_of(rows, Audit.at, Audit.id, page)


def about(subject: str) -> list[Audit]:
    """What was done to a subject, oldest first."""
    return list(Audit.select().where(Audit.subject == subject).order_by(Audit.at))


def by(actor: str) -> list[Audit]:
    """What an actor did, oldest first."""
    return list(Audit.select().where(Audit.actor == actor).order_by(Audit.at))


def last(actions: Iterable[str]) -> Audit | None:
    """The newest row with one of these actions."""
    found: Audit | None = Audit.select().where(Audit.action << list(actions)).order_by(Audit.n.desc()).first()
    return found


def blank(subject: str) -> None:
    """Blank the details of what was done to a subject; the rows stay."""
    Audit.update(detail="", salt="").where(Audit.subject == subject).execute()


def blank_said(detail: str, actions: Sequence[str]) -> None:
    """Blank a detail, such as an address, in all rows of these actions whose detail is exactly that.

    Limited to given actions, as those have an index: otherwise every row would have to be read.
    """
    said = Audit.action.in_(actions) & (Audit.detail == detail)
    Audit.update(detail="", salt="").where(said).execute()
