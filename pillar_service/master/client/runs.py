"""What the dispatcher asks of the service: claiming runs, reporting on them, and following changes."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core import errors
from pillar_service.master.client.asking import LONG_POLL_S, Asking, query, segment


class Runs(Asking):
    """The client's part for runs."""

    def claim(
        self, master: str, fence: int | None = None, wait: float = LONG_POLL_S
    ) -> tuple[list[dict[str, Any]], int | None]:
        """The next runs for this master, and the fence of its lease; waits up to ``wait`` seconds for a run.

        A fence of None means that another master publishes now; a new fence, that other masters' runs are ours now.
        """
        told = {"master": master, "wait": int(wait), "fence": fence}
        answer = self._json("POST", "/jobs/claim", told, wait=wait)
        return answer["runs"], answer["fence"]

    def runs(self, master: str) -> list[dict[str, Any]]:
        """The runs that this master holds."""
        return self._json("GET", "/runs" + query({"master": master}))["runs"]

    def started(self, run: str, jid: str) -> None:
        """Reports, before publishing a run, its jid; raises Conflict when the run is no longer ours."""
        self._json("POST", f"/runs/{segment(run)}/started", {"jid": jid})

    def all_started(self, jids: Mapping[str, str]) -> dict[str, errors.SaltcellarError]:
        """Reports the jids of many runs (id: jid) at once; returns the error of each refused one, by id."""
        return self._refused("/runs/started", {"runs": dict(jids)})

    def results(self, told: Mapping[str, Mapping[str, Any]]) -> dict[str, errors.SaltcellarError]:
        """Hands in the results of many runs, by id; returns the error of each refused one, by id."""
        return self._refused("/runs/results", {"results": dict(told)})

    def lines(self, run: str, lines: list[dict[str, str]]) -> None:
        """Hands in lines of a run; lines with the same key count once."""
        self._json("POST", f"/runs/{segment(run)}/lines", {"lines": lines})

    def result(self, run: str, told: Mapping[str, Any]) -> None:
        """Hands in a run's result; handed in twice, it counts once."""
        self._json("POST", f"/runs/{segment(run)}/result", told)

    def failed(self, run: str, jid: str | None, reason: str, detail: str) -> bool:
        """Reports why a run has no result; the service decides what becomes of its jobs.

        Returns whether the run is over: if not, its node has begun it, and may still report its result.
        """
        told = {"reason": reason, "detail": detail} | ({"jid": jid} if jid else {})
        return self._json("POST", f"/runs/{segment(run)}/failed", told)["over"] is True

    def changes(self, after: int | None, wait: float = LONG_POLL_S) -> tuple[int, list[str], list[str]]:
        """The current serial, the nodes whose pillar changed after ``after``, and those of them whose configuration did.

        Waits up to ``wait`` seconds for a change.
        """
        asked = {"wait": int(wait)} | ({} if after is None else {"after": after})
        answer = self._json("GET", "/changes" + query(asked), wait=wait)
        return answer["serial"], answer["nodes"], answer["configured"]

    def keys(self, after: int, wait: float = LONG_POLL_S) -> tuple[int, list[dict[str, Any]]]:
        """The current serial, and the nodes' keys that changed after ``after`` (node, public_key, state).

        Waits up to ``wait`` seconds for a change.
        """
        answer = self._json("GET", "/nodes/keys" + query({"after": after, "wait": int(wait)}), wait=wait)
        return answer["serial"], answer["keys"]

    def tell_place(self, address: str | None, publish_port: int, return_port: int, public_key: str) -> None:
        """Tells the service where nodes find this master, and its key."""
        told = {"address": address, "publish_port": publish_port, "return_port": return_port, "public_key": public_key}
        self._json("POST", "/masters/place", told)
