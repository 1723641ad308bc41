"""SQL written by hand, ``?`` for each value on both databases: what pages read all the time, where to build a query anew costs
more than to carry it out, and what goes or changes in bulk."""

from typing import Any

from pillar_service.store.database import db, on_sqlite


def read(told: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a SELECT, as the database has them."""
    found: list[tuple[Any, ...]] = _carried_out(told, values).fetchall()
    return found


def write(told: str, *values: object) -> int:
    """Carry out an INSERT, UPDATE or DELETE, in the caller's transaction; of how many rows."""
    return int(_carried_out(told, values).rowcount)


def _carried_out(told: str, values: tuple[object, ...]) -> Any:
    return db.execute_sql(told if on_sqlite() else told.replace("?", "%s"), values)


def places(count: int) -> str:
    """So many places for values, for an IN; never none, which SQL does not take."""
    return ", ".join("?" * count) or "NULL"
