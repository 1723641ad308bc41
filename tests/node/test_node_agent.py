"""The agent: duties run side by side, it ends in peace, and there is never a second one."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pillar_service.node.agent import alone
from pillar_service.node.paths import Home

SCRIPT = """
import sys, time
from pathlib import Path
from pillar_service.node.agent import Agent, alone
from pillar_service.node.paths import Home

folder = Path(sys.argv[1])

class Counts:
    name, every_s = "counts", 0.01
    n = 0
    def run(self, now):
        self.n += 1
        (folder / "count").write_text(str(self.n))
    def stop(self):
        (folder / "stopped").touch()

class Fails:
    name, every_s = "fails", 0.01
    def run(self, now):
        with (folder / "failed").open("a") as file:
            print("once more", file=file)
        raise RuntimeError("It fails each time.")

class Waits:
    name, every_s = "waits", 1000.0
    def run(self, now):
        with (folder / "woken").open("a") as file:
            print("once more", file=file)
    def wait(self, seconds):
        assert seconds == 1000.0
        time.sleep(0.01)

class Hangs:
    name, every_s = "hangs", 0.01
    def run(self, now):
        time.sleep(1000)
    def stop(self):
        raise RuntimeError("It does not end well either.")

with alone(Home(folder), 0.05) as ours:
    if ours:
        Agent([Hangs(), Fails(), Waits(), Counts()]).run()
"""


def until(what, seconds=20.0):
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.02)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def start(folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], env=environment())


def count(folder: Path) -> int:
    try:
        return int((folder / "count").read_text() or 0)
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_duty_that_hangs_or_fails_stops_no_other_and_the_end_is_peaceful(tmp_path: Path, number: int) -> None:
    agent = start(tmp_path)
    until(lambda: count(tmp_path) > 50 and (tmp_path / "failed").exists())
    assert (tmp_path / "failed").read_text() == "once more\n"  # It rests after a failure, whatever its pace.
    assert (tmp_path / "woken").read_text().count("once more") > 5  # A duty that knows when there is work does it.
    agent.send_signal(number)
    assert agent.wait(20) == 0
    assert (tmp_path / "stopped").exists()


def test_it_ends_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SCRIPT!r}, sys.argv[1]]); time.sleep(99)"
    minion = subprocess.Popen([sys.executable, "-c", parent, str(tmp_path)], env=environment())
    until(lambda: count(tmp_path) > 0)
    minion.kill()
    minion.wait()
    until((tmp_path / "stopped").exists)


def test_a_second_one_waits_until_the_first_is_gone(tmp_path: Path) -> None:
    first = start(tmp_path)
    until(lambda: count(tmp_path) > 5)
    second = start(tmp_path)
    time.sleep(0.5)
    (tmp_path / "failed").unlink()
    first.kill()
    first.wait()
    (tmp_path / "count").unlink()
    until(lambda: count(tmp_path) > 0)
    second.terminate()
    assert second.wait(20) == 0


def test_it_waits_for_a_disk_that_it_can_write_to(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("a file in the folder's place")
    agent = start(tmp_path)
    time.sleep(1)
    assert agent.poll() is None
    state.unlink()
    until(lambda: count(tmp_path) > 0)
    agent.terminate()
    assert agent.wait(20) == 0


def test_duties_are_listed_with_names_of_their_own(home: Home, tmp_path: Path) -> None:
    from pillar_service.node.duties import duties

    opts = {"id": "cellar-9", "pki_dir": str(tmp_path), "cachedir": str(tmp_path), "conf_file": "/etc/salt/minion"}
    listed = duties(home, opts, "3008", lambda: None)
    names = ["deliver", "drops", "results", "lifecycle", "machines", "bundles", "commands", "configuration", "converge"]
    names += ["facts", "upgrading"]
    assert [duty.name for duty in listed] == names
    assert all(duty.every_s > 0 for duty in listed)


SEES = """
machine: sees
about: Looks at a key of the account.
initial: no_
states: {no_: {}, yes_: {}}
transitions: [{on: seen, from: no_, to: yes_}]
watchers: {it: {kind: kv, key: app/colour, every: 1s, when: exists and value == 'red', fires: seen}}
"""


def test_machines_see_what_the_account_set(home: Home, tmp_path: Path) -> None:
    from pillar_service.node.configuration import Configuration
    from pillar_service.node.duties import duties
    from pillar_service.node.told import Told

    opts = {"id": "cellar-9", "pki_dir": str(tmp_path), "cachedir": str(tmp_path), "conf_file": "/etc/salt/minion"}
    machines = next(one for one in duties(home, opts, "3008", lambda: None) if one.name == "machines")
    home.machines.mkdir(parents=True)
    (home.machines / "sees.yaml").write_text(SEES)
    keys = {"app/colour": {"value": "red", "revision": 1}}
    Configuration(home).take(lambda: Told(configuration={"revision": 1, "keys": keys}))
    kept = home.running / "sees" / "cellar-9.json"
    now = 0.0
    while now < 5 and not (kept.exists() and '"state": "yes_"' in kept.read_text()):
        machines.run(now := now + 1)
    assert '"state": "yes_"' in kept.read_text()


LAZY = """
import sys, time
from pathlib import Path
from pillar_service.node.machines.duty import Machines
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

home = Home(Path(sys.argv[1]))
import pillar_service.node.duties
duty = Machines(home, "cellar-9", lambda *_: None, Told, lambda key: None, print)
duty.run(0)
assert not {"yaml", "statemachine", "croniter", "simpleeval"} & set(sys.modules)
home.machines.mkdir(parents=True)
(home.machines / "broken.yaml").write_text("about: [")
duty.run(1)
assert {"yaml", "statemachine", "croniter", "simpleeval"} <= set(sys.modules)
"""


def test_what_machines_need_is_loaded_with_the_first_of_them(home: Home) -> None:
    subprocess.run([sys.executable, "-c", LAZY, home.root], env=environment(), timeout=120, check=True)


def test_whoever_a_command_runs_as_gets_to_its_folder_on_a_node_that_was_enrolled_under_a_umask(tmp_path):
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    home.root.chmod(0o750)
    with alone(home):
        assert stat.S_IMODE(home.root.stat().st_mode) == 0o751
        assert stat.S_IMODE(home.state.stat().st_mode) == 0o700
