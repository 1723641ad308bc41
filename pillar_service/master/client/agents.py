"""Bots and people, jobs for bots, and tars that are uploaded and downloaded."""

from collections.abc import Mapping
from typing import IO, Any

from pillar_service.master.client.asking import TRANSFER_S, Asking, query, segment


class Agents(Asking):
    """The client's part for agents."""

    def agents(self, **wanted: str) -> list[dict[str, Any]]:
        """The agents with this type, name, account or email, as given."""
        return self._json("GET", "/agents" + query(wanted))["agents"]

    def agent(self, which: str) -> dict[str, Any]:
        """One agent by id, bot name or e-mail address."""
        return self._json("GET", f"/agents/{segment(which)}")["agent"]

    def create_agent(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a bot or a person; returns the answer: its ``agent``, and the ``job`` or the ``password`` made with it."""
        return self._json("POST", "/agents", told)

    def change_agent(self, which: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Changes an agent; returns the answer: the ``agent``, and the jobs that carry out the change."""
        return self._json("PATCH", f"/agents/{segment(which)}", told)

    def delete_agent(self, which: str, purge: bool) -> dict[str, Any]:
        """Deletes a bot, with its data if ``purge``; returns the answer: the ``agent`` and the ``job``."""
        return self._json("DELETE", f"/agents/{segment(which)}" + query({"purge": "true" if purge else "false"}))

    def purge(self) -> list[dict[str, Any]]:
        """Deletes the data of deleted bots whose time has come; returns the jobs that do so."""
        return self._json("POST", "/purges", {})["jobs"]

    def restore(self, bot: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Restores a lost node's bot on another node (node, typed); returns the answer: the ``agent`` and its ``job``."""
        return self._json("POST", f"/agents/{segment(bot)}/restore", told)

    def submit(self, command: str, bot: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Queues a command for a bot; returns the job."""
        return self._json("POST", "/jobs", {"command": command, "bot": bot, "arguments": dict(arguments)})["job"]

    def job(self, job: str, after: int = 0, wait: float = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A job, and its lines after line ``after``; waits up to ``wait`` seconds for anything new."""
        answer = self._json("GET", f"/jobs/{segment(job)}" + query({"after": after, "wait": int(wait)}), wait=wait)
        return answer["job"], answer["lines"]

    def upload(self, tar: IO[bytes], size: int) -> dict[str, Any]:
        """Uploads a pub's tar of ``size`` bytes to be imported; returns its id and what was found in it."""
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(size)}
        return self._object(self._ask("POST", "/uploads", headers, tar, TRANSFER_S))

    def download(self, job: str, into: IO[bytes]) -> None:
        """Writes the tar of an export job into a file."""
        self._ask("GET", f"/transfers/{segment(job)}", {}, None, TRANSFER_S, into)
