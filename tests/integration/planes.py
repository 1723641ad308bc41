"""A control plane on a machine of its own, installed as operators do it: unpack a release, run its bootstrap.sh."""

import json
import subprocess
from pathlib import Path
from typing import Any

from machines import TOP, Machine

DOMAIN, UNPACKED = "cellar.test", "/root/saltcellar"
UNITS = ("nginx", "saltcellar-public", "saltcellar-private", "saltcellar-master")


def release(folder: Path) -> Path:
    """Builds a release of this tree with its wheels."""
    file = folder / "saltcellar.tar.gz"
    subprocess.run([TOP / "vagrant/assets.sh"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([TOP / "vagrant/release.sh", file], check=True, stdout=subprocess.DEVNULL)
    return file


class Plane(Machine):
    """A machine that becomes the control plane of cellar.test once its bootstrap.sh has run."""

    def __init__(self, packed: Path, hosts: dict[str, str] | None = None, name: str = "plane") -> None:
        super().__init__(name, hosts)
        self._packed = packed

    def unpack(self) -> None:
        """Copies the release to the machine and unpacks it."""
        self.put(self._packed, "/root/saltcellar.tar.gz")
        self.run("mkdir", UNPACKED)
        self.run("tar", "-xzf", "/root/saltcellar.tar.gz", "-C", UNPACKED, "--strip-components=1")

    def salt_run(self, *arguments: str) -> Any:
        """Runs a runner there and returns its result."""
        return json.loads(self.run("cellar", "salt-run", *arguments, "--out=json"))

    def fetch(self, authority: Path, path: str, *options: str) -> str:
        """Fetches a page from outside, trusting this authority alone; returns what curl printed."""
        there = ["--resolve", f"{DOMAIN}:443:{self.address}", "--cacert", str(authority)]
        done = subprocess.run(
            ["curl", "-sS", "--fail-with-body", *there, *options, f"https://{DOMAIN}{path}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
