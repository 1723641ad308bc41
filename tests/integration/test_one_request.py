"""One request id finds a click in all logs: the service's, the dispatcher's (the master's) and the minion's."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from campaigns import let_go, succeeded
from customers import Customer
from daemons import until

from pillar_service.core import names
from pillar_service.core.tracing import HEADER

pytestmark = pytest.mark.slow

NAME = "traced"


@pytest.fixture(scope="module")
def ann(service, minions):
    """Ann, a customer at the public address."""
    return Customer(service.public_url, "traced@example.org")


@pytest.fixture(scope="module")
def bot(ann, client):
    """Her living bot."""
    made = ann.asks("POST", "/agents", name=NAME)
    yield succeeded(client, made["job"])["bot"]
    let_go(client, [made["agent"]["id"]])


def click(customer: Customer, action: str) -> tuple[str, str]:
    """Presses the button of this action; returns the request's id and the job's."""
    page = customer.browser.get(f"{customer.url}/bots/{NAME}/actions", timeout=30).text
    where = f"/bots/{NAME}/actions/{action}"
    form = re.search(rf'action="{where}".*?</form>', page, re.DOTALL)
    assert form, page
    told = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form[0]))
    answer = customer.browser.post(customer.url + where, data=told, timeout=30, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers[HEADER], answer.headers["Location"].rpartition("/")[2]


def lines(log: Path, number: str, count: int) -> list[str]:
    """The log's lines with this request id, once there are ``count``: some are written only after the job is over."""

    def found() -> list[str] | None:
        told = [line for line in log.read_text().splitlines() if number in line]
        return told if len(told) >= count else None

    return until(found, 10, f"{log} tells of {number}")


def told(log: Path, number: str, count: int) -> dict[str, dict[str, Any]]:
    """The same for a log of the service, by message."""
    return {line["message"]: line for line in map(json.loads, lines(log, number, count))}


@pytest.mark.parametrize(("action", "function"), [("restart", "pubs.restart"), ("rebuild", "state.apply")])
def test_a_click_is_found_in_each_log(ann, bot, client, service, master, minions, action, function):
    number, job = click(ann, action)
    assert names.ID.fullmatch(number)
    node = succeeded(client, {"id": job})["node"]

    asked = told(service.folder / "public.out", number, 2)
    assert asked[f"Asked for bots.{action}."]["job"] == job
    assert asked["POST /bots/<name>/actions/<action>"]["status"] == 302
    ended = told(service.folder / "private.out", number, 1)[f"bots.{action} succeeded."]
    assert (ended["job"], ended["node"]) == (job, node)

    published, brought = lines(master.folder / "salt.log", number, 2)
    assert f"Published {function}: " in published
    assert f"node={node} run={ended['run']} job={job} request={number}" in published
    assert "Delivered the result: " in brought
    assert job in brought

    [carried] = lines(minions[node].folder / "salt.log", number, 1)
    assert f"Carries out {function}: " in carried
    assert f"node={node} run={ended['run']} job={job} request={number}" in carried
