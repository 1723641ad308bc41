"""The processes as shipped: killed at any moment, nothing is lost and nothing is done twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml
from fakes.slack import Slack
from ports import free_port

from pillar_service.store import database
from pillar_service.store.chat.outgoing import Outgoing
from pillar_service.store.database import transaction
from pillar_service.store.jobs.leases import Lease
from pillar_service.usecases.chat import outbox, sending

ROOT = Path(__file__).parent.parent.parent
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(
    chat: Callable[[], None], slack: Slack, url: str, environment: dict[str, str], tmp_path: Path, port: int
) -> Iterator[Start]:
    """Starts a module as a process of its own, with this test's settings."""
    slack.workspace.team = "T01"
    started: list[subprocess.Popen[bytes]] = []
    told = {"BOT_TOKEN": slack.bot_token, "SIGNING_SECRET": slack.secret, "URL": slack.url}
    env = {**os.environ, **environment, **{f"CELLAR_SLACK_{name}": value for name, value in told.items()}}
    env |= {"CELLAR_DATABASE": url, "PYTHONPATH": str(ROOT), "CELLAR_PUBLIC_PORT": str(port)}
    env |= {"CELLAR_CATALOGUE": str(Path(__file__).with_name("catalogue"))}

    def run(*arguments: str, **more: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"{len(started)}.log").open("wb")
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(command, env={**env, **more}, stderr=log, stdout=log, start_new_session=True)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    database.release()


def until(is_so: Callable[[], object], patience_s: float = 40) -> None:
    ends = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def test_over_http_with_the_service_killed_again_and_again(slack: Slack, start: Start, port: int) -> None:
    start("pillar_service.chatops")
    slack.delivers_to(f"http://127.0.0.1:{port}/slack")
    slack.delivering.retries_s = (0.5, 2.0, 6.0)
    ann = slack.user("T01/U01")
    for round_ in range(3):
        service = start("pillar_service.web", "serve", "public")
        until(lambda: answers(port))
        for n in range(4):
            ann.mentions("version", thread=f"{round_}.{n}")
        time.sleep(random.random() / 5)
        os.killpg(service.pid, signal.SIGKILL)
        service.wait()
    start("pillar_service.web", "serve", "public")
    until(lambda: answers(port))
    wanted = sorted(f"{round_}.{n}" for round_ in range(3) for n in range(4))
    until(lambda: sorted(one["thread_ts"] for one in slack.messages() if "Saltcellar" in str(one)) == wanted)
    assert requests.post(f"http://127.0.0.1:{port}/slack", b"{}", timeout=5).status_code == 401
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok


def test_over_socket_mode_with_the_process_killed(slack: Slack, start: Start) -> None:
    slack.delivering.retries_s = (0.5, 3.0, 8.0)
    ann = slack.user("T01/U01")
    for round_ in range(2):
        process = start("pillar_service.chatops", CELLAR_SLACK_APP_TOKEN=slack.app_token)
        until(lambda: slack.server.sockets.open)
        for n in range(4):
            ann.mentions("version", thread=f"{round_}.{n}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with transaction():
            Lease.update(expires_at=0).where(Lease.name == sending.NOTIFYING).execute()
        until(lambda: not slack.server.sockets.open)
    start("pillar_service.chatops", CELLAR_SLACK_APP_TOKEN=slack.app_token)
    wanted = sorted(f"{round_}.{n}" for round_ in range(2) for n in range(4))
    until(lambda: sorted(one["thread_ts"] for one in slack.messages() if "Saltcellar" in str(one)) == wanted, 60)


def test_two_notifiers_of_which_one_freezes(slack: Slack, start: Start) -> None:
    slack.workspace.begin("C1", *(f"1.{n}" for n in range(10)))
    first = start("pillar_service.chatops")
    start("pillar_service.chatops")
    for n in range(5):
        outbox.post("C1", {"text": f"n{n}"}, f"1.{n}")
    until(lambda: len(slack.messages()) == 5)
    with transaction():  # not during its own transaction, which would freeze SQLite's only writer
        os.killpg(first.pid, signal.SIGSTOP)
    for n in range(5, 10):
        outbox.post("C1", {"text": f"n{n}"}, f"1.{n}")
    until(lambda: len(slack.messages()) == 10, 60)
    os.killpg(first.pid, signal.SIGCONT)
    until(lambda: {row.state for row in Outgoing.select()} == {"sent"}, 60)  # One may be in doubt for half a minute.
    assert sorted(one["text"] for one in slack.messages()) == [f"n{n}" for n in range(10)]


def test_it_stops_when_told_to(start: Start, slack: Slack) -> None:
    process = start("pillar_service.chatops", CELLAR_SLACK_APP_TOKEN=slack.app_token)
    until(lambda: slack.server.sockets.open)
    process.terminate()
    assert process.wait(20) == 0


def test_without_a_slack_app_it_says_so(start: Start) -> None:
    assert start("pillar_service.chatops", CELLAR_SLACK_BOT_TOKEN="").wait(20) == 2


def test_the_apps_manifest_asks_for_no_more_than_is_used() -> None:
    manifest = yaml.safe_load((ROOT / "salt/meeseeks/slack-manifest.yaml").read_text())
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_mention", "message.im"]
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert scopes == sorted(set(scopes))
    assert {"chat:write", "commands", "files:write", "app_mentions:read", "im:history"} <= set(scopes)
    assert not {scope for scope in scopes if scope.startswith(("admin", "users:read.email", "channels:join"))}
