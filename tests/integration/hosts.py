"""Hosts of their own for tests: a network namespace with one address, which reaches this machine and nothing else."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

from networks import GOOD, Network

OUTAGE_S = float(os.environ.get("CELLAR_TEST_OUTAGE_S", "300"))
"""For how long `make campaigns` cuts a host off, in real time: CELLAR_TEST_OUTAGE_S is for a quick try."""


class Host:
    """One host. ``address`` is its own, ``gateway`` this machine's as it sees it; ``inside`` runs a command there."""

    def __init__(self) -> None:
        # One host a process, in the range that is kept for tests of networks (RFC 2544).
        number = os.getpid() % (1 << 15) * 4
        net = f"198.{18 + (number >> 16)}.{number >> 8 & 255}"
        self.gateway, self.address = f"{net}.{(number & 255) + 1}", f"{net}.{(number & 255) + 2}"
        self.name = f"cellar-{os.getpid()}"
        self.device = f"cn{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]
        self.network = GOOD

    def start(self) -> None:
        """Makes it."""
        ours, theirs = f"ch{os.getpid()}", self.device
        _ip("netns", "add", self.name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        _ip("addr", "add", f"{self.gateway}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", theirs)
        for device in (theirs, "lo"):
            _ip("-n", self.name, "link", "set", device, "up")
        self._set(self.network)

    @contextlib.contextmanager
    def behind(self, network: Network) -> Iterator[None]:
        """For a while its network is like that."""
        self._set(network)
        try:
            yield
        finally:
            self._set(GOOD)

    def _set(self, network: Network) -> None:
        self.network = network
        subprocess.run([*self.inside, "nft", "-f", "-"], input=network.rules(), text=True, check=True)
        subprocess.run(
            [*self.inside, "tc", "qdisc", "del", "dev", self.device, "root"], capture_output=True, check=False
        )
        if network.rate:
            limit = ["rate", network.rate, "burst", "3kb", "latency", "400ms"]
            subprocess.run([*self.inside, "tc", "qdisc", "add", "dev", self.device, "root", "tbf", *limit], check=True)

    def loses_power(self) -> None:
        """Everything that ran there is dead, and what its kernel had still to send is gone. Its network stays as it was."""
        self.stop()
        self.start()

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
