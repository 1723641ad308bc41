"""What an operator can ask of this node's machines: to list and show them, their history, and to take an event."""

import json
import time
from typing import Any

from pillar_service.core import names
from pillar_service.core.errors import Invalid, NotFound, Unavailable
from pillar_service.core.machines.machines import Machine
from pillar_service.node import agent, disk
from pillar_service.node.machines.library import Library, Loaded
from pillar_service.node.machines.memory import Memory, files
from pillar_service.node.paths import Home

FIRE = ".fire"


def listed(home: Home) -> dict[str, Any]:
    """Every machine: what it is about, its file, the file's fault if it has one, and the state of each instance."""
    library = _library(home)
    told = {name: _row(home, one) for name, one in sorted(library.loaded.items())}
    for name, fault in library.problems.items():
        told.setdefault(name, {"about": None, "states": _states(home, name)})["fault"] = fault
    return told


def show(home: Home, machine: str) -> dict[str, Any]:
    """One machine: its states, events and watchers, and each instance's state, for how long, and what it remembers."""
    found = _found(home, machine)
    made = found.machine
    return {
        "about": made.about,
        "file": str(found.file),
        "states": list(made.states),
        "events": sorted(made.events),
        "watchers": {name: f"{one.kind}, fires {one.fires}" for name, one in made.watchers.items()},
        "instances": {
            subject: {
                "state": one.state,
                "for_s": int(one.in_state_s),
                "remembers": one.values,
                "busy": one.pending is not None,
                "waits": (one.pending or {}).get("waits", ""),
                "uses_this_file": one.content == found.content,
            }
            for subject, one in _memories(home, machine).items()
        },
    }


def history(home: Home, machine: str, subject: str | None = None, last: object = 20) -> dict[str, list[dict[str, Any]]]:
    """What a machine did, newest first, for one of its instances (``subject``) or for each."""
    if not names.SHORT_NAME.fullmatch(machine):
        raise NotFound(f"This node has no machine {names.shown(machine)}.")
    count = names.whole_number(last, "number of entries", 1, 1000)
    found = _memories(home, machine)
    if subject is not None and subject not in found:
        raise NotFound(f"{machine} has no history for {names.shown(subject)}.")
    return {one: kept.history[::-1][:count] for one, kept in found.items() if subject in (None, one)}


def fire(home: Home, machine: str, event: str, subject: str | None = None) -> dict[str, Any]:
    """Have the machine's instances, or one of them, take an event shortly.

    Raises Invalid if the machine has no such event, NotFound if there is no such machine or instance, and Unavailable if
    this node's agent does not run.
    """
    made = _found(home, machine).machine
    if event not in made.events:
        raise Invalid(f"{machine} takes no event {names.shown(event)}; it takes: {', '.join(sorted(made.events))}.")
    subjects = [one for one in _memories(home, machine) if subject in (None, one)]
    if not subjects:
        raise NotFound(f"{machine} has no such instance on this node.")
    if not agent.runs(home):
        raise Unavailable("This node's agent is not running, so nothing was fired: restart its minion to start it.")
    folder = home.running / FIRE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in subjects:
        _ask(folder, made, event, one)
    return {"machine": machine, "event": event, "asked": subjects}


def _ask(folder: Any, made: Machine, event: str, subject: str) -> None:
    told = json.dumps({"machine": made.name, "event": event, "subject": subject})
    disk.write_atomically(folder / f"{time.time_ns():020}-{names.new_id()}.json", told.encode())


def _library(home: Home) -> Library:
    library = Library(home)
    library.refresh()
    return library


def _found(home: Home, machine: str) -> Loaded:
    library = _library(home)
    found = library.loaded.get(machine)
    if found is None:
        raise NotFound(library.problems.get(machine) or f"This node has no machine {names.shown(machine)}.")
    return found


def _row(home: Home, one: Loaded) -> dict[str, Any]:
    return {"about": one.machine.about, "file": str(one.file), "states": _states(home, one.machine.name)}


def _states(home: Home, machine: str) -> dict[str, str]:
    return {subject: one.state for subject, one in _memories(home, machine).items()}


def _memories(home: Home, machine: str) -> dict[str, Memory]:
    return {file.stem: Memory.at(file) for file in files(home.running, machine)}
