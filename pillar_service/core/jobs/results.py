"""Results of runs as nodes report them through their spool: Salt's own return is lost if no master is there for too long.

A node reports the run, its jid, and the result. It is believed only for a run that was published to that very node with
that jid (``usecases.jobs.results``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.outcomes import essence

MOST_JOBS = 1000
"""The most jobs in one run for which a late result is accepted."""


@dataclass(frozen=True)
class Result:
    """The result of a run: what its function returned, and Salt's return code (0: all well)."""

    run: str
    jid: str
    function: str
    jobs: tuple[str, ...]
    returned: Any
    success: bool
    retcode: int

    @classmethod
    def of_salt(cls, told: Mapping[str, Any]) -> Self | None:
        """Read a minion's return (salt.minion.Minion._thread_return); None for a run that no dispatcher of ours published."""
        beside = told.get("metadata")
        ours = beside.get("saltcellar") if isinstance(beside, Mapping) else None
        if not isinstance(ours, Mapping) or not isinstance(ours.get("run"), str):
            return None
        jobs = ours.get("jobs")
        return cls(
            ours["run"],
            str(told.get("jid")),
            str(told.get("fun")),
            tuple(map(str, jobs)) if isinstance(jobs, Mapping) else (),
            essence(told.get("return")),
            told.get("success") is True,
            told["retcode"] if isinstance(told.get("retcode"), int) else 1,
        )

    @classmethod
    def read(cls, data: object) -> Self | None:
        """Read an event's data; None for the older form, which names a command but no run. Raises Invalid."""
        if not isinstance(data, Mapping):
            raise Invalid("A run's result must be an object.")
        if "run" not in data:
            return None
        jobs = data.get("jobs")
        if not isinstance(jobs, list) or len(jobs) > MOST_JOBS:
            raise Invalid(f"A run's jobs must be a list of at most {MOST_JOBS} ids.")
        return cls(
            _id(data["run"], "run"),
            names.text(data.get("jid"), "jid", 100),
            names.text(data.get("function"), "function", 200),
            tuple(_id(one, "job") for one in jobs),
            _shown(data.get("return")),
            data.get("success") is True,
            names.whole_number(data.get("retcode"), "return code", -(2**31), 2**31),
        )

    def kept(self) -> dict[str, Any]:
        """What stays in the account's events: without what was returned, which may contain a secret of the bot's owner."""
        told = {"run": self.run, "jid": self.jid, "function": self.function, "jobs": list(self.jobs)}
        return told | {"success": self.success, "retcode": self.retcode}

    def data(self) -> dict[str, Any]:
        """The result as the data of an event."""
        return self.kept() | {"return": self.returned}


def _id(value: object, what: str) -> str:
    if names.is_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not the id of a {what}.")


def _shown(returned: Any) -> Any:
    """What was returned, if it can be encoded for a page; raises Invalid."""
    try:
        json.dumps(returned, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Invalid("What a run returned contains characters that are not text (lone surrogates).") from error
    return returned
