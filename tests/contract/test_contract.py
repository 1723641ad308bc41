"""Nodes of each released version understand this service and are understood by it; this node understands their services.

The exchanges were recorded with that version's code (`record.py`); this service works on that version's migrated database.
It may say more than that version did, but what was said must still be there, with the same type.
"""

import base64
import gzip
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import answering
from flask import Flask
from record import SECRET
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from pillar_service.core.errors import Conflict, SaltcellarError
from pillar_service.core.events.submission import Answer
from pillar_service.core.nodes import pillar
from pillar_service.node import told
from pillar_service.node.door import Door
from pillar_service.node.enrolment import asking
from pillar_service.settings import settings
from pillar_service.store import database

HERE = Path(__file__).parent
VERSIONS = sorted(file.parent.name for file in HERE.glob("*/exchanges.json"))
assert VERSIONS, "There is no version to compare with: tests/contract/record.py makes one"


def recorded(version: str) -> dict[str, list[dict[str, Any]]]:
    """The recorded exchanges of a version, by app."""
    return dict(json.loads((HERE / version / "exchanges.json").read_text()))


def heard(version: str, name: str) -> Any:
    """The answer to one recorded request."""
    return next(one["answer"] for app in recorded(version).values() for one in app if one["name"] == name)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Each released version."""
    return str(request.param)


@pytest.fixture
def upgraded(
    version: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """This version's service on that version's database."""
    from pillar_service.usecases.nodes import pillars
    from pillar_service.usecases.service import storage

    file = tmp_path / "cellar.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(gzip.decompress((HERE / version / "database.sql.gz").read_bytes()).decode())
    told = {
        "CELLAR_DATABASE": f"sqlite:///{file}",
        "CELLAR_SECRET_KEY": SECRET,
        "CELLAR_PUBLIC_URL": "https://cellar.example.org",
    }
    for name, value in {**environment, **told}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    storage.prepare()
    storage.migrate()
    pillars.refresh()
    yield
    database.release()
    settings.cache_clear()


def app(name: str) -> Flask:
    """One of the two apps, by name."""
    from pillar_service.web import private, public

    return {"public": public, "private": private}[name].create_app()


def lacks(then: Any, now: Any, where: str = "answer") -> list[str]:
    """What was said then and is missing now, or has another type."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [one for key in then for one in (
            lacks(then[key], now[key], f"{where}: {key}") if key in now else [f"{where} has no {key}"]
        )]  # fmt: skip
    if isinstance(then, list) and isinstance(now, list):
        if then and not now:
            return [f"{where} is empty"]
        return lacks(then[0], now[0], f"{where}: 0") if then else []
    if isinstance(then, bool) or isinstance(now, bool) or not isinstance(then, int | float):
        return [] if type(then) is type(now) or None in (then, now) else [f"{where} is {now!r}, and was {then!r}"]
    return [] if isinstance(now, int | float) else [f"{where} is {now!r}, and was {then!r}"]


@pytest.mark.parametrize("name", ["public", "private"])
def test_the_service_understands_an_older_node_and_is_understood(upgraded: None, version: str, name: str) -> None:
    """In the recorded order, as later requests depend on earlier ones."""
    client, wrong = app(name).test_client(), []
    for one in recorded(version)[name]:
        answer = client.open(
            one["path"], method=one["method"], headers=one["headers"], data=base64.b64decode(one["body"])
        )
        if answer.status_code != one["status"]:
            wrong.append(
                f"{one['name']}: {answer.status_code} and not {one['status']}: {answer.get_data(as_text=True)[:200]}"
            )
        wrong += [f"{one['name']}: {said}" for said in lacks(one["answer"], answer.get_json(silent=True))]
    assert wrong == []


