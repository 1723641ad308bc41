"""The duty `machines`: lets them all go on, once a second."""

from pillar_service.node.door import Door
from pillar_service.node.governors import Governor
from pillar_service.node.lastgood import Known
from pillar_service.node.machines import looks
from pillar_service.node.machines.engine import Engine
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home


class Machines:
    """Runs once a second."""

    name, every_s = "machines", 1.0

    def __init__(
        self,
        home: Home,
        node: str,
        tell: Telling,
        known: Known,
        configuration: looks.Configuration = looks.no_configuration,
    ) -> None:

        def govern(name: str, what: str, seconds: int) -> Governor:
            return Governor(lambda: Door(known().service), name, what, seconds)

        def service() -> str:
            return (known().service or {}).get("url", "")

        self._engine = Engine(home, node, tell, configuration, service=service, govern=govern)

    def run(self, now_monotonic: float) -> None:
        """Let each go on."""
        self._engine.tick(now_monotonic)
