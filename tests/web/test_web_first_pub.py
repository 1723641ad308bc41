"""What `make up` and `make status` do with accounts and bots on a real private app: stopped bots, repeated runs, refusals."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answering import answering
from flask import Flask
from pouring import OWNER, answer, bot, carry_out, event, owner, poured, report, states_of, told
from werkzeug.serving import make_server

from pillar_service.core.durations import DAY_S
from pillar_service.usecases.bots import bots, health
from pillar_service.usecases.jobs import claims, runs
from pillar_service.usecases.nodes import nodes
from pillar_service.usecases.payments import payments
from pillar_service.usecases.people import accounts
from pillar_service.usecases.service import masters, storage

VAGRANT = Path(__file__).parents[2] / "vagrant"


class Newcomer:
    """A machine on which `make up` has come to its last step."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.secrets, self.asked = folder, folder / "secrets", []
        for name in ("secrets", "run"):
            (folder / name).mkdir()
        (self.secrets / "master-token").write_text(masters.new_token("test", "salt"))
        told = {"DIR": folder, "ACCOUNT": OWNER, "BOT": "my", "NODE": "cellar-1", "PRIVATE_PORT": port}
        self.environment = os.environ | {f"CELLAR_{name}": str(value) for name, value in told.items()}
        self.environment["CELLAR_PUBLIC_PORT"] = "8080"

    def up(self) -> str:
        """Run the step while the node carries out its jobs; return what it prints. ``asked`` has the jobs' functions."""
        self.asked = []
        asking = subprocess.Popen(
            [sys.executable, VAGRANT / "first_pub.py"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while asking.poll() is None:
            self._node_works()
            time.sleep(0.05)
        return asking.communicate()[0]

    def _node_works(self) -> None:
        for run in claims.claim("salt")["runs"]:
            self.asked.append(run["function"])
            runs.started("salt", run["id"], f"jid-{run['id']}")
            code = {"code": f"code-{len(list(self.secrets.iterdir()))}"}
            answer(run, states_of() if run["function"] == "state.apply" else code)

    @property
    def welcome(self) -> str:
        """The text that `make up` prints at the end."""
        return (self.secrets / "welcome").read_text()

    @property
    def password(self) -> Path:
        """The file with the account's password."""
        return self.secrets / "password"


@pytest.fixture
def newcomer(private_app: Flask, tmp_path: Path) -> Iterator[Newcomer]:
    (tmp_path / "up").mkdir()
    with answering(server := make_server("127.0.0.1", 0, private_app, threaded=True)):
        yield Newcomer(tmp_path / "up", server.server_port)
    storage.release()


def price(**told: str) -> str:
    """The monthly price in cents that `make up` sets with these settings; empty if it sets none."""
    command = ["bash", "-c", '. "$0"; printf "%s" "${CELLAR_PRICE_CENTS:-}"', VAGRANT / "settings.sh"]
    return subprocess.run(command, env=os.environ | told, stdout=subprocess.PIPE, text=True, check=True).stdout


def opens(password: str) -> bool:
    return accounts.sign_in(OWNER, password, "192.0.2.1").account == accounts.show(OWNER)["id"]


def status() -> int:
    """The exit code of what `make status` shows of the bots."""
    listed = json.dumps(bots.listed())
    return subprocess.run([sys.executable, VAGRANT / "show_bots.py"], input=listed, text=True).returncode


def reported(n: int) -> str:
    """Let the node report on the bot for the n-th time; return the bot's state."""
    health.take("cellar-1", [event(report(bots.show("my")["id"]), n=n)])
    return str(bots.show("my")["actual"])


def test_again_it_changes_nothing(newcomer: Newcomer) -> None:
    assert "poured my: my.butt.nz is #alive" in newcomer.up()
    first = newcomer.welcome
    assert opens(newcomer.password.read_text().strip())
    assert {stat.S_IMODE(file.stat().st_mode) for file in newcomer.secrets.glob("[!m]*")} == {0o600}
    assert "code-" in first
    assert "nothing to do: my.butt.nz is #alive" in newcomer.up()
    assert (newcomer.welcome, newcomer.asked) == (first, [])


def test_who_was_stopped_before_the_account_was_made_goes_on_with_its_password(newcomer: Newcomer) -> None:
    newcomer.password.write_text("kept-before-1\n")
    assert "poured my" in newcomer.up()
    assert opens("kept-before-1")


def test_an_account_whose_password_is_not_kept_is_no_end(newcomer: Newcomer) -> None:
    owner()
    newcomer.password.touch()
    assert "poured my" in newcomer.up()
    assert "choose another at http://127.0.0.1:8080/forgotten" in newcomer.welcome


def test_a_report_from_before_the_minion_started_is_not_believed(newcomer: Newcomer) -> None:
    newcomer.up()
    assert reported(1) == "alive"
    began = newcomer.folder / "run" / "minion.began"
    began.touch()
    os.utime(began, (time.time(), time.time()))  # the kernel's stamp may lag 4 ms, and so equal the report's
    assert "started my" in newcomer.up()
    assert newcomer.asked == ["state.apply"]
    assert reported(2) == "alive"
    assert "nothing to do" in newcomer.up()


def test_a_bot_that_may_not_run_is_no_failure(newcomer: Newcomer) -> None:
    newcomer.up()
    accounts.set_state("test", OWNER, "suspended")
    carry_out()
    assert "nothing to do: my.butt.nz is #stopped" in newcomer.up()
    assert bots.show("my")["desired"] == "running"
    assert told()[bots.show("my")["id"]]["state"] == bots.show("my")["effective"] == "stopped"
    assert status() == 0
    accounts.set_state("test", OWNER, "active")
    assert status() == 1


def test_bots_of_other_nodes_are_left_to_them(newcomer: Newcomer) -> None:
    newcomer.up()
    nodes.add("test", "cellar-2")
    bot("far", node="cellar-2")
    assert "nothing to do" in newcomer.up()
    assert bots.show("far")["actual"] == "provisioning"


def test_a_first_bot_that_was_deleted_stays_so_until_another_has_its_name(newcomer: Newcomer) -> None:
    newcomer.up()
    before = newcomer.welcome
    bots.delete("test", "my", purge=True)
    carry_out()
    assert "The first bot, my, was deleted, and stays deleted" in newcomer.up()
    assert bots.listed() == []
    assert "bots.create NAME" in newcomer.welcome
    poured()
    newcomer.up()
    code = next(line for line in newcomer.welcome.splitlines() if "invite" in line)
    assert code not in before


def test_nobody_has_to_pay_for_the_first_pub(
    newcomer: Newcomer, service: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    newcomer.up()
    monkeypatch.setenv("CELLAR_PRICE_CENTS", price())
    service()
    for days in (15, 22, 60, 400):
        assert payments.run_due(time.time() + days * DAY_S)["steps"] == []
    assert (bots.show("my")["desired"], payments.of_account(OWNER)["is_free"]) == ("running", True)


def test_a_place_of_make_up_costs_what_it_is_told_to() -> None:
    assert (price(), price(CELLAR_PRICE_CENTS="700")) == ("0", "700")
    assert price(CELLAR_PAYMENTS="stripe") == ""
