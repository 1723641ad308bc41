"""Commands of the catalogue, who may run them, retention, and the audit."""

from collections.abc import Mapping
from typing import Any

from pillar_service.master.client.asking import RUN_S, Asking, query, segment


class Commands(Asking):
    """The client's part for commands."""

    def commands(self) -> dict[str, Any]:
        """The catalogue's commands, and if its files can't be read now, why (``fault``)."""
        return self._json("GET", "/meeseeks/commands")

    def reload(self) -> dict[str, Any]:
        """Makes the service read the catalogue's files now; returns the catalogue that is in force then."""
        return self._json("POST", "/meeseeks/reload", {})

    def run(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Asks for a ``command`` with ``arguments`` on a ``selector``'s nodes; returns its job, or the ``preview``."""
        answer = self._json("POST", "/meeseeks/run", told)
        return answer["preview"] if told.get("preview") else answer["job"]

    def command_jobs(self, actor: str = "") -> list[dict[str, Any]]:
        """The newest jobs of commands, of that actor if given."""
        return self._json("GET", "/meeseeks/jobs" + query({"actor": actor} if actor else {}))["jobs"]

    def command_job(self, job: str, after: int = 0, wait: float = 0) -> dict[str, Any]:
        """A command's job with its parts and its lines after ``after``; waits up to ``wait`` seconds for anything new."""
        asked = query({"after": after, "wait": int(wait)})
        return self._json("GET", f"/meeseeks/jobs/{segment(job)}" + asked, wait=wait)

    def cancel_command(self, job: str) -> dict[str, Any]:
        """Cancels a job, or those of its parts that have not begun; returns the job."""
        return self._json("POST", f"/meeseeks/jobs/{segment(job)}/cancel", {})["job"]

    def kill(self, job: str, force: bool) -> list[dict[str, Any]]:
        """Ends a job wherever it runs; returns the jobs that end it."""
        return self._json("POST", f"/meeseeks/jobs/{segment(job)}/kill", {"force": force})["jobs"]

    def can(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Whether a ``user`` may run a ``line`` in a ``channel``, and why."""
        return self._json("POST", "/meeseeks/can", told)

    def forget(self) -> dict[str, Any]:
        """Deletes what is older than the settings allow; returns how much of each kind was deleted."""
        return self._json("POST", "/retention", {}, wait=RUN_S)

    def audit(self, **wanted: object) -> list[dict[str, Any]]:
        """The newest rows of the audit, filtered by actor, action, subject, since and until (days); at most ``limit``."""
        return self._json("GET", "/audit" + query(wanted))["rows"]

    def verify_audit(self, n: int | None, chain: str) -> dict[str, Any]:
        """Checks that the audit is unchanged, also up to a head (``n``, ``chain``) that was noted before, if given."""
        noted = {} if n is None else {"n": n, "chain": chain}
        return self._json("GET", "/audit/verify" + query(noted), wait=RUN_S)
