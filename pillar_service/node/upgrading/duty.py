"""The duty `upgrading`: asks whether this node is to switch to another version, and does so, once for each order."""

import json
import logging
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed, SaltcellarError, Unavailable
from pillar_service.node import disk
from pillar_service.node.door import Door
from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.node.upgrading import making

log = logging.getLogger(__name__)

ASK_EVERY_S = 300.0
SPLAY = 0.1
"""The share of the interval by which a node may ask earlier or later."""

MAKING, SWITCHING, DONE, FAILED = "making", "switching", "done", "failed"
"""The states of an order; `switch.sh` waits for "done", and writes "failed"."""

UNDER_WAY = "switching"
"""The file with which `switch.sh` notes that it is at work."""

SWITCH = Path(__file__).with_name("switch.sh")


def state(home: Home) -> dict[str, Any]:
    """The state of the last order: {"order", "version", "state", "why"}; empty if there was none."""
    try:
        found = json.loads(_file(home).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file(home: Home) -> Path:
    return home.state / "upgrade.json"


class Upgrading:
    """Runs every 5 s; ``opt`` is the folder where enrol.sh put this node and its environment."""

    name, every_s = "upgrading", 5.0

    def __init__(self, home: Home, told: Callable[[], Told], opt: Path | None = None) -> None:
        self._home, self._told, self._opt = home, told, opt or Path(sys.prefix).parent
        self._due = float("-inf")
        self._is_begun = False

    def run(self, now_monotonic: float) -> None:
        """At the first run, settle the last order; then ask for a new one, if it is time to."""
        if not self._is_begun:
            self._begin(state(self._home))
            self._is_begun = True
        if now_monotonic < self._due:
            return
        self._due = now_monotonic + ASK_EVERY_S * random.uniform(1 - SPLAY, 1 + SPLAY)  # noqa: S311  (no secret)
        try:
            wanted = Door(self._told().service).upgrade()
        except SaltcellarError as error:
            log.debug("upgrading: %s", error)
            return
        if wanted and wanted.get("order") != state(self._home).get("order"):
            self._take(wanted)

    def _begin(self, last: Mapping[str, Any]) -> None:
        # This process is the proof that the new version works: `switch.sh` puts back one that does not get here.
        if last.get("state") == SWITCHING and last.get("version") == metadata.version("saltcellar"):
            self._keep(last, DONE)
        elif last.get("state") == MAKING:
            self._keep(last, FAILED, "The node was stopped while the new version was being prepared.")
        elif last.get("state") == SWITCHING and not (self._opt / UNDER_WAY).exists():
            # It will never begin: `switch.sh` makes its note before it does anything.
            self._keep(last, FAILED, "The node was stopped before it switched to the new version.")

    def _take(self, wanted: Mapping[str, Any]) -> None:
        order = {"order": str(wanted.get("order")), "version": str(wanted.get("version"))}
        if order["version"] == metadata.version("saltcellar"):
            self._keep(order, DONE)
            return
        self._keep(order, MAKING)
        try:
            self._make(order["version"], str(wanted.get("sha256")))
            self._keep(order, SWITCHING)
            self._switch(f"{order['version']} {wanted.get('sha256')}")
        except (SaltcellarError, OSError) as error:
            log.warning("upgrading: %s", error)
            self._keep(order, FAILED, str(error))

    def _make(self, version: str, sha256: str) -> None:
        if not (self._opt / "bin/saltcellar-node").exists() or not (self._opt / "venv").is_dir():
            raise Failed("This node was not set up by enrol.sh: upgrade it by hand on the machine.")
        try:
            making.made(Door(self._told().service), self._opt, version, sha256)
        except Unavailable as error:
            raise Failed(f"The bundle of wheels could not be fetched: {error}") from error

    def _switch(self, made: str) -> None:
        """Start the script that switches over; it outlives this process, which the switch ends."""
        script = self._opt / "bin" / SWITCH.name
        shutil.copyfile(SWITCH, script)
        command = ["sh", str(script), str(self._opt), str(_file(self._home)), made]
        if "INVOCATION_ID" in os.environ:  # systemd ends all processes of a unit: so the script gets a unit of its own
            command = ["systemd-run", "--quiet", "--collect", "--unit=saltcellar-upgrade", *command]
        log_file = self._opt / "switch.log"
        with log_file.open("ab") as said:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)  # noqa: S603

    def _keep(self, order: Mapping[str, Any], how: str, why: str = "") -> None:
        _file(self._home).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {"order": order.get("order"), "version": order.get("version"), "state": how, "why": why[:500]}
        disk.write_atomically(_file(self._home), json.dumps(kept).encode())
