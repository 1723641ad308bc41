"""Actions that need a governor's lease: such an action waits for it, and so does its machine; other machines go on."""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future

from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.core.machines.machines import Action
from pillar_service.node.governors import AGAIN_S, Door, Governor, Lease

SPARE_S = 30
"""Seconds by which a lease is longer than its action may take: for the request, and for what is done before and after."""

LONGEST_S = 60.0
"""The longest pause between two requests, in seconds, however long no lease was granted."""

Govern = Callable[[str, str, int], Governor]
"""Makes a governor from its name, who needs the lease (``what``), and the lease's length in seconds."""


def nobody(name: str, what: str, seconds: int) -> Governor:
    """The governor of a node that knows no service: an action that needs a lease waits."""

    def door() -> Door:
        raise Unavailable("This node knows no service that could grant a lease.")

    return Governor(door, name, what, seconds)


class Permit:
    """The lease for the next action of one instance (``what``: its machine and its subject).

    It is requested in the thread pool, with ever longer pauses and always as the same holder: so if an answer is lost, the
    service grants the same lease again and not a second one. ``problem`` says why the action waits.
    """

    def __init__(self, govern: Govern, what: str) -> None:
        self._govern, self._what = govern, what
        self.forget()

    def forget(self) -> None:
        """Start over, for another action."""
        self._governor: Governor | None = None
        self._asked: Future[Lease | None] | None = None
        self._due, self._pause_s = 0.0, AGAIN_S
        self.lease: Lease | None = None
        self.problem = ""

    def granted(self, action: Action, pool: Executor) -> bool:
        """Whether the action may begin now; if not, requests a lease when it is time to."""
        if not action.governor or (self.lease is not None and self.lease.stands):
            return True
        if self._asked is not None and self._asked.done():
            self._take(action.governor, self._asked)
        elif self._asked is None and time.monotonic() >= self._due:
            self._governor = self._governor or self._govern(action.governor, self._what, action.timeout_s + SPARE_S)
            self._asked = pool.submit(self._governor.take)
        return self.lease is not None and self.lease.stands

    def _take(self, name: str, asked: Future[Lease | None]) -> None:
        self._asked = None
        try:
            self.lease = asked.result()
            self.problem = "" if self.lease else f"It is waiting for {name}: others hold it."
        except SaltcellarError as error:
            self.problem = f"It is waiting for {name}. {error.sentence}"
        self._due, self._pause_s = time.monotonic() + self._pause_s, min(LONGEST_S, 2 * self._pause_s)

    def give_back(self, pool: Executor) -> None:
        """Release the lease after the action: the next action needs a lease of its own."""
        if self.lease is not None:
            pool.submit(self.lease.release)
        self.forget()
