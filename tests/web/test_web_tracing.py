"""Each request's id: in the answer, on the page, in the log; taken over only from those who may set it."""

import json
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from flask.testing import FlaskClient
from processes import Process, served

from pillar_service.core import names, tracing
from pillar_service.core.tracing import HEADER

GIVEN = "asked-by-a-master-1"


def test_a_masters_own_id_is_taken_over(master: FlaskClient) -> None:
    assert master.get("/nodes", headers={HEADER: GIVEN}).headers[HEADER] == GIVEN
    told = master.get("/jobs/0123456789abcdef", headers={HEADER: GIVEN})
    assert told.json["request"] == told.headers[HEADER] == GIVEN
    made = master.get("/nodes").headers[HEADER]
    assert names.ID.fullmatch(made)
    assert master.get("/nodes").headers[HEADER] != made
    assert master.get("/nodes", headers={HEADER: "x y"}).headers[HEADER] != "x y"
    assert tracing.current() is None


def test_a_strangers_id_is_not(private_app: Flask, public_app: Flask) -> None:
    for client, path in ((private_app.test_client(), "/nodes"), (public_app.test_client(), "/api/bots")):
        told = client.get(path, headers={HEADER: GIVEN})
        assert told.status_code in (401, 404)
        assert names.ID.fullmatch(told.headers[HEADER])
        assert told.json["request"] == told.headers[HEADER]


def test_a_page_of_an_error_shows_the_number(public_app: Flask) -> None:
    told = public_app.test_client().get("/nothing-here")
    assert told.status_code == 404
    assert f"Number <code>{told.headers[HEADER]}</code>" in told.text


def lines(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.log.read_text().splitlines()]


def test_the_log_is_json_and_tells_who_changed_what_by_its_id(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    session.get(f"{process.url}/nodes", headers={HEADER: "only-looked-1"})
    told = {"type": "person", "email": "ann@example.org"}
    assert session.post(f"{process.url}/agents", json=told, headers={HEADER: GIVEN}).status_code == 201
    wrong = requests.post(f"{process.url}/nope/{GIVEN}", json={}, timeout=5)
    [made] = [line for line in lines(process) if line.get("request") == GIVEN]
    assert (made["method"], made["route"], made["status"], made["master"]) == ("POST", "/agents", 201, "salt")
    assert (made["level"], made["logger"]) == ("info", "pillar_service.web.tracing")
    [refused] = [line for line in lines(process) if line.get("request") == wrong.headers[HEADER]]
    assert refused["route"] == "(unknown)"
    text = process.log.read_text()
    assert "only-looked-1" not in text
    assert "ann@example.org" not in text
    assert any(line["logger"] == "gunicorn.error" for line in lines(process))


def test_the_log_can_be_read_on_a_terminal(process: Process, tmp_path: Path) -> None:
    process.environment["CELLAR_LOG"] = "text"
    session = served(process, tmp_path)
    told = {"type": "person", "email": "ann@example.org"}
    assert session.post(f"{process.url}/agents", json=told, headers={HEADER: GIVEN}).status_code == 201
    [line] = [line for line in process.log.read_text().splitlines() if GIVEN in line]
    assert "INFO    POST /agents request=asked-by-a-master-1" in line
