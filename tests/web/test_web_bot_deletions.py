"""Deleting a bot, and keeping it after all, in a browser."""

import time

import pyotp
import pytest
from flask.testing import FlaskClient
from forms import ask_export, delete, fill, press
from pouring import (
    carry_out,
    poured,
)
from visiting import PASSWORD

from pillar_service.usecases.bots import bots, bringing_back
from pillar_service.usecases.jobs import jobs
from pillar_service.usecases.people import second_factor

pytestmark = pytest.mark.usefixtures("at_home")


def test_a_bot_is_deleted_after_its_name_and_the_password_and_brought_back(visitor: FlaskClient) -> None:
    id = poured()["id"]
    for name, password in (("", PASSWORD), ("other", PASSWORD), ("my", ""), ("my", "wrong"), ("<b>", "<i>")):
        assert delete(visitor, name, password).status_code == 422
    assert bots.show("my")["desired"] == "running"
    went = delete(visitor)
    assert "being deleted" in visitor.get("/bots/my/actions").text
    carry_out()
    job = visitor.get(went.headers["Location"])
    assert "#succeeded" in job.text
    assert "bring it back" in job.text
    assert visitor.get("/bots/my/actions").status_code == 404
    page = visitor.get("/bots")
    assert "my.butt.nz" in page.text
    back = f"/deleted/{id}/bring-back"
    assert press(visitor, page, back, times=2).headers["Location"] == "/bots"
    assert [job["command"] for job in jobs.listed()].count("bots.bring_back") == 1
    carry_out()
    assert bots.show("my")["actual"] == "alive"
    assert visitor.post(back, data=fill(visitor.get("/bots/new"))).status_code == 409


def test_with_a_second_step_a_deletion_and_the_secret_ask_for_its_code(visitor: FlaskClient, person: str) -> None:
    poured()
    assert 'name="code"' not in visitor.get("/bots/my/delete").text
    second_factor.begin(person, PASSWORD)
    telephone = pyotp.TOTP((second_factor.pending(person) or {})["secret"])
    recovery = second_factor.turn_on(person, telephone.now())
    assert 'name="code"' in visitor.get("/bots/my/delete").text
    assert ask_export(visitor, "secret", PASSWORD).status_code == 422
    assert delete(visitor).status_code == 422
    assert bots.show("my")["desired"] == "running"
    page = visitor.get("/bots/my/delete")
    sent = fill(page, name="my", password=PASSWORD, code=recovery[0])
    went = [visitor.post("/bots/my/delete", data=sent).headers["Location"] for _ in range(2)]
    assert went[0] == went[1] == f"/my/jobs/{jobs.listed()[0]['id']}"


def test_a_bot_that_waits_to_be_deleted_can_be_kept(visitor: FlaskClient) -> None:
    id = poured()["id"]
    delete(visitor)
    press(visitor, visitor.get("/bots/my/actions"), f"/deleted/{id}/bring-back")
    carry_out()
    assert bots.show("my")["actual"] == "alive"
    assert {job["command"]: job["state"] for job in jobs.listed()}["bots.delete"] == "cancelled"


def test_a_deletion_sent_again_is_one_job(visitor: FlaskClient) -> None:
    poured()
    sent = fill(visitor.get("/bots/my/delete"), name="my.butt.nz", password=PASSWORD)
    went = {visitor.post("/bots/my/delete", data=sent).headers["Location"] for _ in range(3)}
    assert len(went) == 1
    carry_out()
    assert visitor.post("/bots/my/delete", data=sent).status_code == 404


def test_what_was_purged_is_nobodys(visitor: FlaskClient) -> None:
    id = poured()["id"]
    bots.delete("test", "my", purge=False)
    carry_out()
    job = jobs.listed()[0]["id"]
    bringing_back.purge_due("test", time.time() + 8 * 86_400)
    carry_out()
    assert visitor.get(f"/my/jobs/{job}").status_code == 404
    assert visitor.post(f"/deleted/{id}/bring-back", data=fill(visitor.get("/bots/new"))).status_code == 404
