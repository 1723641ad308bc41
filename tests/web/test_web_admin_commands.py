"""The operators' pages about commands: the catalogue, a command's job, a node's labels."""

import json
from typing import Any

import pytest
from chatting import ask, begin, chat, claim_all, finish, keep, scene, state
from flask.testing import FlaskClient
from trails import trail
from visiting import csrf

from pillar_service.core.errors import Conflict
from pillar_service.store import database
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.jobs.outputs import Line
from pillar_service.store.meeseeks import catalogues
from pillar_service.store.nodes import nodes
from pillar_service.usecases.jobs import jobs as job_cases
from pillar_service.usecases.meeseeks import challenges
from pillar_service.usecases.nodes import pillars

pytestmark = pytest.mark.usefixtures("operator", "_scene")


@pytest.fixture
def _scene(service: Any) -> None:
    scene()


def press(visitor: FlaskClient, path: str, **form: str) -> Any:
    return visitor.post(path, data={**form, "csrf_token": csrf(visitor.get("/admin"))})


def text(page: Any) -> str:
    assert page.status_code == 200, page.text
    return " ".join(page.text.split())


def test_the_catalogue_its_roles_and_what_is_wrong_with_the_files(visitor: FlaskClient) -> None:
    page = text(visitor.get("/admin/commands"))
    for shown in (
        "log-in",
        "hush",
        "2 of approver within 90 min",
        "a yes, a code, 1 of approver",
        "kubectl",
        "T01/U01",
        "in any channel",
    ):
        assert shown in page, shown
    assert "broken" not in page
    with database.transaction():
        catalogues.fail("commands.yaml:12: 'sumary' is <no> word here", 1.0)
    page = text(visitor.get("/admin/commands"))
    assert "commands.yaml:12: &#39;sumary&#39; is &lt;no&gt; word here" in page
    keep(commands=(), roles=())
    assert "No roles." in text(visitor.get("/admin/commands"))


def test_a_job_on_several_nodes_shows_each_and_ends_there(visitor: FlaskClient) -> None:
    job = ask("say hi")
    path = f"/admin/jobs/{job['id']}"
    assert "say on 2 nodes" in text(visitor.get(path))
    runs = {run["node"]: run for run in claim_all()}
    begin(runs["cellar-1"])
    finish(runs["cellar-1"], "failed", 3)
    page = text(visitor.get(path))
    for shown in ("/admin/nodes/cellar-1", "/admin/nodes/cellar-2", "#failed", "#running", "End it wherever it runs"):
        assert shown in page, shown
    part = next(part for part in jobs.parts_of(job["id"]) if part.node == "cellar-1")
    page = text(visitor.get(f"/admin/jobs/{part.id}"))
    assert "&#34;exit_code&#34;: 3" in page
    assert f'/admin/jobs/{job["id"]}">' in page
    assert press(visitor, f"{path}/kill").status_code == 302
    assert [run["function"] for run in claim_all()] == ["meeseeks.stop"]
    begin(runs["cellar-2"])
    finish(runs["cellar-2"])
    page = text(visitor.get(path))
    assert "It worked on 1 of 2: failed on cellar-1." in page
    assert "End it wherever" not in page
    assert "say" in text(visitor.get("/admin/jobs?command=say"))
    assert visitor.get("/admin/jobs?command=nothing").status_code == 422
    assert "2 nodes" in text(visitor.get(f"/admin/search?q={job['id']}"))


def test_what_a_job_waits_for_is_shown_and_it_is_cancelled(visitor: FlaskClient) -> None:
    job = ask("deploy")
    challenges.vote(chat("U02"), job["id"], True)
    page = text(visitor.get(f"/admin/jobs/{job['id']}"))
    assert "It waits for approvals by the role approver (it has 1 of 2), until" in page
    assert "Approved by chat:T01/U02" in page
    assert press(visitor, f"/admin/jobs/{job['id']}/cancel").status_code == 302
    assert state(job) == "cancelled"
    assert "waits for" not in text(visitor.get(f"/admin/jobs/{job['id']}"))
    assert press(visitor, f"/admin/jobs/{job['id']}/retry").status_code == 409


def test_what_is_cancelled_and_what_runs_on_is_said(visitor: FlaskClient) -> None:
    job = ask("say hi")
    claim_all()
    with database.transaction():
        jobs.Job.update(state="queued", run=None).where(jobs.Job.node == "cellar-2").execute()
    assert press(visitor, f"/admin/jobs/{job['id']}/cancel").status_code == 302
    page = text(visitor.get(f"/admin/jobs/{job['id']}"))
    assert "1 waiting part is cancelled; it is still running on cellar-1" in page
    assert f"Job {job['id']} is cancelled." not in page


def test_a_job_on_the_master_and_a_bots_action_are_shown(visitor: FlaskClient) -> None:
    from pouring import owner, poured

    owner()
    poured(node="cellar-1")
    for line in ("list-bots", "restart-bot my"):
        job = ask(line)
        assert line.split()[0] in text(visitor.get(f"/admin/jobs/{job['id']}"))
    assert "list-bots" in text(visitor.get("/admin/jobs"))
    [part] = jobs.parts_of(job["id"])
    with pytest.raises(Conflict, match="as a command"):
        job_cases.cancel("test", job["id"])
    assert press(visitor, f"/admin/jobs/{part.id}/cancel").status_code == 302
    assert (state({"id": part.id}), state(job)) == ("cancelled", "cancelled")


def test_private_lines_are_not_for_operators_pages(visitor: FlaskClient) -> None:
    job = ask("quiet")
    with database.transaction():
        outputs.add_lines(job["id"], [Line("1:1", "stdout", "the code is 7")], 1.0)
    page = text(visitor.get(f"/admin/jobs/{job['id']}"))
    assert "the code is 7" not in page
    assert "Only whoever asked for it may see its output" in page


def test_a_node_shows_and_takes_its_labels(visitor: FlaskClient) -> None:
    page = text(visitor.get("/admin/nodes/cellar-2"))
    assert "environment=tests" in page
    assert "kubectl" in page
    answer = press(visitor, "/admin/nodes/cellar-2/label", labels="environment=prd, gpu\nbutt.nz/rack=7")
    assert answer.status_code == 302
    found = nodes.find("cellar-2")
    assert found is not None
    assert found.labels == {"environment": "prd", "gpu": "", "butt.nz/rack": "7"}
    ready = pillars.ready("cellar-2")
    assert ready is not None
    assert json.loads(ready[0])["saltcellar"]["labels"] == found.labels
    assert trail("node:cellar-2")[-1]["action"] == "nodes.label"
    assert str(trail("node:cellar-2")[-1]["actor"]).startswith("account:")


@pytest.mark.parametrize("wrong", ["node=cellar-1", "a=1 a=2", "-x=1", "a=<b>", "x" * 9000, "a=b=c", "ü=1"])
def test_what_is_no_label_changes_nothing_and_says_why(visitor: FlaskClient, wrong: str) -> None:
    answer = press(visitor, "/admin/nodes/cellar-2/label", labels=wrong)
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text
    found = nodes.find("cellar-2")
    assert found is not None
    assert found.labels == {"environment": "tests"}
    assert press(visitor, "/admin/nodes/nowhere/label", labels="a=b").status_code == 404
