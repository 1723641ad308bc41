"""The real server and command line, as separate processes."""

import gc
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import requests
from processes import Process, served

from pillar_service.core.errors import Failed
from pillar_service.master import following
from pillar_service.master.client import Client
from pillar_service.store import database, migrations
from pillar_service.web.serve import options


def test_setting_up_may_be_done_twice(process: Process, tmp_path: Path) -> None:
    token = tmp_path / "token"
    steps = (
        ["migrate"],
        ["node-add", "cellar-1", "--ports", "21000-21009"],
        ["master-token", "salt", "--file", str(token)],
    )
    first = [process.run(*step) for step in steps]
    assert [done.returncode for done in first] == [0, 0, 0], first
    kept = token.read_text()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    second = [process.run(*step) for step in steps]
    assert ["Up to date" in second[0].stdout, "There already" in second[1].stdout, "already" in second[2].stdout] == [
        True
    ] * 3
    assert token.read_text() == kept


def test_what_is_wrong_is_one_sentence_and_a_code(process: Process) -> None:
    refused = process.run("node-add", "../x")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    del process.environment["CELLAR_SECRET_KEY"]
    refused = process.run("migrate")
    assert refused.returncode == 2
    assert "CELLAR_SECRET_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_token_that_can_not_be_kept_does_not_end_the_one_before(process: Process, tmp_path: Path) -> None:
    kept = tmp_path / "token"
    for step in (["migrate"], ["master-token", "salt", "--file", str(kept)]):
        assert process.run(*step).returncode == 0
    refused = process.run("master-token", "salt", "--file", str(tmp_path / "nowhere" / "token"))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert "No such file or directory" in refused.stderr
    assert "already" in process.run("master-token", "salt", "--file", str(kept)).stdout


def test_a_database_goes_one_step_back_and_one_of_a_newer_version_is_not_served(process: Process) -> None:
    newest = sorted(file.stem for file in Path(migrations.__file__).parent.glob("0*.py"))[-2:]
    assert process.run("migrate").returncode == 0
    assert process.run("migrate", "--back").stdout == f"Undone: {newest[1]}.\n"
    assert process.run("migrate", "--to", newest[0]).stdout == f"Nothing came after {newest[0]}.\n"
    asked = process.run("migrate", "--check")
    assert (asked.returncode, asked.stdout) == (1, f"At {newest[0]}.\nTo come: {newest[1]}.\n")
    assert process.run("migrate", "--pending").returncode == 0
    assert process.run("migrate").stdout.startswith(f"Applied: {newest[1]}.\n")
    assert process.run("migrate", "--check").returncode == 0
    database.connect(process.environment["CELLAR_DATABASE"])
    with database.transaction():
        database.db.execute_sql("UPDATE schema_migration SET name = '9999_later' WHERE name = '0001_first'")
    database.release()
    for command in (["serve", "private"], ["migrate"]):
        refused = process.run(*command)
        assert (refused.returncode, refused.stderr.count("\n")) == (5, 1)
        assert "newer version" in refused.stderr
        assert "9999_later" in refused.stderr


def _write(
    process: Process, session: requests.Session, worker: int, acknowledged: list[str], until: Callable[[], bool]
) -> None:
    n = 0
    while not until():
        n += 1
        name = f"n{worker}-{n}"
        try:
            answer = requests.post(f"{process.url}/nodes", json={"id": name}, headers=session.headers, timeout=5)
        except requests.RequestException:
            return
        if answer.status_code == 201:
            acknowledged.append(name)


def test_a_killed_server_has_lost_nothing_that_it_acknowledged(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    acknowledged: list[str] = []
    threads = [
        threading.Thread(target=_write, args=(process, session, worker, acknowledged, lambda: False))
        for worker in range(4)
    ]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 30:
        time.sleep(0.01)
    process.kill(signal.SIGKILL)
    for thread in threads:
        thread.join()
    process.serve()
    there = {node["id"] for node in session.get(f"{process.url}/nodes").json()["nodes"]}
    assert set(acknowledged) <= there
    for name in acknowledged:
        assert session.get(f"{process.url}/pillar/{name}").status_code == 200


def test_a_server_that_is_told_to_stop_ends_long_polls(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    answers: list[int] = []

    def wait() -> None:
        answers.append(session.post(f"{process.url}/jobs/claim", json={"wait": 30}, timeout=40).status_code)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    start = time.monotonic()
    assert process.server is not None
    process.server.terminate()
    thread.join()
    process.server.wait(15)
    assert answers == [200]
    assert time.monotonic() - start < 8


def test_a_job_is_not_given_to_a_master_that_was_killed_while_it_waited(process: Process, tmp_path: Path) -> None:
    session = served(process, tmp_path)
    dead = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(3)]
    for connection in dead:
        connection.sendall(
            b"POST /jobs/claim HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n"
            + f"Authorization: {session.headers['Authorization']}\r\n\r\n".encode()
            + b'{"wait": 30}'
        )
    time.sleep(0.5)
    for connection in dead:
        connection.close()
    time.sleep(0.5)
    session.post(f"{process.url}/agents", json={"type": "person", "email": "ann@example.org"})
    poured = session.post(f"{process.url}/agents", json={"type": "bot", "name": "my", "account": "ann@example.org"})
    time.sleep(0.5)  # time enough for a dead connection to claim it
    [run] = session.post(f"{process.url}/jobs/claim", json={"wait": 5}, timeout=10).json()["runs"]
    assert run["jobs"] == [poured.json()["job"]["id"]]


def _follow(url: str, token: Path, job: dict[str, str], ended: list[str]) -> None:
    try:
        following.finished(Client(url, str(token)), job)
    except Failed as error:
        ended.append(error.sentence)


def test_many_who_follow_a_job_hold_up_neither_pillars_nor_the_dispatcher(process: Process, tmp_path: Path) -> None:
    session, url, ended = served(process, tmp_path), process.url, []
    session.post(f"{url}/agents", json={"type": "person", "email": "ann@example.org"})
    asked = session.post(f"{url}/agents", json={"type": "bot", "name": "my", "account": "ann@example.org"}).json()
    claimed = session.post(f"{url}/jobs/claim", json={}).json()
    following_it = (url, tmp_path / "token", asked["job"], ended)
    threads = [threading.Thread(target=_follow, args=following_it, daemon=True) for _ in range(25)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    for _ in range(8):  # Each on a connection of its own, so any worker may get it.
        answer = requests.get(f"{url}/pillar/cellar-1", headers=session.headers, timeout=2)
        assert answer.status_code == 200
    began = time.monotonic()
    session.post(f"{url}/jobs/claim", json={"wait": 3, "fence": claimed["fence"]}, timeout=10)
    assert time.monotonic() - began > 2.9, "the dispatcher waits, whoever else does"
    [run] = claimed["runs"]
    session.post(f"{url}/runs/{run['id']}/started", json={"jid": "1"})
    told = {"jid": "1", "node": "cellar-1", "return": ["It broke."], "success": False, "retcode": 1}
    session.post(f"{url}/runs/{run['id']}/result", json=told)
    for thread in threads:
        thread.join(20)
    assert ended == ["It broke."] * 25


def test_workers_never_look_again_at_what_was_loaded_before_them(service: Callable[[], None]) -> None:
    before = gc.get_freeze_count()
    try:
        options("public", None)["pre_fork"](None, None)
        assert gc.get_freeze_count() > before + 10_000
        assert len(gc.get_objects()) < 1000
    finally:
        gc.unfreeze()
