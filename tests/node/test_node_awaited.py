"""A node that was frozen wakes up with calls that were given up meanwhile, and carries out none of them."""

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import salt.payload
from executing import NODE, Cellar
from salt.exceptions import CommandExecutionError
from wires import BOT

from pillar_service.core.errors import Conflict, Unavailable
from pillar_service.node import awaited
from pillar_service.node.paths import Home
from pillar_service.store.database import transaction
from pillar_service.store.jobs import runs
from pillar_service.usecases.nodes import nodes

RUN, JOB = "0123456789abcdef", "1123456789abcdef"
AWAY = {"url": "http://127.0.0.1:1"}
"""Nothing listens there."""

MODULE = Path(__file__).parents[2] / "states/_modules/pubs.py"


def published(node: str = NODE, state: str = runs.RUNNING) -> None:
    """Make a run as it is once a master has published it."""
    now = time.time()
    columns = {"function": "pubs.invite", "arguments": [BOT], "keywords": {}, "master": "salt", "timeout_s": 60}
    columns |= {"retry_safe": False, "created_at": now, "expires_at": now + 60, "jid": "20261130000000000001"}
    with transaction():
        runs.Run.delete().execute()
        runs.Run.create(id=RUN, node=node, state=state, **columns)


@pytest.fixture
def opts(tmp_path: Path) -> dict[str, Any]:
    """Options of a minion in whose process, this one, that run was published."""
    (tmp_path / "proc").mkdir()
    told = {"jid": "1", "pid": os.getpid(), "fun": "pubs.invite", "metadata": {"saltcellar": {"run": RUN, "jobs": {}}}}
    (tmp_path / "proc" / "1").write_bytes(salt.payload.dumps(told))
    return {"cachedir": str(tmp_path), "id": NODE}


def test_what_is_waited_for_begins(cellar: Cellar, opts: dict[str, Any]) -> None:
    published()
    awaited.require(opts, cellar.service)


def test_what_was_given_up_does_not(cellar: Cellar, opts: dict[str, Any]) -> None:
    published(state=runs.ENDED)
    with pytest.raises(Conflict, match="given up"):
        awaited.require(opts, cellar.service)


def test_nor_what_nobody_can_be_asked_about(cellar: Cellar, opts: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        awaited.require(opts, cellar.service | AWAY, patience_s=0)


def test_a_service_that_is_away_for_a_moment_is_asked_again(cellar: Cellar, opts: dict[str, Any]) -> None:
    published(state=runs.ENDED)
    app, away = cellar.app, iter((True, True))

    def back_soon(environ: dict[str, Any], start_response: Any) -> Any:
        if next(away, False):
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        return app(environ, start_response)

    cellar.stop()
    cellar.app = back_soon
    cellar.start()
    with pytest.raises(Conflict, match="given up"):
        awaited.require(opts, cellar.service)


def test_what_somebody_calls_by_hand_is_waited_for(cellar: Cellar, opts: dict[str, Any]) -> None:
    (Path(opts["cachedir"]) / "proc" / "1").unlink()
    awaited.require(opts, cellar.service | AWAY)


def test_a_service_that_does_not_know_the_run_is_of_another_version(cellar: Cellar, opts: dict[str, Any]) -> None:
    nodes.add("test", "cellar-2")
    published(node="cellar-2")
    awaited.require(opts, cellar.service)


@pytest.mark.parametrize("function", ["invite", "restart"])
def test_a_late_call_asks_the_pub_for_nothing(
    function: str, cellar: Cellar, opts: dict[str, Any], home: Home, folder: Path, listen: Callable[..., None]
) -> None:
    asked = []
    listen(folder / "control.sock", asked.append)
    spec = importlib.util.spec_from_file_location("pubs", MODULE)
    assert spec
    assert spec.loader
    pubs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pubs)
    pillar = {"saltcellar": {"node": NODE, "service": cellar.service, "bots": {}}}
    vars(pubs).update(__opts__=opts, __pillar__=pillar, __salt__={"config.get": lambda _: str(home.root)})
    published(state=runs.ENDED)
    with pytest.raises(CommandExecutionError, match="given up"):
        getattr(pubs, function)(BOT)
    assert asked == []
