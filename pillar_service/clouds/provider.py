"""What a provider of machines can be asked."""

from dataclasses import dataclass
from typing import Any, Protocol

from pillar_service.core.nodes.machine_orders import Wish


@dataclass(frozen=True)
class Account:
    """How a provider is asked: its name, key and secret, its API's address (empty: the usual one), and the zone."""

    provider: str
    key: str
    secret: str
    url: str
    zone: str


@dataclass(frozen=True)
class Machine:
    """A machine as the provider has it. ``handle`` is the provider's own object for it.

    One that has not run yet still takes user data; one that ``is_going`` is already being destroyed.
    """

    id: str
    address: str | None
    has_run: bool
    is_going: bool
    handle: Any


class Cloud(Protocol):
    """Someone who makes machines. Every method may raise Unavailable (ask again), Forbidden, Full, Invalid or Failed."""

    def machines(self, tag: str) -> list[Machine]:
        """The machines that bear this tag."""

    def make(self, wish: Wish, user_data: str) -> Machine:
        """Make a machine; it may run at once, or wait for `start`."""

    def start(self, machine: Machine, wish: Wish, user_data: str | None) -> None:
        """Give a machine its volume, made if there is none, and start it if it does not run. Repeating it does no harm."""

    def destroy(self, machine: Machine) -> None:
        """Begin to destroy a machine; does nothing if it is gone already."""

    def destroy_volumes(self, tag: str) -> int:
        """Destroy the volumes that bear this tag; returns how many there were."""
