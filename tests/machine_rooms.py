"""What tests of machines share: a home with files, an engine to tick until a condition holds, and what the engine told.

With ``bots`` the engine is given the list of bots; without, it asks Docker.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Full, NotFound
from pillar_service.node import agent
from pillar_service.node.machines import containers as docker
from pillar_service.node.machines.engine import Engine
from pillar_service.node.machines.governed import Govern, nobody
from pillar_service.node.machines.telling import Telling
from pillar_service.node.paths import Home

NODE = "cellar-9"


class Told:
    """A spool in memory; if ``full``, it raises ``Full``."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []
        self.full = False

    def put(self, type: str, subject: str, data: Mapping[str, Any], *, stream: str, priority: int) -> None:
        assert (stream, priority) == (
            ("shouts", 1) if type.endswith(("gave-up", "broken", "refused")) else ("machines", 2)
        )
        if self.full:
            raise Full("There is no room.")
        self.events.append((str(type).removeprefix("nz.butt.saltcellar.machine."), subject, data))

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [data for one, _, data in self.events if one == kind]


class Room:
    """One node's home, machines engine and spool."""

    def __init__(self, folder: Path, node: str = NODE, bots: dict[str, str] | None = None) -> None:
        self.home, self.told, self.node = Home(folder), Told(), node
        self.home.machines.mkdir(parents=True)
        self.bots = bots
        self.keys: dict[str, Any] = {}
        self.put: Callable[[str, Any], object] = self.keys.__setitem__
        self.alone = ExitStack()
        assert self.alone.enter_context(agent.alone(self.home))
        self.ahead = 0.0
        self.govern: Govern = nobody
        self.engine = self.begin()

    def close(self) -> None:
        """Close the engine and give up the agent's lock."""
        self.engine.close()
        self.alone.close()

    def begin(self) -> Engine:
        def configuration(key: str) -> Any:
            if key not in self.keys:
                raise NotFound("none")
            return self.keys[key]

        lists = docker.bots if self.bots is None else lambda node: self.bots
        self.engine = Engine(
            self.home, self.node, Telling(self.told), configuration, self.put, lists, govern=self.govern
        )
        return self.engine

    def write(self, name: str, text: str) -> Path:
        file = self.home.machines / f"{name}.yaml"
        file.write_text(text)
        self.ahead += 10
        return file

    def tick(self) -> None:
        self.engine.tick(time.monotonic() + self.ahead)

    def until(self, is_so: Callable[[], Any], seconds: float = 90.0, *, ahead_s: float = 1.0) -> Any:
        """Tick until the condition holds; AssertionError after ``seconds``.

        With each tick the engine's clock gets ``ahead_s`` seconds more ahead of the real one.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.ahead += ahead_s
            self.tick()
            if found := is_so():
                return found
            time.sleep(0.02)
        raise AssertionError(f"It never came to that: {self.told.events}")

    def state(self, machine: str, subject: str = NODE) -> str:
        return self.engine.instances[machine, subject].memory.state

    def in_state(self, state: str, machine: str, subject: str = NODE) -> None:
        self.until(lambda: (machine, subject) in self.engine.instances and self.state(machine, subject) == state)
