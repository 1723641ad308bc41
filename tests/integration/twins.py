"""Two masters with the same keys, and one node that obeys both (Salt's "hot" masters)."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from daemons import Service, running
from salt_daemons import Master, Minion


@contextlib.contextmanager
def twins(folder: Path, service: Service, node: str) -> Iterator[tuple[tuple[Master, Master], Minion]]:
    """Starts both masters and the minion ``node``, which the service must know; gives them once the minion answers."""
    token = folder / "token-b"
    service.manage("master-token", "master-b", "--file", str(token))
    first = Master(folder / "a", service.url, service.token_file)
    (folder / "b").mkdir()
    with running(first):
        second = Master(folder / "b", service.url, token, name="master-b", twin=first, interface="127.0.0.2")
        masters = [f"127.0.0.{n}:{master.ports['ret_port']}" for n, master in enumerate((first, second), 1)]
        minion = Minion(folder / "n", node, first, masters=masters)
        second.accept(node, minion.folder / "pki" / "minion.pub")
        with running(second), running(minion):
            minion.wait()
            yield (first, second), minion
