"""The duty `machines`: advances all machines once a second."""

from typing import TYPE_CHECKING

from pillar_service.node.door import Door
from pillar_service.node.governors import Governor
from pillar_service.node.lastgood import Known
from pillar_service.node.machines import files, looks
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home

if TYPE_CHECKING:
    from pillar_service.node.machines.engine import Engine


class Machines:
    """Runs once a second. The engine is created for the first machine and kept."""

    name, every_s = "machines", 1.0

    def __init__(
        self,
        home: Home,
        node: str,
        tell: Telling,
        known: Known,
        configuration: looks.Configuration,
        put: looks.Put,
    ) -> None:
        self._home, self._node, self._tell, self._known = home, node, tell, known
        self._configuration, self._put = configuration, put
        self._engine: Engine | None = None

    def run(self, now_monotonic: float) -> None:
        """Advance every machine."""
        if self._engine is None and files.found(self._home):
            self._engine = self._made()
        if self._engine is not None:
            self._engine.tick(now_monotonic)

    def _made(self) -> "Engine":
        # The code that reads and runs machines takes 7 MiB: a node without machines does not import it.
        from pillar_service.node.machines.engine import Engine

        return Engine(
            self._home,
            self._node,
            self._tell,
            self._configuration,
            self._put,
            service=self._service,
            govern=self._governor,
        )

    def _governor(self, name: str, what: str, seconds: int) -> Governor:
        return Governor(lambda: Door(self._known().service), name, what, seconds)

    def _service(self) -> str:
        return (self._known().service or {}).get("url", "")
