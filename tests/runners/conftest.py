"""The runners' functions with a real service, but without daemons."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import answering
from apps import made_once
from test_shape import EXPECTED, functions
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parent.parent / "usecases"))  # for pouring.py: a bot and a node that answers

Runners = dict[str, Callable[..., Any]]


@pytest.fixture
def url(sqlite_url: str) -> str:
    """SQLite alone: other tests check what words do to databases."""
    return sqlite_url


@pytest.fixture
def runners(service: Callable[[], None], tmp_path: Path) -> Iterator[Runners]:
    """The runners' functions by name, with the private app of a service that has one bot."""
    from pouring import owner, poured

    from pillar_service.usecases.service import masters, storage
    from pillar_service.web.private import create_app

    owner()
    poured("stands")
    (tmp_path / "token").write_text(masters.new_token("test", "salt"))
    with answering(make_server("127.0.0.1", 0, made_once(create_app), threaded=True)) as url:
        asked = {"url": url, "token_file": str(tmp_path / "token")}
        yield {
            f"{name}.{one}": function
            for name in EXPECTED
            for one, function in functions(name, {"saltcellar": asked}).items()
        }
    storage.release()
