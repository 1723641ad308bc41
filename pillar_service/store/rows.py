"""Many rows in one statement: they are sent as one JSON text, which the database unpacks.

PostgreSQL's client takes longer to bind a thousand rows of ten values than the server takes to store them. SQLite binds
them in a third of the time that it needs for JSON, so rows that come in thousands are bound there (`insert_plain`).
PostgreSQL gets JSONB: with plain JSON it would parse a row again for each of its values, sixteen times for an event.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from pillar_service.store.database import db, on_sqlite

AT_ONCE = 50
"""How many rows SQLite gets in one statement: with more, parsing costs more than is saved."""

KINDS = {int: "BIGINT", str: "TEXT", float: "DOUBLE PRECISION", bool: "BOOLEAN"}


def insert(
    table: str, columns: Sequence[str] | Mapping[str, type], rows: Iterable[Sequence[Any]], conflict: str
) -> list[Any]:
    """Insert rows, and return the rows of RETURNING, if any; ``conflict`` ends the statement (ON CONFLICT …, RETURNING …).

    ``columns`` are names (of integer columns), or names mapped to their types.
    """
    kinds = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, int)
    values = ", ".join(_value(place, kind) for place, kind in enumerate(kinds.values()))
    told = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {_source()} WHERE true {conflict}"  # noqa: S608
    cursor = db.execute_sql(told, (json.dumps(list(rows)),))
    return list(cursor.fetchall()) if "RETURNING" in conflict else []


def insert_plain(
    table: str, columns: Sequence[str] | Mapping[str, type], rows: Iterable[Sequence[Any]], conflict: str
) -> list[Any]:
    """Do what `insert` does, for rows that SQLite can bind directly: 64-bit numbers, and text without lone surrogates."""
    if not on_sqlite():
        return insert(table, columns, rows, conflict)
    given, names = list(rows), tuple(columns)
    found: list[Any] = []
    for first in range(0, len(given), AT_ONCE):
        some = given[first : first + AT_ONCE]
        cursor = db.execute_sql(_bound(table, names, len(some), conflict), tuple(chain.from_iterable(some)))
        found += cursor.fetchall() if "RETURNING" in conflict else []
    return found


@lru_cache
def _bound(table: str, names: tuple[str, ...], count: int, conflict: str) -> str:
    places = f"({', '.join('?' * len(names))})"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([places] * count)} {conflict}"  # noqa: S608


def update(table: str, key: str, columns: Mapping[str, type], rows: Iterable[Sequence[Any]], only: str = "true") -> int:
    """Set columns of many rows, and return how many were changed.

    Each of ``rows`` holds the value of ``key`` (text), then the values of ``columns``. Only rows for which the SQL condition
    ``only`` is true are changed.
    """
    sets = ", ".join(f"{name} = {_value(place, kind)}" for place, (name, kind) in enumerate(columns.items(), 1))
    told = f"UPDATE {table} SET {sets} FROM {_source()} WHERE {table}.{key} = {_value(0, str)} AND {only}"  # noqa: S608
    return int(db.execute_sql(told, (json.dumps(list(rows)),)).rowcount)


def _source() -> str:
    return "json_each(?) AS r" if on_sqlite() else "jsonb_array_elements(%s::jsonb) AS r(value)"


def _value(place: int, kind: type) -> str:
    return f"r.value ->> {place}" if on_sqlite() else f"(r.value ->> {place})::{KINDS[kind]}"
