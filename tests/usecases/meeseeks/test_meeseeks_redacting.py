"""What nobody may see is stored nowhere, whatever a chat command runs and whoever reports its result."""

import json
from typing import Any

import pytest
from chatting import ask, begin, chat, claim_all, everything, scene
from pouring import answer, owner, poured

from pillar_service.store.jobs import jobs
from pillar_service.usecases.bots import bots
from pillar_service.usecases.chat import watching
from pillar_service.usecases.jobs import claims, executing, runs
from pillar_service.usecases.jobs import jobs as bots_jobs
from pillar_service.usecases.meeseeks import looking

pytestmark = pytest.mark.usefixtures("service", "_scene")

CODE = "my.butt.nz:8008:@" + "A" * 43 + "=.ed25519~c2VlZHNlZWRzZWVkc2VlZHNlZWRzZWVk"
LOG = ['12:00 said "hello"', "12:01 pin=1234 was given", f"12:02 made {CODE}", "\tat /pub/index.js"]
SHOWN = ['12:00 said "hello"', "12:01 (hidden) was given", "12:02 made (hidden)", "\tat /pub/index.js"]


@pytest.fixture
def _scene(service: object) -> None:
    scene()
    owner()


def carried_out(line: str, returned: object, **how: Any) -> str:
    """Ask for a line in chat and let it run; return the job's id."""
    job = ask(line)
    [run] = claim_all()
    answer(run, returned, **how)
    return str(job["id"])


def test_a_bots_log_is_told_line_by_line_without_what_is_taken_out() -> None:
    poured(node="cellar-1")
    id = carried_out("bot-logs my", {"lines": LOG})
    assert watching.output(id) == watching.tail(id) == SHOWN
    assert [line["text"] for line in looking.tail(chat(), id)] == SHOWN
    assert [(line["n"], line["text"]) for line in looking.lines(chat(), looking.last(chat()), 1, 2)] == [
        (2, SHOWN[1]),
        (3, SHOWN[2]),
    ]
    assert (looking.show(chat(), id)["lines"], looking.show(chat(), id)["parts"][0]["result"]) == ([], {"lines": SHOWN})
    for secret in (CODE, "pin=1234"):
        assert secret not in everything()


def test_what_a_runner_returns_or_fails_with_is_redacted_before_it_is_kept() -> None:
    told = {"my": {"door": "left", "note": "pin=77", CODE: [CODE, 5, None]}}
    id = carried_out("show-bot my", told)
    found = jobs.find(id)
    assert found is not None
    assert found.result == {"my": {"door": "left", "note": "(hidden)", "(hidden)": ["(hidden)", 5, None]}}
    assert '    "door": "left",' not in watching.output(id)
    assert "    (hidden)," in watching.output(id)
    failed = carried_out("show-bot my", f"No pin=77 for {CODE}", success=False, retcode=1)
    assert looking.show(chat(), failed)["job"]["error"] == "No (hidden) for (hidden)"
    for secret in (CODE, "pin=77"):
        assert secret not in everything()


def test_a_secret_that_a_command_prints_by_its_name_is_kept_nowhere() -> None:
    job = ask("any")
    [run] = claim_all()
    begin(run)
    said = ("GET / Authorization: Bearer canary-1", "DB_TOKEN=canary-2")
    lines = [{"n": n, "stream": "stdout", "text": text} for n, text in enumerate(said, 1)]
    executing.add_lines(run["node"], job["id"], 1, lines)
    assert [line["text"] for line in looking.tail(chat(), job["id"])] == ["GET / (hidden)", "DB_(hidden)"]
    shown = carried_out("show-bot my", {"token": "canary-3"})
    assert watching.output(shown) == ["{", '  "token": "(hidden)"', "}"]
    assert not any(secret in everything() for secret in ("canary-1", "canary-2", "canary-3"))


def test_a_code_that_was_asked_for_is_told() -> None:
    poured(node="cellar-1")
    id = carried_out("invite my", {"id": "@x.ed25519", "code": CODE, "note": "", "uses": 1})
    assert f'  "code": "{CODE}",' in watching.output(id)


def test_an_executors_own_account_is_left_as_it_is() -> None:
    job = ask("any")
    [run] = claim_all()
    begin(run)
    account = {"job": job["id"], "attempt": 1, "state": "done", "exit_code": 0, "head": [CODE, "done"], "tail": []}
    answer(run, account)
    found = jobs.find(job["id"])
    assert found is not None
    assert (found.state, found.result) == ("succeeded", {**account, "head": ["(hidden)", "done"]})
    assert watching.output(job["id"]) == []


def test_what_a_bot_is_is_read_from_the_whole_of_what_its_node_returned() -> None:
    poured(node="cellar-1")
    id = carried_out("restart-bot my", {"pub_id": bots.show("my")["pub_id"], "version": "2", "said": CODE})
    assert bots.show("my")["version"] == "2"
    assert looking.show(chat(), id)["parts"][0]["result"]["said"] == "(hidden)"


def test_lines_of_a_bots_job_are_redacted_as_its_result_is() -> None:
    poured(node="cellar-1")
    job = ask("bot-logs my")
    [run] = claim_all()
    runs.add_lines("salt", run["id"], [{"key": "1", "text": f"pin=5 {CODE}"}])
    answer(run, {"lines": []})
    assert watching.output(job["id"]) == ["(hidden) (hidden)"]


def test_what_was_not_asked_for_in_chat_is_told_as_it_came() -> None:
    poured(node="cellar-1")
    job = bots_jobs.submit("test", "bots.logs", "my", {})["job"]["id"]
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, {"lines": LOG})
    assert json.dumps(bots_jobs.show(job)["job"]["result"]) == json.dumps({"lines": LOG})
