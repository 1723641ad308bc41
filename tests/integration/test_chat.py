"""Whole conversations in Slack, on a real master and three labelled nodes; only Slack is a fake, at the wire."""

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pyotp
import pytest
from daemons import Daemon, Service, running, until
from ports import free_ports
from salt_daemons import Master, Minion

sys.path.insert(0, str(Path(__file__).parent.parent))  # for fakes/

from fakes.slack import Slack

from pillar_service.core.jobs.jobs import OVER
from pillar_service.core.people import tokens
from pillar_service.master.client import Client

LABELS = {"cellar-a": {"environment": "stg"}, "cellar-b": {"environment": "stg"}, "cellar-c": {"environment": "prd"}}
LONG_S = 60

ENVIRONMENT = {"CANARY": "canary-of-an-environment"}
"""An environment variable of every daemon that may appear nowhere else."""


@pytest.fixture(scope="module")
def slack():
    """A fake Slack whose rate limit is ten times as generous."""
    fake = Slack(rate_s=0.1, burst=3)
    fake.workspace.team = "T01"
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory, slack):
    """The service, connected to that Slack, and its chat process."""
    made = Service(tmp_path_factory.mktemp("h") / "service")
    told = {"BOT_TOKEN": slack.bot_token, "SIGNING_SECRET": slack.secret, "URL": slack.url}
    made.environment |= {f"CELLAR_SLACK_{name}": value for name, value in told.items()} | ENVIRONMENT
    with running(made):
        for node in LABELS:
            made.manage("node-add", node, "--ports", "{}-{}".format(*free_ports(10)))
        with running(Daemon("chat", [sys.executable, "-m", "pillar_service.chatops"], made.folder, made.environment)):
            slack.delivers_to(f"{made.public_url}/slack")
            yield made


@pytest.fixture(scope="module")
def master(service):
    """The master."""
    made = Master(service.folder.parent / "master", service.url, service.token_file)
    made.environment |= ENVIRONMENT
    with running(made) as master:
        yield master


@pytest.fixture(scope="module")
def nodes(service, master):
    """Three nodes with labels, which have told their capacities."""
    client = Client(service.url, str(service.token_file), actor="tester")
    minions = {node: Minion(service.folder.parent / node, node, master) for node in LABELS}
    for minion in minions.values():
        minion.environment |= ENVIRONMENT
    with running(minions["cellar-a"]), running(minions["cellar-b"]), running(minions["cellar-c"]):
        for node, minion in minions.items():
            minion.wait()
            client.label(node, LABELS[node])
            assert master.salt(node, "meeseeks.capacities")["has"]
        yield minions


@pytest.fixture
def ann(slack, nodes):
    """An operator."""
    return slack.user("T01/U01")


@pytest.fixture
def ben(slack, nodes):
    """Someone who may approve, and do little else."""
    return slack.user("T01/U02")


def test_one_line_runs_where_its_selector_says(slack, ann):
    ann.mentions("say hi -l environment=stg")
    done = ann.sees("All done!", LONG_S)
    assert "cellar-a: hi" in str(done["blocks"])
    assert "cellar-b: hi" in str(done["blocks"])
    assert "cellar-c" not in str(done["blocks"])
    assert slack.refused == []


def test_the_preview_is_real_and_the_yes_runs_it(slack, ann):
    ann.mentions("careful text=wash -l environment=prd")
    question = ann.sees("*Preview*", LONG_S)
    assert "careful on cellar-c" in str(question)
    assert "did wash" not in str(question)
    ann.presses("Yes")
    ann.sees("did wash", LONG_S)


def test_who_may_not_hears_why_and_nothing_runs(slack, ben):
    ben.mentions("say hi -l environment=prd")
    ben.sees("No node fits")
    ben.mentions("careful text=x")
    ben.sees("None of your roles may run careful")


def test_a_yes_a_code_and_an_approval(slack, ann, ben, service):
    client = Client(service.url, str(service.token_file), actor="tester")
    secret = enrolled(service, client, "T01", "U01")
    ann.mentions("top-secret -l node=cellar-c")
    ann.sees("top-secret on cellar-c")
    ann.presses("Yes")
    ann.sees("Show me your code!")
    ann.presses("Enter the code")
    ann.submits("One-time code", code=pyotp.TOTP(secret).now())
    ann.windows_with("Thank you")
    ben.sees("must say yes within 5 minutes")
    ben.presses("Approve")
    ann.sees("it is done", LONG_S)


def readable(slack):
    """Everything in the channel as one text without line breaks."""
    return str(slack.messages()).replace("\\n", "")


def enrolled(service, client, team, user):
    """Gives the chat user an account with a second factor, as the web pages do; returns its secret."""
    email = f"{user.lower()}@example.org"
    account = client.create_agent({"type": "person", "email": email, "password": "a-long-enough-password-9"})
    code = (
        "import sys\n"
        "from pillar_service.usecases.people import second_factor\n"
        "from pillar_service.usecases.service import storage\n"
        "from pillar_service.usecases.meeseeks import people\n"
        "import pyotp, time\n"
        "storage.prepare()\n"
        "person, team, user = sys.argv[1:]\n"
        "people.link(person, people.invite(people.asker(team, user)).rpartition('/')[2])\n"
        "second_factor.begin(person, 'a-long-enough-password-9')\n"
        "secret = second_factor.pending(person)['secret']\n"
        "second_factor.turn_on(person, pyotp.TOTP(secret).at(time.time() - 30))\n"
        "print(secret)\n"
    )
    return service.python(code, account["agent"]["id"], team, user).strip()


