"""Results of runs, as nodes tell them by their spool: Salt's own return is lost when no master is there for long enough.

A node says which run it was, under which jid, and what came of it. It is believed of a run that was published to that very
node under that jid, and of no other (``usecases.jobs.results``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.outcomes import essence

MOST_JOBS = 1000
"""Jobs in one run, at most, of which a late result is told."""


@dataclass(frozen=True)
class Result:
    """What came of a run: what its function returned, and Salt's return code (0: all well)."""

    run: str
    jid: str
    function: str
    jobs: tuple[str, ...]
    returned: Any
    success: bool
    retcode: int

    @classmethod
    def of_salt(cls, told: Mapping[str, Any]) -> Self | None:
        """From a minion's return (salt.minion.Minion._thread_return); None for what no dispatcher of ours published."""
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
        """From an event's data; None for the older form, which told of a command without its run. Raises Invalid."""
        if not isinstance(data, Mapping):
            raise Invalid("What came of a run must be an object.")
        if "run" not in data:
            return None
        jobs = data.get("jobs")
        if not isinstance(jobs, list) or len(jobs) > MOST_JOBS:
            raise Invalid(f"The jobs of a run are a list of at most {MOST_JOBS} ids.")
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
        """What stays in the account's events: nothing of what was returned, which may be a secret of a bot's owner."""
        told = {"run": self.run, "jid": self.jid, "function": self.function, "jobs": list(self.jobs)}
        return told | {"success": self.success, "retcode": self.retcode}

    def data(self) -> dict[str, Any]:
        """As an event tells it."""
        return self.kept() | {"return": self.returned}


def _id(value: object, what: str) -> str:
    if names.is_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not the id of a {what}.")


def _shown(returned: Any) -> Any:
    """What was returned, if a page can be sent with it; raises Invalid."""
    try:
        json.dumps(returned, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Invalid("What a run returned holds characters that are no text (lone surrogates).") from error
    return returned
