"""A newcomer's day with the real scripts: up, status, down, up, things going wrong in between, clean, up.

Docker stays up throughout: that `make up` starts it, and `make down` and `make clean` stop it, is tested on a bare machine.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from campaigns import within
from daemons import until
from ports import free_ports
from salt_daemons import TOP
from standing import Standing

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def place() -> Iterator[Standing]:
    """A place named by a path relative to the checkout; afterwards nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="up-")) / "cellar"  # Short, for the sake of Salt's sockets.
    first, _ = free_ports(14)
    settings = {
        "CELLAR_DIR": os.path.relpath(folder, TOP),
        "CELLAR_NODE": f"up-{secrets.token_hex(3)}",
        "CELLAR_BOT_PORTS": f"{first + 4}-{first + 13}",
    } | {f"CELLAR_{name}_PORT": str(first + at) for at, name in enumerate(("PUBLIC", "PRIVATE", "PUBLISH", "RETURN"))}
    made = Standing(folder, settings)
    try:
        made.make("up")
        yield made
    finally:
        made.make("clean")
        shutil.rmtree(folder.parent)


def welcome(place: Standing) -> str:
    return (place.folder / "secrets" / "welcome").read_text()


def states(place: Standing) -> list[str]:
    return [state for state, _ in place.lives().values()]


def salt_run(place: Standing, function: str, *words: str) -> Any:
    etc = str(place.folder / "etc" / "salt")
    return json.loads(place.run(".venv/bin/salt-run", "-c", etc, "--out=json", function, *words).stdout)


def test_again_it_changes_nothing(place: Standing) -> None:
    before = welcome(place), place.lives(), place.processes()
    assert "nothing to do: my.butt.nz is #alive" in place.make("up")
    assert (welcome(place), place.lives(), place.processes()) == before
    assert "#alive" in place.make("status")


def test_nobody_has_to_pay_for_it(place: Standing) -> None:
    assert salt_run(place, "payments.run") == {"accounts": 1, "steps": [], "failures": []}
    assert [one["is_free"] for one in salt_run(place, "payments.list")] == [True]


@pytest.mark.parametrize("name", ["public", "private", "master", "minion"])
def test_a_process_that_hangs_is_not_taken_for_one_that_lives(place: Standing, name: str) -> None:
    group = os.getpgid(int(place.processes()[f"{name}.pid"]))
    os.killpg(group, signal.SIGSTOP)
    try:
        told = place.make("status", succeeds=False)
    finally:
        os.killpg(group, signal.SIGCONT)
    assert [line.split()[0] for line in told.splitlines() if "does not answer" in line] == [name]
    until(lambda: place.run("make", "status").returncode == 0, 60, "all answer again")


def test_what_was_stopped_lives_again_though_the_last_report_calls_it_alive(place: Standing) -> None:
    before = welcome(place)
    place.make("down")
    assert states(place) == ["exited"]
    place.make("status", succeeds=False)
    assert "started my: my.butt.nz is #alive" in place.make("up")
    assert (states(place), welcome(place)) == (["running"], before)


def test_a_start_that_ended_before_the_minions_key_was_told_is_made_good(place: Standing) -> None:
    (place.folder / "run" / "minion.ready").unlink()
    (place.folder / "etc/salt/pki/master/minions" / place.settings["CELLAR_NODE"]).unlink()
    before = place.processes()
    assert "#alive" in place.make("up")
    after = place.processes()
    assert after.pop("minion.pid") != before.pop("minion.pid")
    assert after == before


def test_a_suspended_account_fails_nothing(place: Standing) -> None:
    salt_run(place, "accounts.suspend", "demo@example.org")
    assert "my.butt.nz is #stopped" in place.make("up")
    assert "#stopped" in place.make("status")
    salt_run(place, "accounts.resume", "demo@example.org")
    assert "#alive" in place.make("status")


def test_nobody_is_pulled_from_under_another_who_works_there(place: Standing) -> None:
    with (place.folder / "run" / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for target in ("up", "down", "clean"):
            assert "wait for it to end" in place.make(target, succeeds=False)
    assert "#alive" in place.make("status")


def test_a_node_whose_name_another_copy_has_is_refused(place: Standing) -> None:
    bot, node = secrets.token_hex(8), place.settings["CELLAR_NODE"]
    with contextlib.closing(docker.from_env()) as engine:
        labels = {"saltcellar.node": node, "saltcellar.bot": bot}
        other = engine.containers.create("saltcellar/pub:0.1.0", name=f"other-{bot}", labels=labels)
        try:
            assert f"belong to a node {node}, too (other-{bot})" in place.make("up", succeeds=False)
        finally:
            other.remove(force=True)
    assert "nothing to do" in place.make("up")


def test_a_container_that_went_by_itself_stops_nothing_else(place: Standing) -> None:
    with contextlib.closing(docker.from_env()) as engine:
        for container in within(engine, place.folder):
            container.remove(force=True)
    assert "Stopped." in place.make("down")
    assert place.processes() == {}


def test_after_clean_another_pub_is_poured(place: Standing) -> None:
    before = re.search(r"pub +(\S+)", welcome(place))
    assert "is gone" in place.make("clean")
    assert place.leaves_nothing()
    assert "poured my: my.butt.nz is #alive" in place.make("up")
    after = re.search(r"pub +(\S+)", welcome(place))
    assert before
    assert after
    assert after[1] != before[1]
