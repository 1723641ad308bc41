"""SQL written by hand, ``?`` for each value on both databases: what pages read all the time, where to build a query anew costs
more than to carry it out, and what goes or changes in bulk."""

from typing import Any

from pillar_service.store.database import db, on_sqlite


def read(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a SELECT, or of what ends with RETURNING, as the database has them."""
    found: list[tuple[Any, ...]] = _carried_out(sql, values).fetchall()
    return found


def write(sql: str, *values: object) -> int:
    """Carry out an INSERT, UPDATE or DELETE, in the caller's transaction; of how many rows."""
    return int(_carried_out(sql, values).rowcount)


def _carried_out(sql: str, values: tuple[object, ...]) -> Any:
    return db.execute_sql(sql if on_sqlite() else sql.replace("?", "%s"), values)


def places(count: int) -> str:
    """So many places for values, for an IN; never none, which SQL does not take."""
    return ", ".join("?" * count) or "NULL"
