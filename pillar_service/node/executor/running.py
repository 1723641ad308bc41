"""One run of a command: refused, or begun and watched, with its outcome written down before it is returned."""

import contextlib
import hashlib
import os
import selectors
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pillar_service.core.errors import Failed, Invalid, SaltcellarError
from pillar_service.core.meeseeks import runs
from pillar_service.node.door import Door
from pillar_service.node.executor import arguments as giving
from pillar_service.node.executor import cage, entries, outcomes, people, processes, records, warden
from pillar_service.node.executor.child import Called, Program
from pillar_service.node.executor.entries import Entry
from pillar_service.node.executor.functions import Call, called
from pillar_service.node.executor.output import Output
from pillar_service.node.executor.records import Record
from pillar_service.node.executor.redactor import Redactor
from pillar_service.node.executor.sending import Sender, Way
from pillar_service.node.executor.warden import Pipes
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

CHUNK = 1 << 16

Fetch = Callable[[str], str | None]
"""Fetches a file from the master (``salt://…``): the path of the copy on this node, or None (or "") if there is none."""


class Executor:
    """Runs commands on this node; ``fetch`` and ``call`` come from the minion's loader."""

    def __init__(self, home: Home, node: str, told: Told, fetch: Fetch, call: Call) -> None:
        self._home, self._node, self._told = home, node, told
        self._fetch, self._call = fetch, call

    def run(self, job: object, attempt: object, command: object, arguments: object) -> dict[str, Any]:
        """Run one attempt of a job; returns the outcome. If asked again, returns that outcome without another run.

        Raises Invalid for a bad job id or attempt; the outcome says whatever else goes wrong.
        """
        record = Record.of(self._home, job, attempt)
        with record.held():
            before = outcomes.of(record)
            if before is not None:
                return before
            records.sweep(self._home)
            try:
                return self._checked(record, command, arguments)
            except SaltcellarError as error:
                return outcomes.refused(record, error)

    def _checked(self, record: Record, command: object, given: object) -> dict[str, Any]:
        entry = entries.entry(self._told.commands, command)
        if not isinstance(given, Mapping):
            raise Invalid("The arguments must be an object of names and values.")
        giving.checked(entry, given, None)
        who = None if entry.function else people.person(entry.user)
        script = self._fetched(entry)
        with records.slot(self._home, entry.name, entry.concurrency) as is_free:
            if not is_free:
                return outcomes.not_begun(
                    record, f"{entry.name} is already running {entry.concurrency} times on this node."
                )
            run = Run(self._home, self._node, record, entry, Door(self._told.service))
            return run.carry_out(given, who, script, self._call)

    def _fetched(self, entry: Entry) -> str | None:
        if entry.script is None:
            return None
        path = self._fetch(entry.script.source)
        if not path:
            raise Failed(f"The master has no {entry.script.source}: nothing was run.")
        return path


