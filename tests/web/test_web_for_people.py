"""People, who have no shell on the machine, are never told to do what only the operator can do."""

import json
import re

import pytest
from flask.testing import FlaskClient
from pouring import OWNER, answer, bot, carry_out, has_second_factor, operator, owner, poured, state
from visiting import come_as

from pillar_service.core.jobs import faults
from pillar_service.core.jobs.faults import LOAD_IT
from pillar_service.core.jobs.jobs import NO_MASTER
from pillar_service.node.containers import AWAY
from pillar_service.store import database
from pillar_service.store.jobs import leases
from pillar_service.usecases.bots import bots
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.jobs.leases import PUBLISHING

FOR_OPERATORS = re.compile(r"salt-|saltutil|\bsalt\b|systemctl")
NOT_BUILT = "The pub's image saltcellar/pub:9 is not on the node: run `salt-run bots.rebuild <bot>` to build it there."
OTHER = f"The pub's image saltcellar/pub:9 is not on the node: {LOAD_IT}."
NOT_THERE = f"{faults.NODE_AWAY} cellar-1 does not answer the master: is it on?"
SAID = [*(said for _, said, _ in faults.FAULTS), AWAY, NOT_BUILT, OTHER, NOT_THERE]


def fails(said: str, command: str) -> str:
    """A job of the bot that failed with this sentence, which its lines have, too; return its id."""
    bot_id, job = bots.show("my")["id"], jobs.submit("test", command, "my")["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    runs.add_lines("salt", run["id"], [{"key": "1", "text": f"image: failed. {said}"}])
    if run["function"] == "state.apply":
        answer(run, state(bot_id, result=False, comment=said))
    else:
        answer(run, f"ERROR: {said}", success=False, retcode=1)
    return str(job)


@pytest.mark.parametrize("said", SAID)
def test_a_fault_reaches_no_page_and_no_program_of_a_person_as_operators_read_it(
    visitor: FlaskClient, said: str
) -> None:
    owner()
    poured()
    come_as(visitor)
    told = faults.for_people(faults.sentence(said))
    assert not FOR_OPERATORS.search(told)
    looks = [fails(said, "bots.logs"), fails(said, "bots.invites")]
    job = fails(said, "bots.start")
    pages = [f"/my/jobs/{job}", f"/my/jobs/{job}/live", "/bots", "/live/bots"]
    pages += [f"/bots/my/{tab}" for tab in ("actions", "status", "invites", "log", "people", "delete", "export")]
    secret = visitor.post("/authentication/sign-in", json={"email": OWNER, "password": "long enough 1"}).json
    bearer = {"Authorization": f"Bearer {secret['token']['secret']}"}
    asked = ["/agents", "/agents/my", "/jobs", f"/jobs/{job}", f"/jobs/{job}/lines"]
    stream = visitor.get(f"/jobs/{job}/lines", headers=bearer | {"Accept": "text/event-stream"})
    shown = {page: visitor.get(page) for page in pages} | {one: visitor.get(one, headers=bearer) for one in asked}
    told_in_stream = stream.text
    stream.close()
    assert told_in_stream.count("event: ") == 2
    assert not FOR_OPERATORS.search(told_in_stream)
    for where, answered in shown.items():
        assert answered.status_code == 200, where
        assert not FOR_OPERATORS.search(answered.text), where
    assert json.loads(shown[f"/jobs/{job}"].text)["job"]["error"] == told
    assert json.loads(shown["/agents/my"].text)["agent"]["detail"] == told
    assert [jobs.show(one)["job"]["error"] for one in (*looks, job)] == [faults.sentence(said)] * 3


def test_what_waits_for_a_master_says_so_in_words_for_people(visitor: FlaskClient) -> None:
    owner()
    poured()
    come_as(visitor)
    job = jobs.submit("test", "bots.restart", "my")["job"]["id"]
    with database.transaction():
        leases.put(PUBLISHING, "salt", 2, 0)
    page = visitor.get(f"/my/jobs/{job}").text
    assert "The master that runs jobs is away" in page
    assert not FOR_OPERATORS.search(page)
    assert jobs.show(job)["job"]["waits"] == NO_MASTER


def test_operators_read_on_their_pages_what_to_do(visitor: FlaskClient) -> None:
    owner()
    made = bot()["agent"]
    carry_out()
    job = fails(AWAY, "bots.start")
    person = operator()
    come_as(visitor, "op@example.org")
    has_second_factor(person)
    for page in (f"/admin/jobs/{job}", f"/admin/bots/{made['id']}"):
        assert "systemctl start docker" in visitor.get(page).text, page
