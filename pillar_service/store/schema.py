"""The database schema: migrations forward and back, each applied completely or not at all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee
from playhouse.migrations import MigrationError, Runner

from pillar_service.core.errors import Conflict, NotFound
from pillar_service.store.database import BUSY_S, FAULTS, db, explained, on_sqlite, release, transaction

STOPS = "STOPS"
"""The flag in a step (`STOPS = True`) that says: it removes what the previous version uses, so stop that version first."""


def runner() -> Runner:
    """The runner that applies the migrations and knows which are applied."""
    return Runner(db.obj, str(Path(__file__).parent / "migrations"))


def migrate() -> list[str]:
    """Bring the schema up to date, and return the steps applied. A second process that does so waits for the first.

    Raises Conflict when a newer version of the service made the schema.
    """
    with _steps() as steps:
        return list(steps.up())


def pending() -> tuple[str, dict[str, bool]]:
    """The newest applied step (or ``""``), and for each pending step whether the previous version must be stopped first.

    Raises Conflict as `migrate` does.
    """
    with _steps() as steps:
        known = steps.status()
        taken = [step.name for step in known if step.applied]
        coming = {step.name: bool(getattr(step.load(), STOPS, False)) for step in known if not step.applied}
        return taken[-1] if taken else "", coming


def migrate_back(to: str | None = None) -> list[str]:
    """Undo the newest step, or all steps after ``to``; return the steps undone, newest first.

    Raises NotFound when the step was not applied or can't be undone, Conflict as `migrate` does.
    """
    with _steps() as steps:
        taken = [step.name for step in steps.status() if step.applied]
        if not taken or to not in (None, *taken):
            raise NotFound(f"The database has no step {to}: it has {', '.join(taken)}." if to else "There is no step.")
        after = taken[-1:] if to is None else taken[taken.index(to) + 1 :]
        return list(steps.down(after[0])) if after else []


@contextmanager
def _steps() -> Iterator[Runner]:
    """The migration runner, in a transaction without a statement timeout and without foreign key checks."""
    try:
        if on_sqlite():
            _connect_first()
            db.obj.pragma("foreign_keys", 0)  # has no effect inside the transaction, where tables may be rebuilt
        with transaction():
            if not on_sqlite():
                db.execute_sql("SET LOCAL statement_timeout = 0")
            steps = runner()
            _refuse_newer([step.name for step in steps.status() if step.path is None])
            yield steps
    except MigrationError as error:
        raise NotFound(f"The database stays as it is, for a step has no way back: {error}") from error
    except FAULTS as error:
        raise explained(error) from error
    finally:
        release()


def _refuse_newer(unknown: list[str]) -> None:
    if unknown:
        raise Conflict(
            f"A newer version made the database (this one does not know {', '.join(unknown)}): run that version, or go back "
            f"with it first (`python -m pillar_service.web migrate --back`)."
        )


def _connect_first() -> None:
    # Two processes that create the same file collide when they set its journal mode, for which SQLite does not wait.
    until = time.monotonic() + BUSY_S
    while True:
        try:
            db.connect(reuse_if_open=True)
            return
        except peewee.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            db.close()
            time.sleep(0.05)
