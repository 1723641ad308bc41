"""What a service that can't work says about itself, to anyone and to Prometheus."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.usecases.service import measuring, readiness


def refused(client: FlaskClient) -> str:
    """The reason that /readyz gives."""
    answer = client.get("/readyz")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    return str(answer.json["detail"])


@pytest.fixture(params=["public", "private"])
def stranger(request: pytest.FixtureRequest, url: str) -> FlaskClient:
    """Anyone, at each of the two apps."""
    app: Flask = request.getfixturevalue(f"{request.param}_app")
    return app.test_client()


def test_a_service_that_can_work_says_so(stranger: FlaskClient) -> None:
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ok": True})


def test_a_database_without_its_last_migration_is_not_ready(stranger: FlaskClient) -> None:
    last = database.db.execute_sql("SELECT MAX(name) FROM schema_migration").fetchall()[0][0]
    database.db.execute_sql(f"DELETE FROM schema_migration WHERE name = '{last}'")
    assert f"1, the first is {last}" in refused(stranger)
    assert stranger.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_not_ready(stranger: FlaskClient, url: str) -> None:
    database.connect("postgresql://nobody@/nothing?host=/nowhere")
    assert "does not answer" in refused(stranger)
    database.connect(url)
    assert stranger.get("/readyz").status_code == 200


def test_a_file_that_is_no_database_is_not_ready(stranger: FlaskClient, tmp_path: Path, url: str) -> None:
    (tmp_path / "no.sqlite").write_text("This is no database." * 1000)
    database.connect(f"sqlite:///{tmp_path}/no.sqlite")
    assert "database" in refused(stranger)
    database.connect(url)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_not_ready_until_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, stranger: FlaskClient
) -> None:
    monkeypatch.setenv("CELLAR_FILES", str(small_disk))
    settings.cache_clear()
    assert stranger.get("/readyz").status_code == 200
    (small_disk / "large").write_bytes(os.urandom(20 << 20))
    assert "disk of the files is full" in refused(stranger)
    (small_disk / "large").unlink()
    assert stranger.get("/readyz").status_code == 200


def test_a_folder_that_is_not_there_is_not_ready(stranger: FlaskClient) -> None:
    settings().files.rmdir()
    assert f"check that {settings().files} is there" in refused(stranger)


def test_prometheus_hears_of_a_database_that_is_away(
    private_app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(measuring, "FRESH_S", -1.0)
    database.connect("postgresql://nobody@/nothing?host=/nowhere")
    answer = private_app.test_client().get("/metrics")
    database.connect(url)
    assert answer.status_code == 200
    assert "\ncellar_ready 0.0\n" in answer.text
    assert 'cellar_disk_free_bytes{of="files"}' in answer.text
    assert "cellar_queue_age_seconds 0" not in answer.text
    assert readiness.missing() == []
