"""Hosts of their own for tests: a network namespace with one address, which reaches this machine and nothing else."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

OUTAGE_S = float(os.environ.get("CELLAR_TEST_OUTAGE_S", "300"))
"""For how long the campaigns of `make test-slow` cut a host off, in real time: CELLAR_TEST_OUTAGE_S is for a quick try."""

CUT = """
table inet cut {
  chain in { type filter hook input priority 0; iifname != "lo" drop; }
  chain out { type filter hook output priority 0; oifname != "lo" drop; }
}
"""


class Host:
    """One host. ``address`` is its own, ``gateway`` this machine's as it sees it; ``inside`` runs a command there."""

    def __init__(self) -> None:
        # One host a process, in the range that is kept for tests of networks (RFC 2544).
        number = os.getpid() % (1 << 15) * 4
        net = f"198.{18 + (number >> 16)}.{number >> 8 & 255}"
        self.gateway, self.address = f"{net}.{(number & 255) + 1}", f"{net}.{(number & 255) + 2}"
        self.name = f"cellar-{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]
        self.is_cut = False

    def start(self) -> None:
        """Makes it."""
        ours, theirs = f"ch{os.getpid()}", f"cn{os.getpid()}"
        _ip("netns", "add", self.name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        _ip("addr", "add", f"{self.gateway}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", theirs)
        for device in (theirs, "lo"):
            _ip("-n", self.name, "link", "set", device, "up")

    @contextlib.contextmanager
    def without_network(self) -> Iterator[None]:
        """For a while its packets vanish, both ways: nothing is refused."""
        self._cut()
        try:
            yield
        finally:
            self.is_cut = False
            subprocess.run([*self.inside, "nft", "delete", "table", "inet", "cut"], check=True)

    def _cut(self) -> None:
        self.is_cut = True
        subprocess.run([*self.inside, "nft", "-f", "-"], input=CUT, text=True, check=True)

    def loses_power(self) -> None:
        """Everything that ran there is dead, and what its kernel had still to send is gone. Its network stays as it was."""
        self.stop()
        self.start()
        if self.is_cut:
            self._cut()

    def stop(self) -> None:
        """Switches it off: nothing that ran there is left."""
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        for pid in done.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        # A namespace goes when its last process is reaped: the link goes now, so that it may be made again at once.
        for rest in (("link", "del", f"ch{os.getpid()}"), ("netns", "del", self.name)):
            subprocess.run(["ip", *rest], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
