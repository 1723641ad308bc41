"""The public API checked against its own description by schemathesis, over HTTP, on the real server."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from enrolling import key
from lost_nodes import exported
from ports import free_port
from pouring import OWNER, PUB, answer, carry_out, poured, tar
from processes import until_it_answers

from pillar_service.settings import settings
from pillar_service.usecases.bots import bots, transfers
from pillar_service.usecases.events import forwardings
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import configuration, losing, nodes
from pillar_service.usecases.people import accounts, tokens
from pillar_service.usecases.service import storage

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "quince teapot walrus 7"  # the example in the description

CONFIG = """
headers = {{ Authorization = "Bearer {token}" }}
generation.max-examples = 12
continue-on-failure = true
seed = 1

[parameters]
"path.id" = "my"
"path.invite" = "{invite}"
"query.job" = "{export}"
"path.key" = "after"

# What it says in a sentence and no schema can: one change at a time, no mail address with two dots, ...
[checks]
positive_data_acceptance.enabled = false
# 507 is declared: a node that is lost takes no bot, and its name is found in answers.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 507]

[[operations]]
include-operation-id = ["jobs_show", "jobs_lines"]
parameters = {{ "path.id" = "{export}" }}

# With a key of its own: one that an act was asked for with is good for no export.
[[operations]]
include-operation-id = "exports_export"
parameters = {{ "path.id" = "packed", "header.Idempotency-Key" = "packed" }}

[[operations]]
include-operation-id = "agents_delete"
parameters = {{ "path.id" = "old" }}

[[operations]]
include-operation-id = "jobs_listed"
parameters = {{ "query.agent" = "my" }}

[[operations]]
include-operation-id = "jobs_cancel"
parameters = {{ "path.id" = "{queued}" }}

[[operations]]
include-operation-id = "agents_bring_back"
parameters = {{ "path.id" = "{gone}" }}

[[operations]]
include-operation-id = "restores_restore"
parameters = {{ "path.id" = "astray", "header.Idempotency-Key" = "astray" }}

[[operations]]
include-operation-id = "tokens_revoke"
parameters = {{ "path.id" = "{token_id}" }}

[[operations]]
include-operation-id = "configuration_delete"
parameters = {{ "path.key" = "old" }}

[[operations]]
include-operation-id = ["forwardings_switch", "forwardings_test"]
parameters = {{ "path.id" = "{forwarding}" }}

[[operations]]
include-operation-id = "forwardings_remove"
parameters = {{ "path.id" = "{old_forwarding}" }}

