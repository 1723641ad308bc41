"""A control plane on a machine of its own, installed as anybody does: a release is unpacked, its bootstrap.sh is called."""

import json
import subprocess
from pathlib import Path
from typing import Any

from machines import TOP, Machine

DOMAIN, UNPACKED = "cellar.test", "/root/saltcellar"
UNITS = ("nginx", "saltcellar-public", "saltcellar-private", "saltcellar-master")


def release(folder: Path) -> Path:
    """A release of the tree as it stands here, with its wheels."""
    file = folder / "saltcellar.tar.gz"
    subprocess.run([TOP / "vagrant/assets.sh"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([TOP / "vagrant/release.sh", file], check=True, stdout=subprocess.DEVNULL)
    return file


class Plane(Machine):
    """A control plane of cellar.test, once its bootstrap was called."""

    def __init__(self, packed: Path, hosts: dict[str, str] | None = None, name: str = "plane") -> None:
        super().__init__(name, hosts)
        self._packed = packed

    def unpack(self) -> None:
        """Unpacks the release there."""
        self.put(self._packed, "/root/saltcellar.tar.gz")
        self.run("mkdir", UNPACKED)
        self.run("tar", "-xzf", "/root/saltcellar.tar.gz", "-C", UNPACKED, "--strip-components=1")

    def salt_run(self, *arguments: str) -> Any:
        """What a runner returns there."""
        return json.loads(self.run("cellar", "salt-run", *arguments, "--out=json"))

    def fetch(self, authority: Path, path: str, *options: str) -> str:
        """What somebody outside gets from the place, who trusts that authority alone."""
        there = ["--resolve", f"{DOMAIN}:443:{self.address}", "--cacert", str(authority)]
        done = subprocess.run(
            ["curl", "-sS", "--fail-with-body", *there, *options, f"https://{DOMAIN}{path}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
