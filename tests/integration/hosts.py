"""Hosts for tests: network namespaces with one address each, which can reach this machine and nothing else."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

from networks import GOOD, Network

OUTAGE_S = float(os.environ.get("CELLAR_TEST_OUTAGE_S", "300"))
"""How long `make campaigns` cuts a host off, in seconds; CELLAR_TEST_OUTAGE_S shortens it for a quick try."""


class Host:
    """A host. ``address`` is its own, ``gateway`` this machine's as the host sees it; ``inside`` runs a command there."""

    def __init__(self) -> None:
        # One host per process, in the range reserved for network tests (RFC 2544).
        number = os.getpid() % (1 << 15) * 4
        net = f"198.{18 + (number >> 16)}.{number >> 8 & 255}"
        self.gateway, self.address = f"{net}.{(number & 255) + 1}", f"{net}.{(number & 255) + 2}"
        self.name = f"cellar-{os.getpid()}"
        self.device = f"cn{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]
        self.network = GOOD

    def start(self) -> None:
        """Makes the namespace and its link."""
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
        """Gives it this network for a while."""
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
        """Kills everything there, drops what its kernel has yet to send, and starts the host again with the same network."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kills everything on the host and removes it."""
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        for pid in done.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        # A namespace is freed only when its last process is reaped. Deleting the link now lets it be made again at once.
        for rest in (("link", "del", f"ch{os.getpid()}"), ("netns", "del", self.name)):
            subprocess.run(["ip", *rest], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
