"""What a watcher sees: one bounded look, as plain values under the names that `core/machines/machines.py` gives them."""

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pillar_service.core.errors import NotFound
from pillar_service.core.machines.machines import Kind, Watcher
from pillar_service.core.meeseeks import templates
from pillar_service.node.machines import commands, containers, fetching

Look = dict[str, Any]
Configuration = Callable[[str], Any]
"""Returns the value of a key of the account's configuration; raises NotFound if there is none."""

Put = Callable[[str, Any], object]
"""Sets a key of the account's configuration; raises a SaltcellarError."""

HASHED = 1 << 20
"""Bytes up to which a file is compared by its content: the most that a file of a bundle may have."""

TEXT = 4096
"""How many bytes of an answer are read."""


def look(watcher: Watcher, places: Mapping[str, Any], configuration: Configuration) -> Look:
    """One look; raises a SaltcellarError or OSError if nothing can be seen."""
    told = {word: _filled(value, places) for word, value in watcher.settings.items()}
    if watcher.kind is Kind.KV:
        return _kv(configuration, told["key"])
    return _LOOKS[watcher.kind](told)


def _filled(value: Any, places: Mapping[str, Any]) -> Any:
    if isinstance(value, tuple):
        return templates.words(value, places)
    return templates.word(value, places) if isinstance(value, str) else value


def _exec(told: Mapping[str, Any]) -> Look:
    ended = commands.run(told["command"], told["timeout"], told["user"])
    return {
        "exit_code": ended.exit_code,
        "output": ended.output,
        "timed_out": ended.timed_out,
        "seconds": ended.seconds,
    }


def _http(told: Mapping[str, Any]) -> Look:
    began, seen = time.monotonic(), {"status": 0, "answers": False, "text": ""}
    with contextlib.suppress(*fetching.ERRORS):
        status, text = fetching.beginning(told["url"], told["timeout"], TEXT)
        seen = {"status": status, "answers": True, "text": text.decode(errors="replace")}
    return {**seen, "seconds": round(time.monotonic() - began, 3)}


def _file(told: Mapping[str, Any]) -> Look:
    try:
        found = os.stat(told["path"])
    except FileNotFoundError:
        return {"exists": False, "size_bytes": 0, "age_s": 0, "mark": None}
    age = max(0, int(time.time() - found.st_mtime))
    return {"exists": True, "size_bytes": found.st_size, "age_s": age, "mark": _mark(told["path"], found)}


def _mark(path: str, found: os.stat_result) -> Any:
    """A mark that changes with the content: its hash or, if it is large or no file, its modification time, size and inode."""
    if not stat.S_ISREG(found.st_mode) or found.st_size > HASHED:
        return {"at": found.st_mtime_ns, "size": found.st_size, "inode": found.st_ino}
    # Not blocking, in case somebody puts a pipe in its place meanwhile.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        return hashlib.sha256(file.read(HASHED)).hexdigest()


def _metric(told: Mapping[str, Any]) -> Look:
    name = told["metric"]
    if name == "load":
        return {"value": round(os.getloadavg()[0] / (os.cpu_count() or 1), 3)}
    if name == "memory_free_percent":
        lines = Path("/proc/meminfo").read_text().splitlines()
        kept = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in lines)}
        return {"value": round(100 * kept["MemAvailable"] / kept["MemTotal"], 1)}
    disk = os.statvfs(told["path"])
    free, whole = (disk.f_favail, disk.f_files) if name.startswith("inodes") else (disk.f_bavail, disk.f_blocks)
    if name == "disk_free_bytes":
        return {"value": free * disk.f_frsize}
    return {"value": round(100 * free / whole, 2) if whole else 100.0}


def _kv(configuration: Configuration, key: str) -> Look:
    try:
        value = configuration(key)
    except NotFound:
        return {"exists": False, "value": None, "mark": None}
    return {"exists": True, "value": value, "mark": value}


def _nothing(_: Mapping[str, Any]) -> Look:
    return {}


_LOOKS: Mapping[Kind, Callable[[Mapping[str, Any]], Look]] = {
    Kind.EXEC: _exec,
    Kind.CONTAINER: lambda told: containers.look(told["container"]),
    Kind.HTTP: _http,
    Kind.FILE: _file,
    Kind.METRIC: _metric,
    Kind.EXPRESSION: _nothing,
}
SLOW = frozenset({Kind.EXEC, Kind.CONTAINER, Kind.HTTP, Kind.FILE, Kind.METRIC})
"""Looks that may have to wait, and so are not made in the engine's own thread."""
