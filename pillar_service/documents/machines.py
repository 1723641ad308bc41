"""A machine from the bytes of its file; a library checks whether its schedules ever come due."""

from croniter import croniter

from pillar_service.core.machines import machine_files
from pillar_service.core.machines.machines import Kind, Machine
from pillar_service.documents import reading
from pillar_service.documents.faults import Faults

ANY_TIME = 0.0
"""Where the search for a schedule's next time starts (Unix seconds): the calendar repeats, so any start will do."""

NEVER = "No time ever fits these five fields: there is no such minute, hour, day or month."


def read(raw: bytes, name: str, faults: Faults) -> Machine | None:
    """The machine of that name, as far as it can be made; every fault is noted with its line.

    None if the file can't be read at all.
    """
    values = reading.plain(raw, faults)
    if values is None and faults.found:
        return None  # a file that can't be read has no other faults
    made = machine_files.read(values, name, faults)
    for watcher in made.watchers.values() if made else ():
        if watcher.kind is Kind.SCHEDULE and not _comes(watcher.settings["cron"]):
            faults.add(("watchers", watcher.name, "cron"), NEVER)
    return made


def _comes(cron: str) -> bool:
    try:
        croniter(cron, ANY_TIME).get_next(float)
    except ValueError:  # the base of all that croniter raises
        return False
    return True
