"""Handwritten SQL, with ``?`` for each value on both databases.

It serves what pages read all the time, where building a query costs more than executing it, and bulk changes and deletions.
"""

from typing import Any

from pillar_service.store.database import db, on_sqlite


def read(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a SELECT, or of a statement with RETURNING, with the values as the database stores them."""
    found: list[tuple[Any, ...]] = _carried_out(sql, values).fetchall()
    return found


def write(sql: str, *values: object) -> int:
    """Execute an INSERT, UPDATE or DELETE in the caller's transaction; return how many rows it affected."""
    return int(_carried_out(sql, values).rowcount)


def _carried_out(sql: str, values: tuple[object, ...]) -> Any:
    return db.execute_sql(sql if on_sqlite() else sql.replace("?", "%s"), values)


def places(count: int) -> str:
    """Placeholders for that many values of an IN; NULL for none, as SQL does not allow an empty list."""
    return ", ".join("?" * count) or "NULL"
