"""What the dispatcher does for the service: runs that it claims, tells of and ends, and what changes meanwhile."""

from collections.abc import Mapping
from typing import Any

from pillar_service.core import errors
from pillar_service.master.client.asking import LONG_POLL_S, Asking, query, segment


class Runs(Asking):
    """The client's part for runs."""

    def claim(
        self, master: str, fence: int | None = None, wait: float = LONG_POLL_S
    ) -> tuple[list[dict[str, Any]], int | None]:
        """The next runs for this master, and the fence of its lease; waits up to ``wait`` seconds for one.

        No fence: another master publishes now. Another fence than the one known: the runs of another are ours now.
        """
        told = {"master": master, "wait": int(wait), "fence": fence}
        answer = self._json("POST", "/jobs/claim", told, wait=wait)
        return answer["runs"], answer["fence"]

    def runs(self, master: str) -> list[dict[str, Any]]:
        """The runs that this master holds."""
        return self._json("GET", "/runs" + query({"master": master}))["runs"]

    def started(self, run: str, jid: str) -> None:
        """Says, before publishing, under which jid; raises Conflict when the run is no longer ours."""
        self._json("POST", f"/runs/{segment(run)}/started", {"jid": jid})

    def all_started(self, jids: Mapping[str, str]) -> dict[str, errors.SaltcellarError]:
        """Says so of many runs (id: jid) at once; the error of each that was refused, by its id."""
        return self._refused("/runs/started", {"runs": dict(jids)})

    def results(self, told: Mapping[str, Mapping[str, Any]]) -> dict[str, errors.SaltcellarError]:
        """Hands in what many runs returned, by id; the error of each that was refused, by its id."""
        return self._refused("/runs/results", {"results": dict(told)})

    def lines(self, run: str, lines: list[dict[str, str]]) -> None:
        """Hands in lines of a run; the same key twice counts once."""
        self._json("POST", f"/runs/{segment(run)}/lines", {"lines": lines})

    def result(self, run: str, told: Mapping[str, Any]) -> None:
        """Hands in what the node returned; twice counts once."""
        self._json("POST", f"/runs/{segment(run)}/result", told)

    def failed(self, run: str, jid: str | None, reason: str, detail: str) -> bool:
        """Says why a run came to no end; the service decides what becomes of its jobs.

        Returns whether it is over: if not, its node has begun it, and may still tell what came of it.
        """
        told = {"reason": reason, "detail": detail} | ({"jid": jid} if jid else {})
        return self._json("POST", f"/runs/{segment(run)}/failed", told)["over"] is True

    def changes(self, after: int | None, wait: float = LONG_POLL_S) -> tuple[int, list[str], list[str]]:
        """The serial now, the nodes whose pillar changed after ``after``, and those of them whose configuration did.

        Waits up to ``wait`` seconds for one.
        """
        asked = {"wait": int(wait)} | ({} if after is None else {"after": after})
        answer = self._json("GET", "/changes" + query(asked), wait=wait)
        return answer["serial"], answer["nodes"], answer["configured"]

    def keys(self, after: int, wait: float = LONG_POLL_S) -> tuple[int, list[dict[str, Any]]]:
        """The serial now and the keys of nodes that changed after ``after`` (node, public_key, state); waits for one."""
        answer = self._json("GET", "/nodes/keys" + query({"after": after, "wait": int(wait)}), wait=wait)
        return answer["serial"], answer["keys"]

    def tell_place(self, address: str | None, publish_port: int, return_port: int, public_key: str) -> None:
        """Tells where nodes find this master, and its key."""
        told = {"address": address, "publish_port": publish_port, "return_port": return_port, "public_key": public_key}
        self._json("POST", "/masters/place", told)
