"""The one client of the service's private app."""

import json
import secrets
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import quote, urlencode

from pillar_service.core import errors
from pillar_service.master.bearer import Token
from pillar_service.master.refusals import problem, refusal
from pillar_service.master.wire import Answer, Wire

LONG_POLL_S = 25.0
"""How long a long poll is asked to wait; the service allows 30 s."""

MARGIN_S = 10.0
"""What a long poll may take beyond the wait that it asked for."""

RUN_S = 600.0
"""How long the payments of all accounts may take, each perhaps with a question to their provider."""

TRANSFER_S = 900.0
"""How long a tar may take on its way."""


class _Told(dict[str, Any]):
    """An answer's object; what should be in it and is not means that somebody else answered."""

    def __missing__(self, key: str) -> Any:
        raise errors.Unavailable(f"The service's answer has no {key!r}: it is of another version than this master.")


class Client:
    """The private app, one method for each thing that a master or an operator asks of it.

    ``url`` is the service's private address, ``token_file`` holds the master's token, ``timeout`` is the total of
    seconds for a request, ``actor`` the Unix user who asks. Every method raises the error that the service named
    (core.errors), or Unavailable. May be used by several threads. A POST carries an Idempotency-Key, so that one sent
    twice is done once.
    """

    def __init__(self, url: str, token_file: str, timeout: float = 10.0, actor: str | None = None) -> None:
        self._wire = Wire(url, timeout)
        self._base = url.removeprefix(self._wire.origin).rstrip("/")
        self._token = Token(token_file)
        self._actor = {"X-Actor": actor} if actor else {}

    def agents(self, **wanted: str) -> list[dict[str, Any]]:
        """The agents that fit: type, name, account, email."""
        return self._json("GET", "/agents" + _query(wanted))["agents"]

    def agent(self, which: str) -> dict[str, Any]:
        """One agent by id, bot name or e-mail address."""
        return self._json("GET", f"/agents/{_segment(which)}")["agent"]

    def create_agent(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a bot or a person; returns its agent, and the job or the password that came with it."""
        return self._json("POST", "/agents", told)

    def change_agent(self, which: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Changes an agent; returns it and the jobs that carry the change out."""
        return self._json("PATCH", f"/agents/{_segment(which)}", told)

    def delete_agent(self, which: str, purge: bool) -> dict[str, Any]:
        """Makes a bot's tombstone; returns the agent and the job."""
        return self._json("DELETE", f"/agents/{_segment(which)}" + _query({"purge": "true" if purge else "false"}))

    def purge(self) -> list[dict[str, Any]]:
        """Asks that the data of deleted bots goes whose time has come; returns the jobs."""
        return self._json("POST", "/purges", {})["jobs"]

    def submit(self, command: str, bot: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Queues a command for a bot; returns the job."""
        return self._json("POST", "/jobs", {"command": command, "bot": bot, "arguments": dict(arguments)})["job"]

    def job(self, job: str, after: int = 0, wait: float = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A job and its lines after line ``after``; waits up to ``wait`` seconds for news."""
        answer = self._json("GET", f"/jobs/{_segment(job)}" + _query({"after": after, "wait": int(wait)}), wait=wait)
        return answer["job"], answer["lines"]

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
        return self._json("GET", "/runs" + _query({"master": master}))["runs"]

    def started(self, run: str, jid: str) -> None:
        """Says, before publishing, under which jid; raises Conflict when the run is no longer ours."""
        self._json("POST", f"/runs/{_segment(run)}/started", {"jid": jid})

    def all_started(self, jids: Mapping[str, str]) -> dict[str, errors.SaltcellarError]:
        """Says so of many runs (id: jid) at once; the error of each that was refused, by its id."""
        return self._refused("/runs/started", {"runs": dict(jids)})

    def results(self, told: Mapping[str, Mapping[str, Any]]) -> dict[str, errors.SaltcellarError]:
        """Hands in what many runs returned, by id; the error of each that was refused, by its id."""
        return self._refused("/runs/results", {"results": dict(told)})

    def lines(self, run: str, lines: list[dict[str, str]]) -> None:
        """Hands in lines of a run; the same key twice counts once."""
        self._json("POST", f"/runs/{_segment(run)}/lines", {"lines": lines})

    def result(self, run: str, told: Mapping[str, Any]) -> None:
        """Hands in what the node returned; twice counts once."""
        self._json("POST", f"/runs/{_segment(run)}/result", told)

    def failed(self, run: str, jid: str | None, reason: str, detail: str) -> bool:
        """Says why a run came to no end; the service decides what becomes of its jobs.

        Returns whether it is over: if not, its node has begun it, and may still tell what came of it.
        """
        told = {"reason": reason, "detail": detail} | ({"jid": jid} if jid else {})
        return self._json("POST", f"/runs/{_segment(run)}/failed", told)["over"] is True

    def changes(self, after: int | None, wait: float = LONG_POLL_S) -> tuple[int, list[str], list[str]]:
        """The serial now, the nodes whose pillar changed after ``after``, and those of them whose configuration did.

        Waits up to ``wait`` seconds for one.
        """
        query = {"wait": int(wait)} | ({} if after is None else {"after": after})
        answer = self._json("GET", "/changes" + _query(query), wait=wait)
        return answer["serial"], answer["nodes"], answer["configured"]

    def keys(self, after: int, wait: float = LONG_POLL_S) -> tuple[int, list[dict[str, Any]]]:
        """The serial now and the keys of nodes that changed after ``after`` (node, public_key, state); waits for one."""
        answer = self._json("GET", "/nodes/keys" + _query({"after": after, "wait": int(wait)}), wait=wait)
        return answer["serial"], answer["keys"]

    def tell_place(self, address: str | None, publish_port: int, return_port: int, public_key: str) -> None:
        """Tells where nodes find this master, and its key."""
        told = {"address": address, "publish_port": publish_port, "return_port": return_port, "public_key": public_key}
        self._json("POST", "/masters/place", told)

    def payments(self) -> list[dict[str, Any]]:
        """How every account stands with its payments."""
        return self._json("GET", "/payments")["payments"]

    def payment(self, which: str) -> dict[str, Any]:
        """How one account (id or e-mail address) stands, and what it paid."""
        return self._json("GET", f"/payments/{_segment(which)}")["payment"]

    def mark_paid(self, which: str, months: object) -> dict[str, Any]:
        """Says that an account has paid so many months; returns how it stands then."""
        return self._json("POST", f"/payments/{_segment(which)}", {"months": months})["payment"]

    def run_payments(self) -> dict[str, Any]:
        """Takes all steps that are due; returns them, and what failed."""
        return self._json("POST", "/payments/run", {}, wait=RUN_S)

    def nodes(self) -> list[dict[str, Any]]:
        """Every node."""
        return self._json("GET", "/nodes")["nodes"]

    def label(self, node: str, labels: Mapping[str, str]) -> dict[str, Any]:
        """Gives a node these labels instead of those it has; returns it."""
        return self._json("PATCH", f"/nodes/{_segment(node)}", {"labels": dict(labels)})["node"]

    def share(self, node: str, sharing: str, emails: list[str]) -> dict[str, Any]:
        """Says whose bots a node takes: own, named, all; returns it."""
        told = {"sharing": sharing, "emails": emails}
        return self._json("PUT", f"/nodes/{_segment(node)}/sharing", told)["node"]

    def limit(self, node: str, most: object) -> dict[str, Any]:
        """Says how many bots a node has at most (None: as many as it carries); returns it."""
        return self._json("PUT", f"/nodes/{_segment(node)}/limit", {"bots_most": most})["node"]

    def draining(self, node: str) -> dict[str, Any]:
        """How the draining of a node stands: its moves, and what is left."""
        return self._json("GET", f"/nodes/{_segment(node)}/draining")["draining"]

    def drain(self, node: str) -> dict[str, Any]:
        """Lets a node's bots go to other nodes; returns how that stands."""
        return self._json("PUT", f"/nodes/{_segment(node)}/draining", {})["draining"]

    def undrain(self, node: str) -> dict[str, Any]:
        """Lets a node take new bots again; returns how its draining stands."""
        return self._json("DELETE", f"/nodes/{_segment(node)}/draining")["draining"]

    def revoke(self, node: str) -> dict[str, Any]:
        """Cuts a node off; returns it."""
        return self._json("POST", f"/nodes/{_segment(node)}/revoke", {})["node"]

    def rotate(self, node: str) -> dict[str, Any]:
        """Lets a node make itself another key; returns the job."""
        return self._json("POST", f"/nodes/{_segment(node)}/rotate", {})["job"]

    def enrolment_token(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a token that lets machines in; returns it with its secret."""
        return self._json("POST", "/enrolment-tokens", told)["token"]

    def enrolment_tokens(self) -> list[dict[str, Any]]:
        """The newest tokens that let machines in."""
        return self._json("GET", "/enrolment-tokens")["tokens"]

    def revoke_enrolment_token(self, token: str) -> None:
        """Ends a token that lets machines in."""
        self._json("POST", f"/enrolment-tokens/{_segment(token)}/revoke", {})

    def publish(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Sign a bundle for nodes: files, account, allow, deny, facts, days."""
        return dict(self._json("POST", "/bundles", told)["bundle"])

    def bundles(self) -> list[dict[str, Any]]:
        """The bundles that nodes may still take, the newest first."""
        return list(self._json("GET", "/bundles")["bundles"])

    def commands(self) -> dict[str, Any]:
        """The catalogue's commands, and why its files can't be taken now (``fault``), if so."""
        return self._json("GET", "/meeseeks/commands")

    def reload(self) -> dict[str, Any]:
        """Reads the catalogue's files now; returns what counts then."""
        return self._json("POST", "/meeseeks/reload", {})

    def run(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Asks for a ``command`` with ``arguments`` on what a ``selector`` means; returns its job, or the ``preview``."""
        answer = self._json("POST", "/meeseeks/run", told)
        return answer["preview"] if told.get("preview") else answer["job"]

    def command_jobs(self, actor: str = "") -> list[dict[str, Any]]:
        """The newest jobs of commands."""
        return self._json("GET", "/meeseeks/jobs" + _query({"actor": actor} if actor else {}))["jobs"]

    def command_job(self, job: str, after: int = 0, wait: float = 0) -> dict[str, Any]:
        """A job of a command with its parts and lines; waits up to ``wait`` seconds for news."""
        query = _query({"after": after, "wait": int(wait)})
        return self._json("GET", f"/meeseeks/jobs/{_segment(job)}" + query, wait=wait)

    def cancel_command(self, job: str) -> dict[str, Any]:
        """Cancels what does not run yet; returns the job."""
        return self._json("POST", f"/meeseeks/jobs/{_segment(job)}/cancel", {})["job"]

    def kill(self, job: str, force: bool) -> list[dict[str, Any]]:
        """Ends a job wherever it runs; returns the jobs that do so."""
        return self._json("POST", f"/meeseeks/jobs/{_segment(job)}/kill", {"force": force})["jobs"]

    def can(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Whether a ``user`` may run a ``line`` in a ``channel``, and why."""
        return self._json("POST", "/meeseeks/can", told)

    def forget(self) -> dict[str, Any]:
        """Removes what is older than the settings say; returns how many of what went."""
        return self._json("POST", "/retention", {}, wait=RUN_S)

    def audit(self, **wanted: object) -> list[dict[str, Any]]:
        """The newest rows of the audit that fit: actor, action, subject, since and until (days), limit."""
        return self._json("GET", "/audit" + _query(wanted))["rows"]

    def verify_audit(self, n: int | None = None, chain: str = "") -> dict[str, Any]:
        """Whether the audit is as it was written, also up to a head (``n``, ``chain``) that was noted before."""
        noted = {} if n is None else {"n": n, "chain": chain}
        return self._json("GET", "/audit/verify" + _query(noted), wait=RUN_S)

    def upload(self, tar: IO[bytes], size: int) -> dict[str, Any]:
        """Hands in a pub's tar of ``size`` bytes, to be imported; returns what was found in it."""
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(size)}
        return self._object(self._ask("POST", "/uploads", headers, tar, TRANSFER_S))

    def download(self, job: str, into: IO[bytes]) -> None:
        """Writes the tar of an export job into a file."""
        self._ask("GET", f"/transfers/{_segment(job)}", {}, None, TRANSFER_S, into)

    def _refused(self, path: str, told: Mapping[str, Any]) -> dict[str, errors.SaltcellarError]:
        refused = self._json("POST", path, told)["refused"]
        return {id: problem(one["status"], one, "The service gave no reason.") for id, one in refused.items()}

    def _json(
        self,
        method: str,
        path: str,
        told: Mapping[str, Any] | None = None,
        wait: float = 0,
        condition: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = dict(condition or {}) | ({"Content-Type": "application/json"} if told is not None else {})
        body = json.dumps(told, allow_nan=False).encode() if told is not None else None
        timeout = wait + MARGIN_S if wait else None
        return self._object(self._ask(method, path, headers, body, timeout))

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None,
        timeout: float | None = None,
        into: IO[bytes] | None = None,
    ) -> Answer:
        once = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
        sent = {**headers, **self._actor, **once, **self._token.headers()}
        answer = self._wire.ask(method, self._base + path, sent, body, timeout, into)
        if answer.status >= 400:
            raise refusal(answer, self._wire.origin)
        return answer

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = None
        if not isinstance(told, dict) or answer.content_type != "application/json":
            raise errors.Unavailable(
                f"What answers at {self._wire.origin} is not the service (it sent no JSON object): correct its address."
            )
        return _Told(told)


def _segment(value: str) -> str:
    return quote(value, safe="@")


def _query(wanted: Mapping[str, Any]) -> str:
    return "?" + urlencode(wanted) if wanted else ""
