"""Reading and writing rows with cached SQL statements.

peewee builds a statement anew for each query. For all columns of a job that takes 0.3 to 0.5 ms, longer than executing
the statement and writing its result.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from peewee import BigIntegerField, DoubleField, IntegerField, TextField

from pillar_service.store.database import JsonField, Table, Unread, db, on_sqlite
from pillar_service.store.sql import read

Row = TypeVar("Row", bound=Table)


def new(table: type[Row], columns: Mapping[str, object]) -> Row:
    """Make a row without adding it: the given columns, the table's defaults, and None for all others."""
    row = table(__no_default__=True)
    defaults = table._meta.get_default_dict()  # type: ignore[no-untyped-call]
    row.__data__ = {**dict.fromkeys(table._meta.fields), **defaults, **columns}
    return row


def add(table: type[Row], columns: Mapping[str, object]) -> Row:
    """Add one row, with the table's defaults, and return it."""
    row = new(table, columns)
    add_all(table, [row])
    return row


def add_all(table: type[Row], rows: Sequence[Row]) -> None:
    """Add new rows in one statement. Meant for a few rows, as each value is bound separately."""
    if not rows:
        return
    names, fields = tuple(rows[0].__data__), table._meta.fields
    values = [fields[name].db_value(row.__data__[name]) for row in rows for name in names]
    db.execute_sql(_insert(table, names, len(rows), on_sqlite()), values)


def change(table: type[Table], columns: Mapping[str, object], where: str, *values: object) -> int:
    """Set columns of the rows that match ``where`` (SQL with ``?`` for each value); return how many rows."""
    fields = table._meta.fields
    told = [fields[name].db_value(value) for name, value in columns.items()]
    return int(db.execute_sql(_update(table, tuple(columns), where, on_sqlite()), [*told, *values]).rowcount)


def found(table: type[Row], rest: str, *values: object) -> list[Row]:
    """The rows of a SELECT of all columns, followed by ``rest`` (WHERE … ORDER BY …, with ``?`` for each value)."""
    names, readers = _columns(table)
    rows = read(f"SELECT {_list(names)} FROM {_name(table)} {rest}", *values)  # noqa: S608
    return [_row(table, names, readers, row) for row in rows]


def first(table: type[Row], rest: str, *values: object) -> Row | None:
    """The first row that `found` returns, or None."""
    rows = found(table, rest, *values)
    return rows[0] if rows else None


def _row(table: type[Row], names: tuple[str, ...], readers: Mapping[str, Any], values: tuple[Any, ...]) -> Row:
    row = table(__no_default__=True)
    row.__data__ = data = dict(zip(names, values, strict=True))
    for name, reader in readers.items():
        if data[name] is not None:
            data[name] = reader(data[name])
    return row


@lru_cache
def _columns(table: type[Table]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of all columns, and a converter for each column that the database stores in another form.

    JSON is parsed only when it is accessed: a claim reads twice as many jobs as it takes.
    """
    fields = table._meta.fields
    readers = {name: Unread if isinstance(one, JsonField) else one.python_value for name, one in fields.items()}
    return tuple(fields), {name: reader for name, reader in readers.items() if not _is_as_kept(fields[name])}


def _is_as_kept(field: Any) -> bool:
    return type(field) in (TextField, IntegerField, BigIntegerField, DoubleField)


@lru_cache
def _insert(table: type[Table], names: tuple[str, ...], count: int, sqlite: bool) -> str:
    row = f"({', '.join(['?' if sqlite else '%s'] * len(names))})"
    return f"INSERT INTO {_name(table)} ({_list(names)}) VALUES {', '.join([row] * count)}"  # noqa: S608


@lru_cache
def _update(table: type[Table], names: tuple[str, ...], where: str, sqlite: bool) -> str:
    told = f"UPDATE {_name(table)} SET {', '.join(f'{name} = ?' for name in names)} WHERE {where}"  # noqa: S608
    return told if sqlite else told.replace("?", "%s")


def _name(table: type[Table]) -> str:
    return str(table._meta.table_name)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names)
