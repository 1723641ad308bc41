"""A change-over to another version, interrupted by reboots at any point: real switch.sh and launcher, tiny versions."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_node import LAUNCHER

SWITCH = LAUNCHER.parents[2] / "node/upgrading/switch.sh"
RUNS = '#!/bin/sh\n[ "$1" != -m ] || exit 0\necho {name} >{root}/runs\n{says}exec sleep 300\n'
BROKEN = "#!/bin/sh\nexit 1\n"
DONE = 'sed -i s/switching/done/ "{root}/upgrade.json"\n'
SWITCHING = {"order": "a-1", "version": "2", "state": "switching", "why": ""}


class Node:
    """What enrol.sh and the duty leave: a working version, another one made ready, and the order to change over."""

    def __init__(self, root: Path) -> None:
        self.root, self.opt, self.launcher = root, root / "opt", root / "opt/bin/saltcellar-node"
        for folder in ("opt/bin", "run/saltcellar", "var/log/saltcellar"):
            (root / folder).mkdir(parents=True)
        told = f"root='{root}' etc='{root}/etc' python='{self.opt}/venv/bin/python' unit='' path=''\n"
        self.launcher.write_text(f"#!/bin/sh\nset -eu\n{told}{LAUNCHER.read_text()}")
        self.launcher.chmod(0o755)
        (self.opt / "bin/switch.sh").write_text(SWITCH.read_text())
        (root / "upgrade.json").write_text(json.dumps(SWITCHING))
        self.begun: list[subprocess.Popen[bytes]] = []
        self.version("venv", RUNS.format(name="old", root=root, says=""))

    def version(self, folder: str, python: str) -> None:
        """Make a version in that folder."""
        program = self.opt / folder / "bin/python"
        program.parent.mkdir(parents=True)
        program.write_text(python)
        program.chmod(0o755)

    def good(self) -> str:
        """The code of a version that works and says so."""
        return RUNS.format(name="new", root=self.root, says=DONE.format(root=self.root))

    def changes_over(self) -> None:
        """Start the script as the duty does; the script outlives the duty."""
        command = ["sh", self.opt / "bin/switch.sh", self.opt, self.root / "upgrade.json", "2 sum"]
        wait = os.environ | {"CELLAR_SWITCH_WAIT": "4"}
        self.begun.append(subprocess.Popen(command, start_new_session=True, env=wait))

    def boots(self) -> None:
        """Start the node as a boot would."""
        subprocess.run([self.launcher, "start"], check=True, env=os.environ | {"CELLAR_SWITCH_WAIT": "4"})

    def loses_power(self) -> None:
        """Kill everything that runs of it at once."""
        for one in Path("/proc").glob("[0-9]*"):
            try:
                is_of_it = str(self.opt).encode() in (one / "environ").read_bytes() + (one / "cmdline").read_bytes()
            except OSError:
                continue
            if is_of_it or self._runs(one):
                os.kill(int(one.name), signal.SIGKILL)
        for script in self.begun:
            script.wait(20)  # Unreaped, it would pass for one that is still running.
        (self.root / "run/saltcellar/node.pid").unlink(missing_ok=True)  # /run is in memory.
        (self.root / "runs").unlink(missing_ok=True)

    def _runs(self, process: Path) -> bool:
        file = self.root / "run/saltcellar/node.pid"
        return file.exists() and file.read_text().split()[:1] == [process.name]

    def waits(self, name: str, state: str) -> None:
        """Wait until that version runs, the order has this state, and nothing is under way."""
        ends = time.monotonic() + 60
        while True:
            runs = (self.root / "runs").read_text().strip() if (self.root / "runs").exists() else ""
            told = json.loads((self.root / "upgrade.json").read_text())["state"]
            left = sorted(file.name for file in self.opt.iterdir())
            if (runs, told) == (name, state) and not {"switching", "venv.before", "venv.next"} & set(left):
                return
            assert time.monotonic() < ends, (runs, told, left)
            time.sleep(0.1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.loses_power()


POINTS = {
    "begun": ("venv", "venv.next"),
    "between": ("venv.before", "venv.next"),
    "changed": ("venv.before", "venv"),
    "back": ("venv", None),
}
"""Where a reboot may find the old and the new version; in the last case the new one is gone, and only the state is missing."""


@pytest.mark.parametrize("point", POINTS)
def test_a_version_that_does_not_work_goes_back_wherever_a_reboot_finds_it(node: Node, point: str) -> None:
    old, new = POINTS[point]
    if old != "venv":
        (node.opt / "venv").rename(node.opt / old)
    if new:
        node.version(new, BROKEN)
    (node.opt / "switching").write_text(f"1 0 {node.root}/upgrade.json 2 sum\n")
    node.boots()
    node.waits("old", "failed")


@pytest.mark.parametrize("point", ["begun", "between", "changed"])
def test_a_version_that_works_stays_wherever_a_reboot_finds_it(node: Node, point: str) -> None:
    old, new = POINTS[point]
    if old != "venv":
        (node.opt / "venv").rename(node.opt / old)
    assert new
    node.version(new, node.good())
    (node.opt / "switching").write_text(f"1 0 {node.root}/upgrade.json 2 sum\n")
    node.boots()
    node.waits("new", "done")
    assert (node.opt / "made").read_text() == "2 sum\n"


def test_the_power_is_cut_while_the_new_version_is_waited_for(node: Node) -> None:
    node.version("venv.next", BROKEN)
    node.changes_over()
    ends = time.monotonic() + 30
    while not ((node.opt / "venv.before").exists() and (node.opt / "venv").exists()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    node.loses_power()
    assert (node.opt / "switching").exists()
    node.boots()
    node.waits("old", "failed")


def test_a_change_over_that_goes_on_is_not_begun_twice(node: Node) -> None:
    """During a change-over the launcher is called repeatedly."""
    node.version("venv.next", node.good())
    node.changes_over()
    node.waits("new", "done")
    assert not (node.opt / "switch.log").exists(), "the launcher began none"