def test_what_an_older_node_told_is_kept(upgraded: None, version: str) -> None:
    from pillar_service.store.events import events
    from pillar_service.store.jobs import outputs
    from pillar_service.store.nodes import nodes

    client = app("public").test_client()
    for one in recorded(version)["public"]:
        client.open(one["path"], method=one["method"], headers=one["headers"], data=base64.b64decode(one["body"]))
    kinds = {row.kind for row in events.page(events.Which(events.Filter()), 100) if row.node == "cellar-1"}
    assert kinds == {"lifecycle", "health", "facts", "gap", "submission"}
    assert [line.text for line in outputs.lines("c0ffee00c0ffee00")] == ["/dev/sda1 80 %", "end"]
    shed = next(node for node in nodes.listed() if node.id.startswith("shed."))
    assert shed.key_state == "revoked"


@pytest.fixture
def older(version: str) -> Iterator[str]:
    """A service at the wire that gives that version's answers."""
    left = [one for one in recorded(version)["public"] if one["name"] != "events, the same once more"]

    @Request.application
    def answer(request: Request) -> Response:
        found = next((one for one in left if (one["method"], one["path"]) == (request.method, request.path)), None)
        if found is None:
            return Response(json.dumps({"detail": "There is nothing here."}), 404, mimetype="application/json")
        left.remove(found)
        body = json.dumps(found["answer"]) if found["answer"] is not None else ""
        return Response(body, found["status"], mimetype="application/json")

    with answering(make_server("127.0.0.1", 0, answer, threaded=True)) as url:
        yield url


def test_a_node_understands_an_older_service(version: str, older: str) -> None:
    door, job = Door({"url": older, "token": "x"}), "c0ffee00c0ffee00"
    taken = Answer.read(door.events([], sign=lambda body: "x"))
    assert taken.accepted == {f"cellar-1/1/{n}" for n in (1, 2, 5, 6, 7, 8)}
    assert Answer.read(door.events([])).refused == {}
    door.capacities({"has": [], "slots": 1})
    assert door.begin(job, 1) == {"key": "canary-1"}
    with pytest.raises(Conflict):
        door.begin(job, 1)
    assert door.lines(job, 1, []) == 2
    assert door.bundle() == {"bundle": None}
    assert door.configuration()["keys"]["governors/restarts"]["value"] == 1
    assert door.set_key("mood", "well", 0)["value"] == "well"
    with pytest.raises(SaltcellarError) as refused:
        door.set_key("mood", "ill", 99)
    assert refused.value.status == 412
    door.delete_key("mood", None)
    granted = door.take("restarts", "x", 60)
    assert (granted["granted"], door.renew("restarts", "x", granted["fence"], 60)["fence"]) == (True, granted["fence"])
    door.release("restarts", "x", granted["fence"])
    if not any(one["path"] == "/node/upgrade" for one in recorded(version)["public"]):
        assert door.upgrade() is None, "a question that it does not know yet is no error"


def test_a_node_gets_in_at_an_older_service(version: str, older: str, tmp_path: Path) -> None:
    from pillar_service.node.enrolment.site import Site

    answer = asking.ask(older, "/enrol", {})
    assert (answer["node"].split(".")[0], answer["masters"][0]["port"]) == ("shed", 4506)
    assert "master: " in Site(tmp_path).configuration(answer, "root")


def test_a_node_reads_an_older_pillar(version: str) -> None:
    read = told.told(heard(version, "pillar"), "cellar-1")
    assert (read.problem, read.refused) == (None, {})
    assert [bot["name"] for bot in read.bots.values()] == ["my"]
    assert (read.service or {})["auth"] == "minion-key"
    assert read.configuration is not None
    assert "disk" in read.commands


def test_an_older_node_reads_a_pillar_with_more_in_it(version: str) -> None:
    """Unknown additions of a later service are ignored, so that they break no node that has not been upgraded yet."""
    body: dict[str, Any] = heard(version, "pillar")
    body[pillar.KEY] |= {"later": {"x": 1}}
    for bot in body[pillar.KEY]["bots"].values():
        bot["later"] = [1]
    assert told.told(body, "cellar-1").refused == {}
