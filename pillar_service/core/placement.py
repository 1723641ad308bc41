"""Where a new bot goes: which node, which port."""

from collections.abc import Iterable
from dataclasses import dataclass

from pillar_service.core.errors import Full


@dataclass(frozen=True)
class Room:
    """A node as placement sees it. Ports count from ``port_first`` to ``port_last``, both included."""

    node: str
    port_first: int
    port_last: int
    taken: frozenset[int]

    def port(self) -> int | None:
        """The lowest free port, or None."""
        return next((port for port in range(self.port_first, self.port_last + 1) if port not in self.taken), None)

    def has_free(self, port: int) -> bool:
        """Whether that very port is the node's and free."""
        return self.port_first <= port <= self.port_last and port not in self.taken


def place(rooms: Iterable[Room]) -> tuple[str, int]:
    """The node with the fewest bots that has a port left, and that port; raises Full when there is none."""
    for room in sorted(rooms, key=lambda room: (len(room.taken), room.node)):
        port = room.port()
        if port is not None:
            return room.node, port
    raise Full("No node has a port left for one more bot: add a node, or widen a node's range of ports.")