class Run:
    """One run that has passed every check on this node; only the service can still refuse it."""

    def __init__(self, home: Home, node: str, record: Record, entry: Entry, door: Door) -> None:
        self._home, self._node, self._record = home, node, record
        self._entry, self._door = entry, door

    def carry_out(
        self, given: Mapping[str, Any], who: people.Person | None, script: str | None, call: Call
    ) -> dict[str, Any]:
        """Ask the service whether it may begin, run the command, write the outcome down and return it."""
        try:
            secrets = self._door.begin(self._record.job, self._record.attempt)
        except SaltcellarError as error:
            return outcomes.not_begun(self._record, error.sentence)
        self._note(None)
        try:
            arguments = giving.checked(self._entry, given, secrets)
            redactor = Redactor(giving.secret_texts(self._entry, arguments), self._entry.redact)
            with self._scratch(who, script) as (folder, copy):
                first = self._first(arguments, who, folder, copy, call)
                ended, output = self._watched(first, redactor)
            told = outcomes.ended(self._record, ended, output, self._entry.timeout_s)
        except SaltcellarError as error:
            told = outcomes.failed(self._record, error.sentence)
        except OSError as error:
            told = outcomes.failed(self._record, f"This node could not run it: {error.strerror or error}.")
        self._record.write(told)
        return told

    def _note(self, pid: int | None) -> None:
        told = outcomes.running(self._record, self._entry.name, self._entry.user)
        found = None if pid is None else processes.look(pid)
        self._record.write(told | ({"pid": pid, "start": found.start} if found else {}))

    @contextlib.contextmanager
    def _scratch(self, who: people.Person | None, script: str | None) -> Iterator[tuple[str, str | None]]:
        """An empty folder that the user owns, and beside it a copy of the script, which the user can't replace."""
        folder = self._record.scratch
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            folder.chmod(0o711)
            copy = None
            if script:
                copy = str(folder / "script")
                shutil.copyfile(script, copy)
                self._require_asked(copy)
                os.chmod(copy, 0o755)  # noqa: S103  (it holds no secret, and its user must read it)
            (folder / "work").mkdir(mode=0o700)
            if who:
                os.chown(folder / "work", who.uid, who.gid)
            yield str(folder / "work"), copy
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _require_asked(self, copy: str) -> None:
        """Raise Failed if this copy of the script is not the one that the catalogue names; it need not name any."""
        script = self._entry.script
        if script is None or script.sha256 is None:
            return
        with open(copy, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != script.sha256:
                raise Failed(
                    f"The master's {script.source} is not the one that was asked for: nothing was run. Correct its sha256 "
                    "in commands.yaml if the change is meant, and ask again."
                )

    def _first(
        self, arguments: dict[str, Any], who: people.Person | None, folder: str, script: str | None, call: Call
    ) -> warden.First:
        if who is None:
            assert self._entry.function
            leading, keywords = runs.call(self._entry.function, arguments)
            return Called(
                lambda: called(call, str(self._entry.function and self._entry.function.name), leading, keywords),
                self._entry.limits.cpu_s,
            )
        argv = giving.words(self._entry, arguments, script)
        told = {"job": self._record.job, "attempt": str(self._record.attempt)}
        told |= {"node": self._node, "command": self._entry.name, "scratch": folder}
        environment = people.environment(who, folder, told, arguments)
        return Program(argv, environment, who, folder, self._entry.limits)

    def _watched(self, first: warden.First, redactor: Redactor) -> tuple[dict[str, Any], Output]:
        """Run the command under a warden and take in its output until all its processes have ended."""
        around = cage.build(self._record.name, self._entry.limits)
        self._record.lines.unlink(missing_ok=True)
        output, pipes, began = Output(self._record.lines, redactor), Pipes(), time.monotonic()
        pid = warden.start(first, self._entry.timeout_s, around, pipes)
        self._note(pid)
        sender = Sender(Way(self._record.lines, self._record.job, self._record.attempt), self._door)
        sender.start()
        report = _heard(pipes, output)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        around.remove()  # the warden did, unless it was killed
        output.close()
        sender.finish()
        return {**outcomes.report(report), "seconds": round(time.monotonic() - began, 3)}, output


def _heard(pipes: Pipes, output: Output) -> bytes:
    """Take in the output; returns the warden's report, after which the command has no process left to write any."""
    report = bytearray()
    with selectors.DefaultSelector() as selector:
        for name in ("stdout", "stderr", "report"):
            selector.register(getattr(pipes, name), selectors.EVENT_READ, name)
        until = float("inf")
        while selector.get_map() and time.monotonic() < until:
            for key, _ in selector.select(0.5):
                chunk = os.read(key.fd, CHUNK)
                if key.data == "report":
                    report += chunk
                    until = until if chunk else time.monotonic() + 2.0
                else:
                    output.feed(key.data, chunk)
                if not chunk:
                    selector.unregister(key.fd)
    pipes.close()
    return bytes(report)
