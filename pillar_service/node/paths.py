"""The paths of a node's files and folders."""

from dataclasses import dataclass
from pathlib import Path

from pillar_service.core import names
from pillar_service.core.errors import Invalid

DEFAULT = "/var/lib/saltcellar"
"""The node's data directory if the minion's configuration has no ``saltcellar: data``."""

PUB_USER = 1000
"""The user and group id of the pub in its container, which owns its data."""


def bot_id(value: object) -> str:
    """The value, if it is a bot's id, and so a safe path segment; raises Invalid otherwise."""
    if names.is_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not a bot's id: it has 16 lower-case hexadecimal digits.")


@dataclass(frozen=True)
class Home:
    """The data directory of a node. All of it belongs to root, except the bots' data directories."""

    root: Path

    @classmethod
    def at(cls, data: str | None) -> "Home":
        """The home at a configured path, or at the default one."""
        return cls(Path(data or DEFAULT))

    @property
    def bots(self) -> Path:
        """Holds each bot's data directory."""
        return self.root / "bots"

    @property
    def configs(self) -> Path:
        """Holds each bot's configuration, which belongs to root; the pub sees it read-only."""
        return self.root / "configs"

    @property
    def state(self) -> Path:
        """Holds what this node remembers: its spool, the last good pillar, counters."""
        return self.root / "state"

    @property
    def transfers(self) -> Path:
        """Holds the tars of exports and imports under way."""
        return self.root / "transfers"

    @property
    def images(self) -> Path:
        """Holds the pub's image while it is being fetched."""
        return self.root / "images"

    @property
    def drop(self) -> Path:
        """The folder into which anything on the node drops events as files."""
        return self.root / "drop"

    @property
    def executor(self) -> Path:
        """Holds what commands of the catalogue need while they run, and how they ended."""
        return self.root / "executor"

    @property
    def machines(self) -> Path:
        """Holds the machines that this node's operator put there."""
        return self.root / "machines"

    @property
    def bundles(self) -> Path:
        """Holds the bundle in use, and what is known about it."""
        return self.root / "bundles"

    @property
    def masterless(self) -> Path:
        """Holds the states that this node last converged with."""
        return self.root / "masterless"

    @property
    def running(self) -> Path:
        """Holds what the instances of each machine remember."""
        return self.state / "machines"

    def bot(self, bot: str) -> Path:
        """A bot's data directory; raises Invalid if ``bot`` is no bot's id."""
        return self.bots / bot_id(bot)

    def config(self, bot: str) -> Path:
        """A bot's configuration file; raises Invalid if ``bot`` is no bot's id."""
        return self.configs / f"{bot_id(bot)}.json"
