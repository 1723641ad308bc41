"""Backups at the private app, and by the thread that makes them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from backing_up import kept_in
from flask.testing import FlaskClient

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
