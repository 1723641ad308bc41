"""Many rows in one statement: they travel as one JSON text, which both databases take apart by themselves.

A thousand rows of ten values as bound parameters cost more to bind than to store.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pillar_service.store.database import db, on_sqlite

KINDS = {int: "BIGINT", str: "TEXT", float: "DOUBLE PRECISION", bool: "BOOLEAN"}


def insert(
    table: str, columns: Sequence[str] | Mapping[str, type], rows: Iterable[Sequence[Any]], conflict: str
) -> list[Any]:
    """Insert rows; ``conflict`` ends the statement (ON CONFLICT …, RETURNING …). What it returns.

    ``columns`` are names, of whole numbers, or names with each one's kind.
    """
    kinds = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, int)
    values = ", ".join(_value(place, kind) for place, kind in enumerate(kinds.values()))
    told = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {_source()} WHERE true {conflict}"  # noqa: S608
    cursor = db.execute_sql(told, (json.dumps(list(rows)),))
    return list(cursor.fetchall()) if "RETURNING" in conflict else []


def update(table: str, key: str, columns: Mapping[str, type], rows: Iterable[Sequence[Any]], only: str = "true") -> int:
    """Set these columns of the rows whose ``key`` (text) comes first in each of ``rows``, the columns' values after.

    ``only`` those for which this SQL is true; of how many.
    """
    sets = ", ".join(f"{name} = {_value(place, kind)}" for place, (name, kind) in enumerate(columns.items(), 1))
    told = f"UPDATE {table} SET {sets} FROM {_source()} WHERE {table}.{key} = {_value(0, str)} AND {only}"  # noqa: S608
    return int(db.execute_sql(told, (json.dumps(list(rows)),)).rowcount)


def _source() -> str:
    return "json_each(?) AS r" if on_sqlite() else "json_array_elements(%s::json) AS r(value)"


def _value(place: int, kind: type) -> str:
    return f"r.value ->> {place}" if on_sqlite() else f"(r.value ->> {place})::{KINDS[kind]}"
