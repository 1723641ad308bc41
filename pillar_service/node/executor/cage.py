"""A control group around a command's processes, where the system lets us make one: it bounds what they use together.

Versions 1 and 2 of the interface are supported. Where neither can be written to, only the limits of each process
(getrlimit(2)) apply, and the one on the number of processes does not bind root.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pillar_service.node.executor.entries import Limits

MOUNT = Path("/sys/fs/cgroup")
OURS = "saltcellar"


@dataclass(frozen=True)
class Cage:
    """The folders of one command's control groups; empty if there are none."""

    folders: tuple[Path, ...] = ()

    def enter(self) -> None:
        """Put the calling process, and all that it will start, inside."""
        for folder in self.folders:
            with suppress(OSError):
                (folder / "cgroup.procs").write_text(str(os.getpid()))

    def kill(self) -> None:
        """Send SIGKILL to every process inside."""
        for folder in self.folders:
            with suppress(OSError):
                (folder / "cgroup.kill").write_text("1")
        for pid in self.inside():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def inside(self) -> set[int]:
        """The ids of the processes inside."""
        found: set[int] = set()
        for folder in self.folders:
            with suppress(OSError, ValueError):
                found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        return found

    def remove(self) -> None:
        """Remove the control groups; one that still has processes stays."""
        for folder in self.folders:
            with suppress(OSError):
                folder.rmdir()


def build(name: str, limits: Limits, mount: Path = MOUNT) -> Cage:
    """A cage with these limits, as far as the system has control groups and we may make them."""
    if os.geteuid() != 0:
        return Cage()
    memory = limits.memory_mb << 20
    if (mount / "cgroup.controllers").exists():
        values = {"pids.max": limits.processes, "memory.max": memory, "memory.swap.max": 0}
        with suppress(OSError):
            (mount / OURS).mkdir(exist_ok=True)
            for folder in (mount, mount / OURS):
                (folder / "cgroup.subtree_control").write_text("+pids +memory")
        return Cage(tuple(_made(mount / OURS / name, values)))
    pids = _made(mount / "pids" / OURS / name, {"pids.max": limits.processes})
    return Cage((*pids, *_made(mount / "memory" / OURS / name, {"memory.limit_in_bytes": memory})))


def left() -> dict[str, Cage]:
    """All cages by name, also those of other nodes on the same machine, which share these folders."""
    found: dict[str, list[Path]] = {}
    for place in (MOUNT / OURS, MOUNT / "pids" / OURS, MOUNT / "memory" / OURS):
        for folder in place.iterdir() if place.is_dir() else ():
            if folder.is_dir():
                found.setdefault(folder.name, []).append(folder)
    return {name: Cage(tuple(folders)) for name, folders in found.items()}


def _made(folder: Path, values: dict[str, int]) -> list[Path]:
    if not folder.parent.parent.is_dir():
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return []
    for name, value in values.items():
        with suppress(OSError):
            if (folder / name).exists():
                (folder / name).write_text(str(value))
    return [folder]