@pytest.mark.slow
def test_a_node_that_is_away_is_waited_for_and_the_thread_says_so_in_the_end(slack, ann, nodes):
    nodes["cellar-b"].kill()
    ann.mentions("say better-late -l node=cellar-b")
    time.sleep(2)
    nodes["cellar-b"].start()
    nodes["cellar-b"].wait()
    until(lambda: "```better-late" in readable(slack), 90, "it is done")


def test_a_running_job_is_killed_from_chat(slack, ann, service):
    client = Client(service.url, str(service.token_file), actor="tester")
    ann.mentions("nap seconds=200 -l node=cellar-a")
    job = until(
        lambda: next((j for j in client.command_jobs("chat:T01/U01") if j["command"] == "nap"), None), 20, "it is there"
    )
    until(lambda: client.command_job(job["id"])["job"]["started_at"], 30, "it runs")
    time.sleep(2)
    ann.mentions(f"kill {job['id']}")
    until(lambda: client.command_job(job["id"])["job"]["state"] in OVER, 60, "it is over")
    ann.sees("nap", LONG_S)


def test_slack_away_loses_no_result(slack, ann, service):
    client = Client(service.url, str(service.token_file), actor="tester")
    slack.faults.is_down = True
    try:
        ann.mentions("say through-the-storm -l node=cellar-a")
        until(
            lambda: any(
                j["state"] in OVER and j["arguments"].get("text") == "through-the-storm"
                for j in client.command_jobs("chat:T01/U01")
            ),
            60,
            "it is done though Slack is away",
        )
    finally:
        slack.faults.is_down = False
    until(lambda: "```through-the-storm" in readable(slack), 90, "the result is told")


def said(slack):
    """Everything in Slack that people did not write themselves, and every call of its Web API."""
    there = slack.workspace
    whispered = [there.ephemerals, there.views, there.files, slack.server.calls, slack.refused]
    return str([[slack.messages(channel) for channel in there.messages], *whispered])


def rows(service):
    """The content of every table."""
    with closing(sqlite3.connect(f"file:{service.folder}/cellar.db?mode=ro", uri=True)) as database:
        return "\n".join(database.iterdump())


def files(folder, *excepted):
    """All files of the daemons: logs, job cache, spools, inbox, database."""
    there = [file for file in folder.rglob("*") if file.is_file() and not set(excepted) & set(file.parts)]
    return b"\n".join(content for file in there if (content := read(file)) is not None)


def read(file):
    """The content of a file; None if it has vanished: the daemons run, and a minion cleans its job cache now and then."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def command_lines():
    """All command lines in the process list."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return b"\n".join(found)


def test_what_is_secret_stands_in_no_log_message_row_metric_or_audit(slack, ann, service, master, nodes):
    client = Client(service.url, str(service.token_file), actor="tester")
    argument, output, [environment] = "canary-of-an-argument", "canary-of-an-output", ENVIRONMENT.values()
    ann.mentions(f"unlock password={argument} -l node=cellar-a")
    job = until(
        lambda: next((j for j in client.command_jobs("chat:T01/U01") if j["command"] == "unlock"), None), 20, "asked"
    )
    shown = []
    until(
        lambda: shown.append(command_lines()) or client.command_job(job["id"])["job"]["state"] in OVER, 60, "it is over"
    )
    told = client.command_job(job["id"])
    assert told["job"]["state"] == "succeeded", told
    ann.sees("I know (hidden)", LONG_S)
    ann.mentions(f"logs {job['id']}")
    ann.sees("door: (hidden)", LONG_S)
    ann.mentions("token say text=x")
    token = ann.sees("I show it only once", LONG_S)["text"].split()[-1]
    until(lambda: "queued" not in rows(service).partition("INSERT INTO outgoing")[2].partition("CREATE")[0], 30, "sent")
    everywhere = {
        "rows": rows(service).encode(),
        "files": files(service.folder.parent),
        "metrics": urlopen(f"{service.url}/metrics", timeout=5).read(),
        "audit": str(client.audit(limit="500")).encode(),
        "lines": str(told).encode(),
        "salt's jobs": str(master.run("jobs.list_jobs")).encode(),
        "processes": b"\n".join(shown),
    }
    for canary in (argument, output, environment):
        assert canary not in said(slack), canary
        assert [place for place, found in everywhere.items() if canary.encode() in found] == [], canary
    assert token in said(slack)
    assert [place for place, found in everywhere.items() if token.encode() in found] == []
    pillars = [tokens.node_token(service.environment["CELLAR_SECRET_KEY"], node) for node in LABELS]
    secrets = [*pillars, service.token_file.read_text().strip(), slack.bot_token, slack.secret]
    del everywhere["files"]  # These include Salt's pillar cache and the file with the master's token.
    everywhere["logs"] = b"\n".join(file.read_bytes() for file in service.folder.parent.rglob("*.log"))
    everywhere["output"] = b"\n".join(file.read_bytes() for file in service.folder.parent.rglob("*.out"))
    everywhere["job cache"] = files(service.folder.parent / "master" / "cache" / "jobs")
    for secret in secrets:
        assert secret not in said(slack)
        assert [place for place, found in everywhere.items() if secret.encode() in found] == [], secret
