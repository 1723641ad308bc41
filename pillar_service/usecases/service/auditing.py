"""One audit row for each thing done, and whether the rows are still the ones that were written."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pillar_service.core import names
from pillar_service.core.service import audit as rules
from pillar_service.core.service.audit import Entry
from pillar_service.store.service import audit
from pillar_service.store.service.audit import AuditHead, Said

BATCH = 5000
"""How many rows are read at a time when all are verified."""


class Deed(NamedTuple):
    """Who did what to what; ``detail`` never holds a secret."""

    actor: str
    action: str
    subject: str
    detail: str = ""


def record(actor: str, action: str, subject: str, now: float, detail: str = "") -> None:
    """Write who did what to what, in the transaction that does it; ``detail`` never holds a secret."""
    record_all([Deed(actor, action, subject, detail)], now)


def record_all(deeds: Iterable[Deed], now: float) -> None:
    """Write several things done at the same moment, a row each, in the transaction that does them."""
    audit.add_all([Said(names.new_id(), now, *one[:3], one.detail[:500]) for one in deeds])


def verify(noted: tuple[int, str] | None = None) -> dict[str, Any]:
    """Check whether every row is still the one that was written: {"rows", "blanked", "first_fault", "head"}.

    ``first_fault`` is None or {"n", "why"}; ``blanked`` counts rows whose words were forgotten, which is no fault.
    ``head`` is {"n", "chain"}: note it elsewhere and pass it as ``noted`` later, to prove that no row up to it was
    rewritten.
    """
    while True:
        start = audit.head()
        told = _verified(start, noted)
        now = audit.head()
        # If rows were removed by age meanwhile, their absence is no fault: the chain now begins later.
        if told["first_fault"] is None or start is None or now is None or now.cut_n == start.cut_n:
            return told


def _verified(start: AuditHead | None, noted: tuple[int, str] | None) -> dict[str, Any]:
    if start is None:
        return _told(_Chain(0, rules.FIRST, noted), {"n": 0, "why": "The row that names the last one is missing."})
    chain = _Chain(start.cut_n, start.cut_chain, noted)
    for row in _rows(start.cut_n):
        why = chain.fault(row)
        if why is not None:
            return _told(chain, {"n": row.n, "why": why})
    why = chain.fault_at_end()
    return _told(chain, None if why is None else {"n": chain.n, "why": why})


def _rows(after: int) -> Iterator[Entry]:
    while batch := audit.after(after, BATCH):
        yield from batch
        after = batch[-1].n


class _Chain:
    """How far the rows have been verified."""

    def __init__(self, n: int, link: str, noted: tuple[int, str] | None) -> None:
        self.n, self.link, self.noted = n, link, noted
        self.rows = self.blanked = 0

    def fault(self, row: Entry) -> str | None:
        """What is wrong with the next row; None if nothing is."""
        why = rules.fault(self.link, self.n + 1, row)
        if why is None:
            self.n, self.link = row.n, row.chain
            self.rows += 1
            self.blanked += row.is_blanked
            if self.noted is not None and self.noted[0] == row.n and self.noted[1] != row.chain:
                why = "It is not the row that was noted: this row, or one before it, was rewritten."
        return why

    def fault_at_end(self) -> str | None:
        """What is missing at the end, or None; rows that were added meanwhile are verified, too."""
        # The head is read after the rows each time, so it is never behind a row that was read.
        while (head := audit.head()) is not None and head.n > self.n:
            rows = audit.after(self.n, BATCH)
            if not rows:
                return f"The rows after it are missing: {head.n} was the last."
            why = next((why for row in rows if (why := self.fault(row))), None)
            if why is not None:
                return why
        if head is None or (head.n, head.chain) != (self.n, self.link):
            return "It is not the row that was written last."
        if self.noted is not None and self.noted[0] > self.n:
            return f"The rows after it are missing: {self.noted[0]} was noted."
        return None


def _told(chain: _Chain, fault: dict[str, Any] | None) -> dict[str, Any]:
    head = {"n": chain.n, "chain": chain.link}
    return {"rows": chain.rows, "blanked": chain.blanked, "first_fault": fault, "head": head}
