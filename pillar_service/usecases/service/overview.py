"""How the service itself is: its database and disks, its queue, its masters."""

import shutil
import time
from pathlib import Path
from typing import Any

from pillar_service import __version__
from pillar_service.core.jobs.jobs import OPEN, OVER, JobState
from pillar_service.settings import settings
from pillar_service.store.service import figures
from pillar_service.usecases.service.masters import PROMETHEUS

STARTED = time.time()
"""When this process began (a worker inherits it from the server), in Unix seconds."""

MOST_RUNS = 50


def service() -> dict[str, Any]:
    """Version, uptime (seconds), the database's kind and size, and the free bytes on the disks of tars and database."""
    kind, size = figures.database()
    file = figures.database_file()
    return {
        "version": __version__,
        "uptime_s": time.time() - STARTED,
        "database": kind,
        "database_bytes": size,
        "database_free_bytes": _free(Path(file).absolute().parent) if file else None,
        "files_free_bytes": _free(settings().files),
    }


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def queue() -> dict[str, Any]:
    """Open jobs by state, the age of the oldest (seconds; None if there is none), and what ended in the last hour."""
    now = time.time()
    waiting = figures.open_jobs()
    ended = dict.fromkeys(sorted(map(str, OVER)), 0) | figures.ended_jobs(now - 3600, now + 1)
    oldest = min((at for _, at in waiting.values()), default=None)
    return {
        "open": {str(state): waiting.get(state, (0, 0.0))[0] for state in JobState if state in OPEN},
        "oldest_s": None if oldest is None else max(0.0, now - oldest),
        "last_hour": ended,
    }


def masters() -> dict[str, Any]:
    """{"masters", "runs"}: who claims jobs, and when each was last seen; the open runs, expired ones first."""
    now = time.time()
    runs = [
        {
            "id": run.id,
            "master": run.master,
            "node": run.node,
            "function": run.function,
            "state": run.state,
            "jid": run.jid,
            "created_at": run.created_at,
            "expires_at": run.expires_at,
            "is_expired": run.expires_at < now,
        }
        for run in figures.open_runs(MOST_RUNS)
    ]
    known = [one for one in figures.masters() if one["name"] != PROMETHEUS]
    return {"masters": known, "runs": runs}
