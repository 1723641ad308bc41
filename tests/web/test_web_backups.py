"""Backups at the private app, and in the thread that makes them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from backing_up import kept_in
from flask.testing import FlaskClient

from pillar_service.core.service.backups import RoundKind, RoundState
from pillar_service.store.service import backup_rounds as rows
from pillar_service.web import backing_up


def test_one_is_asked_for_made_by_the_thread_and_listed(
    master: FlaskClient, service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = master.post("/backups", json={})
    assert (refused.status_code, "CELLAR_BACKUP_REPOSITORY" in refused.json["detail"]) == (422, True)
    kept_in(str(tmp_path / "repository"), tmp_path, service, monkeypatch)
    asked = [master.post("/backups", json={}, headers={"X-Actor": "ann"}) for _ in range(2)]
    assert {one.status_code for one in asked} == {202}
    [id] = {one.json["round"]["id"] for one in asked}
    over = backing_up.start()
    try:
        ends = time.monotonic() + 60
        while master.get(f"/backups/{id}").json["round"]["state"] in ("asked", "running") and time.monotonic() < ends:
            time.sleep(0.1)
    finally:
        over.set()
    shown = master.get(f"/backups/{id}").json["round"]
    assert (shown["state"], shown["actor"], shown["kind"]) == ("succeeded", "operator:ann", "backup")
    assert shown["snapshot"] in [one["id"] for one in master.get("/backups/kept").json["snapshots"]]
    assert shown in master.get("/backups").json["rounds"]
    assert master.get("/backups/nope").status_code == 404
    assert master.post("/backups/verifications", json={"x": 1}).status_code == 422


def test_a_process_of_its_own_makes_them_and_ends_when_it_is_told(
    service: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    command = [sys.executable, "-m", "pillar_service.web", "keep-backups"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert (refused.returncode, "set CELLAR_BACKUP_REPOSITORY" in refused.stderr) == (2, True)
    kept_in(str(tmp_path / "repository"), tmp_path, service, monkeypatch)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        ends = time.monotonic() + 60
        while not (rows.newest(RoundKind.BACKUP, time.time(), RoundState.SUCCEEDED)) and time.monotonic() < ends:
            time.sleep(0.2)
        process.terminate()
        said = process.communicate(timeout=10)[1].splitlines()
        assert process.returncode == 0
    finally:
        process.kill()
    assert rows.newest(RoundKind.BACKUP, time.time(), RoundState.SUCCEEDED), "the first is due at once"
    assert "Backups are made here" in json.loads(said[0])["message"]
    assert all(json.loads(line)["level"] for line in said), "as the service's other logs"
