"""The plain table of `bench series` holds what is kept of a report, however that grows."""

import contextlib
import sqlite3
from pathlib import Path

from bench import telling
from bench.series import Bare
from pillar_service.core import names


def test_the_bare_table_has_a_column_for_each_figure(tmp_path: Path) -> None:
    rows = list(telling.rows(telling.batches("cellar-1", [names.new_id()], 0, 3)))
    with Bare(f"sqlite:///{tmp_path / 'bare.sqlite'}") as bare:
        bare.write(rows)
    with contextlib.closing(sqlite3.connect(tmp_path / "bare.sqlite")) as database:
        assert sorted(database.execute("SELECT * FROM bare")) == sorted(rows)
