"""Exporting a bot and importing it again, in a browser."""

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from forms import ask_export, imported, running
from pouring import (
    OWNER,
    PUB,
    answer,
    carry_out,
    has_second_factor,
    operator,
    poured,
    tar,
)
from visiting import PASSWORD, come_as

from pillar_service.usecases.bots import bots, transfers
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import accounts, tokens

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.mark.parametrize("kind", ["everything", "secret"])
def test_the_secret_leaves_only_after_the_password(visitor: FlaskClient, kind: str) -> None:
    poured()
    for wrong in ("", "wrong", "x" * 2000):
        page = ask_export(visitor, kind, wrong)
        assert page.status_code == 422
        assert ("Enter your password." in page.text) == (wrong == "")
        assert 'aria-invalid="true"' in page.text
        assert PASSWORD not in page.text
    assert [job["command"] for job in jobs.listed()] == ["bots.create"]
    assert ask_export(visitor, kind, PASSWORD).status_code == 302
    assert jobs.listed()[0]["arguments"] == {"kind": kind}


def test_an_export_is_fetched_from_its_job(visitor: FlaskClient) -> None:
    poured()
    poured("second", upload=None)
    asked = ask_export(visitor, "everything", PASSWORD)
    job = asked.headers["Location"].removeprefix("/my/jobs/")
    assert visitor.get(f"/bots/my/exports/{job}").status_code == 404
    run = running()
    sent = tar(sequence=7)
    kept = transfers.deliver("cellar-1", job, io.BytesIO(sent.getvalue()))
    answer(run, {"pub_id": PUB, "sequence": 7, **kept})
    assert f"/bots/my/exports/{job}" in visitor.get(f"/my/jobs/{job}").text
    got = visitor.get(f"/bots/my/exports/{job}")
    assert (got.status_code, got.data) == (200, sent.getvalue())
    assert got.headers["Content-Disposition"] == "attachment; filename=my-everything.tar"
    assert got.headers["Cache-Control"] == "no-store"
    assert visitor.get(f"/bots/second/exports/{job}").status_code == 404
    boss = operator()
    come_as(visitor, "op@example.org")
    has_second_factor(boss)
    assert visitor.get(f"/bots/my/exports/{job}").status_code == 403
    assert f"/exports/{job}" not in visitor.get(f"/my/jobs/{job}").text


@pytest.mark.parametrize("actor", ["backups", "move:1", "operator:ann"])
def test_a_tar_that_no_person_asked_for_is_given_to_nobody(visitor: FlaskClient, actor: str) -> None:
    poured()
    job = jobs.submit(actor, "bots.export", "my")["job"]["id"]
    run = running()
    transfers.deliver("cellar-1", job, tar())
    answer(run, {"pub_id": PUB, "sequence": 3})
    assert visitor.get(f"/bots/my/exports/{job}").status_code == 404
    page = visitor.get(f"/my/jobs/{job}").text
    assert "one made for a move or a backup can't be" in page
    assert f"/exports/{job}" not in page
    secret = tokens.create(accounts.show(OWNER)["id"], "ci", ["export"])["secret"]
    asked = visitor.get(f"/agents/my/export?job={job}", headers={"Authorization": f"Bearer {secret}"})
    assert asked.status_code == 404


def test_gossip_log_and_blobs_need_no_password_and_other_kinds_are_none(visitor: FlaskClient) -> None:
    poured()
    for kind in ("gossip", "log", "blobs"):
        assert ask_export(visitor, kind).status_code == 302
        assert jobs.listed()[0]["arguments"] == {"kind": kind}
    assert ask_export(visitor, "passwords").status_code == 422
    assert ask_export(visitor, "").status_code == 422


def test_an_import_makes_one_bot_however_often_it_is_sent(visitor: FlaskClient) -> None:
    large = tar(**{"blobs/x": b"x" * (1 << 20)}).getvalue()
    went = imported(visitor, large)
    assert [answer.status_code for answer in went] == [302, 302]
    assert went[0].headers["Location"] == went[1].headers["Location"]
    assert [job["command"] for job in jobs.listed()] == ["bots.import"]
    assert bots.show("again")["pub_id"] == PUB
    carry_out()
    assert imported(visitor, large, name="twice")[0].status_code == 409


def test_what_can_not_be_imported_is_said_on_the_form(
    visitor: FlaskClient, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_only = tar(**{"flume/log.offset": b""}).getvalue()
    for content, said, status in ((b"no tar", "not a tar", 422), (secret_only, "fork", 409), (b"", "", 422)):
        page = imported(visitor, content)[0]
        assert (page.status_code, said in page.text) == (status, True)
    assert imported(visitor, tar().getvalue(), name="Not good")[0].status_code == 422
    assert imported(visitor, tar().getvalue(), csrf_token="forged")[0].status_code == 422
    assert visitor.post("/bots/import", data={"name": "x", "key": "k"}).status_code == 415
    assert imported(visitor, tar().getvalue(), description="x" * 70_000)[0].status_code == 413
    monkeypatch.setenv("CELLAR_TRANSFER_BYTES", "1000")
    service()
    assert imported(visitor, tar().getvalue())[0].status_code == 413
    assert jobs.listed() == []
    assert list(transfers.settings().files.iterdir()) == []
