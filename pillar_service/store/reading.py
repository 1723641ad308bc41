"""Reads that pages need all the time, as SQL written by hand: to build one anew costs more than to carry it out."""

from typing import Any

from pillar_service.store.database import db, on_sqlite


def read(told: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a SELECT, as the database has them; ``?`` stands for each value, on both databases."""
    found: list[tuple[Any, ...]] = db.execute_sql(told if on_sqlite() else told.replace("?", "%s"), values).fetchall()
    return found


def places(count: int) -> str:
    """So many places for values, for an IN; never none, which SQL does not take."""
    return ", ".join("?" * count) or "NULL"
