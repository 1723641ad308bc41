"""Runners as the dispatcher starts and ends them: real Salt processes in a master's folders, without a master."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.config
from wire_service import WireService, answer, served

from pillar_service.core.meeseeks.runs import STOP_RUNNER
from pillar_service.master.client import Client
from pillar_service.master.dispatch import claims, recovery, watch
from pillar_service.master.dispatch.runs import Held, Runs
from pillar_service.master.dispatch.salt_master import SaltMaster

RUNNER = """
import pathlib
import subprocess
import time

def told(*arguments, **keywords):
    return [list(arguments), {name: keywords[name] for name in sorted(keywords)}]

def hang(file):
    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path(file).write_text(str(child.pid))
    time.sleep(300)
"""
OK = answer("200 OK", b'{"refused": {}, "over": true, "runs": []}')
WITHIN_S = 40.0


@pytest.fixture
def opts(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "runners").mkdir()
    (tmp_path / "runners" / "trial.py").write_text(RUNNER)
    (tmp_path / "token").write_text("none")
    folders = {name: str(tmp_path / name) for name in ("pki_dir", "cachedir", "sock_dir")}
    told = {"root_dir": str(tmp_path), "runner_dirs": [str(tmp_path / "runners")], "log_level": "quiet", **folders}
    (tmp_path / "master").write_text(json.dumps(told | {"id": "trial-master", "log_file": "log"}))
    for folder in (tmp_path / "sock_dir", tmp_path / "cachedir" / "proc"):
        folder.mkdir(parents=True)  # as a master would make them
    return dict(salt.config.master_config(str(tmp_path / "master")))


@pytest.fixture
def master(opts: dict[str, Any]) -> Iterator[SaltMaster]:
    made = SaltMaster(opts)
    yield made
    for jid in made.runners():
        made.end_runner(jid, force=True)


def until(look: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"It never came that {what}.")


def run(id: str, function: str, *arguments: Any, **keywords: Any) -> dict[str, Any]:
    """A run as the service gives it to a master."""
    told = {"id": id, "node": None, "function": function, "arguments": list(arguments), "keywords": keywords}
    return {**told, "timeout_s": 60, "jid": None, "jobs": ["j"], "requests": {}, "bots": [], "taken_over": False}


def hanging(client: Client, master: SaltMaster, runs: Runs, file: Path) -> tuple[Held, int]:
    """Start a runner that never ends; return its run and the pid of the process that it started."""
    claims.publish(client, master, runs, [run("r1", "trial.hang", str(file))])
    child = int(until(lambda: file.exists() and file.read_text(), "it runs"))
    [held] = runs.all()
    assert master.runners() == {held.jid}
    return held, child


def is_gone(pid: int) -> bool:
    """Whether a process has ended, even if it has not been reaped yet."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def results(service: WireService) -> dict[str, Any]:
    """The results that were handed in, by run."""
    asked = [request.partition(b"\r\n\r\n") for request in service.requests]
    told = [(head.split(b" ")[1].decode(), json.loads(body)) for head, _, body in asked if b"/result " in head]
    return {path.split("/")[2]: body for path, body in told}


def test_a_runner_is_given_its_arguments_and_keywords(master: SaltMaster, opts: dict[str, Any]) -> None:
    jid = master.new_jid()
    master.start_runner("trial.told", ["first", 2], {"third": True}, jid)
    told = until(lambda: master.returned(jid, None), "it returned")
    assert (told["return"], told["success"]) == ([["first", 2], {"third": True}], True)
    until(lambda: not master.runners(), "it ended")


def test_a_runner_that_does_not_end_in_time_is_ended_with_all_that_it_started(
    master: SaltMaster, tmp_path: Path
) -> None:
    with served(OK) as service:
        client, runs = Client(service.url, str(tmp_path / "token")), Runs()
        held, child = hanging(client, master, runs, tmp_path / "child")
        watch.look_at(client, master, runs, held)
        assert runs.has(held.jid)
        held.timeout_s = 0.0
        watch.look_at(client, master, runs, held)
        assert (master.runners(), runs.all()) == (set(), [])
        until(lambda: is_gone(child), "what it started is ended")
        told = results(service)["r1"]
    assert (told["success"], told["return"]) == (False, "It did not finish within 0 s, and was ended.")


def test_a_runner_is_stopped_when_somebody_kills_its_job(master: SaltMaster, tmp_path: Path) -> None:
    with served(OK) as service:
        client, runs = Client(service.url, str(tmp_path / "token")), Runs()
        held, child = hanging(client, master, runs, tmp_path / "child")
        claims.publish(client, master, runs, [run("r2", STOP_RUNNER, held.jid, True)])
        assert (master.runners(), runs.all()) == (set(), [])
        until(lambda: is_gone(child), "what it started is ended")
        told = results(service)
    assert (told["r1"]["success"], told["r1"]["return"]) == (False, "It was stopped.")
    assert (told["r2"]["success"], told["r2"]["return"]["stopped"]) == (True, True)


def test_another_dispatcher_takes_a_runner_up_and_ends_what_the_service_gave_up(
    master: SaltMaster, tmp_path: Path
) -> None:
    with served(OK) as service:
        client = Client(service.url, str(tmp_path / "token"))
        held, child = hanging(client, master, Runs(), tmp_path / "child")
        after = Runs()
        service.answering = answer(
            "200 OK", json.dumps({"runs": [run("r1", "trial.hang") | {"jid": held.jid}]}).encode()
        )
        recovery.recover(client, "trial", master, after)
        assert after.has(held.jid)
        service.answering = OK
        recovery.recover(client, "trial", master, after)
        assert (after.all(), master.runners()) == ([], set())
        until(lambda: is_gone(child), "what it started is ended")


def test_another_masters_runner_is_not_ours(master: SaltMaster, opts: dict[str, Any], tmp_path: Path) -> None:
    other = SaltMaster({**opts, "conf_file": str(tmp_path / "other")})
    with served(OK) as service:
        client = Client(service.url, str(tmp_path / "token"))
        held, child = hanging(client, master, Runs(), tmp_path / "child")
    assert (other.runners(), other.end_runner(held.jid)) == (set(), False)
    os.kill(child, 0)