[[operations]]
include-operation-id = ["meeseeks_run", "meeseeks_show"]
headers = {{ Authorization = "Bearer {command_token}" }}
parameters = {{ "path.id" = "{command_job}" }}
"""


def _world(environment: dict[str, str]) -> dict[str, str]:
    """An account with two bots, an export, known invites, and tokens; return what the configuration needs of them."""
    storage.prepare()
    storage.migrate()
    nodes.add("test", "cellar-1")
    person = str(accounts.create("test", OWNER, password=PASSWORD)[0]["id"])
    poured()
    jobs.submit("test", "bots.invites", "my")
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, [{"id": PUB, "note": "Ann", "uses": 1, "used": 0, "state": "unused"}])
    export = _exported()
    poured("packed")
    poured("old")
    _lost()
    gone = poured("gone")["id"]
    bots.delete("test", gone, purge=False)
    carry_out()
    queued = str(jobs.submit(f"account:{person}", "bots.restart", "my")["job"]["id"])
    for one in ("after", "old"):
        configuration.set("test", person, one, 1)
    sent = [forwardings.make(person, person, "webhook", f"https://hooks.example.org/{n}")["id"] for n in range(2)]
    token = tokens.sign_in(OWNER, PASSWORD, None, "127.0.0.1")["secret"]
    other = tokens.create(person, "a program", ["read"])
    command = _command()
    storage.release()
    known = {"export": export, "invite": PUB, "gone": gone, "queued": queued}
    known |= {"forwarding": sent[0], "old_forwarding": sent[1]}
    return {"token": token, "token_id": other["id"], **known, **command}


def _command() -> dict[str, str]:
    from pillar_service.usecases.meeseeks import by_token, people
    from pillar_service.usecases.meeseeks import tokens as command_tokens

    nodes.label("test", "cellar-1", {"environment": "tests"})
    secret = command_tokens.make(people.asker("T01ABC", "U01ABC"), "count")["secret"]
    return {"command_token": secret, "command_job": by_token.run(secret, {})["job"]["id"]}


def _exported() -> str:
    export = str(jobs.submit(f"account:{accounts.show(OWNER)['id']}", "bots.export", "my")["job"]["id"])
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    transfers.deliver("cellar-1", export, tar())
    runs.add_lines("salt", run["id"], [{"key": "1", "text": "packed"}])
    answer(run, {"pub_id": PUB, "sequence": 3})
    carry_out()
    return export


def _lost() -> None:
    """Make the bot ``astray``, whose node is lost but an export of which is kept."""
    nodes.add("test", "gone-1")
    nodes.set_key("test", "gone-1", key(2).public)
    id = bots.create("test", "astray", OWNER, node="gone-1")["agent"]["id"]
    carry_out(node="gone-1")
    exported(id)
    losing.declare("test", "gone-1")


class Served:
    """The public app under gunicorn, on its own port, and what a program that uses it must know."""

    def __init__(self, environment: dict[str, str], known: dict[str, str], log: Path) -> None:
        self.known, self.log = known, log
        self.url = f"http://127.0.0.1:{environment['CELLAR_PUBLIC_PORT']}"
        command = [sys.executable, "-m", "pillar_service.web", "serve", "public", "--access-log", str(log)]
        self.process = subprocess.Popen(command, env={**os.environ, **environment, "PYTHONPATH": str(ROOT)})

    def answers(self) -> set[tuple[str, str, int]]:
        """The method, path and status of each request that was answered."""
        found = re.findall(r'"(\w+) (\S+) HTTP/1\.1" (\d+)', self.log.read_text())
        return {(method, path.partition("?")[0], int(status)) for method, path, status in found}


@pytest.fixture
def served(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    port = str(free_port())
    mine = {"CELLAR_DATABASE": f"sqlite:///{tmp_path}/service.sqlite", "CELLAR_PUBLIC_PORT": port}
    mine = environment | mine | {"CELLAR_BOT_PORTS": "20000-29999", "CELLAR_WORKERS": "1"}
    mine |= {"CELLAR_CATALOGUE": str(ROOT / "tests" / "integration" / "meeseeks")}
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    made = Served(mine, _world(mine), tmp_path / "access.log")
    try:
        until_it_answers(made.url)
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20)
        settings.cache_clear()


def test_who_hangs_up_gives_the_place_back(served: Served) -> None:
    header = {"Authorization": f"Bearer {served.known['token']}"}
    asked = requests.post(f"{served.url}/agents/my/actions/restart", headers=header, timeout=10)
    url = f"{served.url}/jobs/{asked.json()['job']['id']}/lines"

    def listen() -> requests.Response:
        return requests.get(url, headers=header | {"Accept": "text/event-stream"}, stream=True, timeout=10)

    both = [listen(), listen()]
    assert [one.status_code for one in both] == [200, 200]
    assert listen().status_code == 429
    for one in both:
        one.raw._connection.close()  # like a browser that leaves the page
        one.close()
    until = time.monotonic() + 5
    while (last := listen()).status_code == 429 and time.monotonic() < until:
        time.sleep(0.05)
    assert last.status_code == 200
    last.close()


def _run(served: Served, folder: Path, *more: str) -> str:
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(**served.known))
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"]
    command += [f"{served.url}/openapi.json", "--phases", "examples,coverage,fuzzing", "--no-color", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "returned only 401/403" not in done.stdout
    return done.stdout


NOT_HERE = {("post", "/authentication/sign-in"), ("post", "/authentication/sign-out"), ("post", "/imports")}
"""The first returns a token that exists already, the second ends it, the last needs a real tar."""


def test_every_answer_is_one_that_the_description_declares(served: Served, tmp_path: Path) -> None:
    left_out = ("authentication_sign_out", "imports_take")
    _run(served, tmp_path, *(word for id in left_out for word in ("--exclude-operation-id", id)))
    assert _never_done(served) == []  # Each operation was seen to succeed, not only to refuse.
    assert {(status, path) for _, path, status in served.answers() if status >= 500 and status != 507} == set()


def _never_done(served: Served) -> list[str]:
    told, answered = requests.get(f"{served.url}/openapi.json", timeout=10).json(), served.answers()
    return [
        operation["operationId"]
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
        if (method, path) not in NOT_HERE and not any(_is(method, path, one) for one in answered)
    ]


def _is(method: str, path: str, one: tuple[str, str, int]) -> bool:
    pattern = re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(path))
    return one[0] == method.upper() and one[2] < 300 and re.fullmatch(pattern, one[1]) is not None


def test_signing_out_keeps_to_its_description_too(served: Served, tmp_path: Path) -> None:
    header = {"Authorization": f"Bearer {served.known['token']}"}
    assert "1 selected" in _run(served, tmp_path, "--include-operation-id", "authentication_sign_out")
    assert requests.get(f"{served.url}/agents", headers=header, timeout=10).status_code == 401


def test_the_description_says_of_every_fault_that_it_is_a_problem(public_app: Callable[[], None]) -> None:
    told = public_app.test_client().get("/openapi.json").json  # type: ignore[attr-defined]
    assert told["openapi"].startswith("3.1")
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            wanted = {"401", "403", "404", "422", "429", "503"} | (set() if method == "get" else {"409", "507"})
            assert wanted <= set(operation["responses"]), (path, method)
            for status, said in operation["responses"].items():
                if int(status) >= 400 and status != "416":
                    assert list(said["content"]) == ["application/problem+json"], (path, method, status)
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for methods in told["paths"].values()
        for operation in methods.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    # A second class with the same name would replace the first in the description.
    assert len(bodies) == len(set(bodies))
    refs = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(told)))
    assert refs <= set(told["components"]["schemas"])
