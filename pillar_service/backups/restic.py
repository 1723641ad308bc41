"""A repository of snapshots, by the command ``restic`` (0.14, Debian's): encrypted, each block stored once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Conflict, Failed, Full, Invalid, NotFound, SaltcellarError, Unavailable
from pillar_service.programs.running import Said, ran

TAG = "saltcellar"
"""The tag of all our snapshots; others in the same repository are left alone."""

MOST_S = 6 * 3600.0
"""How long a snapshot, a check or a restore may take, in seconds."""

ASKING_S = 60.0
"""How long a short question may take, in seconds."""

FORGET = ("forget", "--quiet", "--prune", "--group-by", "tags")

INCOMPLETE = 3
"""restic's exit code when a file could not be read; it has made a snapshot of the rest."""

AWAY = (
    "connection refused", "connection reset", "timed out", "could not resolve", "no route to host", "unreachable",
    "permission denied (", "host key verification failed", "dial tcp", "broken pipe", "ssh command exited",
    "unable to start the sftp session",
)  # fmt: skip
MISSING = (
    "/config: no such file", "file does not exist", "bucket does not exist", "key does not exist", "config file does not exist",
)  # fmt: skip
"""Nothing is there (a folder, SFTP or S3): a new repository may be made in that case, and in no other."""

KEYS = ("access key id you provided", "signature we calculated", "access denied", "accessdenied", "forbidden")

DAMAGED = ("decrypting blob", "ciphertext verification failed", "nonce is invalid", "invalid data returned")
"""A stored block is not what it was. Checked before what a command makes of it, such as that a file can't be dumped."""

LOCKED = "already locked"

FAULTS: tuple[tuple[tuple[str, ...], type[SaltcellarError], str], ...] = (
    (
        ('"ssh": executable file not found',),
        Failed,
        "There is no ssh here: install it (apt-get install openssh-client).",
    ),
    (("failed to execute restic",), Failed, "There is no restic here: install it (apt-get install restic)."),
    (("wrong password",), Invalid, "The password in {file} does not open the repository {where}."),
    (("resolving password failed",), Invalid, "The password's file {file} can't be read: {last}."),
    (("no space left", "disk quota"), Full, "The disk is full, here or at {where}: free some space, then try again."),
    (("config file already exists",), Conflict, "There is a repository at {where} already."),
    (AWAY, Unavailable, "The repository {where} does not answer: {last}."),
    (KEYS, Invalid, "{where} refuses the keys in CELLAR_BACKUP_S3_FILE: {last}."),
    (MISSING, NotFound, "There is no repository at {where}: is its disk mounted, and its address right?"),
    (DAMAGED, Failed, "The repository {where} is damaged: {last}. Run `restic check --read-data` to see what is left."),
    (
        ("no snapshot", "no matching id", "not found in snapshot", "should be a dir"),
        NotFound,
        "The repository {where} holds no such snapshot of Saltcellar: {last}.",
    ),
    (
        (LOCKED,),
        Conflict,
        "Another restic is working on {where}: {last}. If none is, run `restic unlock` there.",
    ),
)
"""What restic 0.14 and ssh write, the error that it means, and its sentence; the first match counts."""


@dataclass(frozen=True)
class Repository:
    """Where a repository is (``/folder``, ``sftp:host:/folder``, ``s3:https://host/bucket``), and the files that open it.

    ``cache`` is a folder of ours. ``sftp_command`` is the whole command that speaks SFTP, if ssh's own configuration is
    not to decide; ``s3_file`` holds S3's keys as AWS' tools write them. ``place`` is the place whose snapshots these
    are (restic's host), as several may share a repository; empty, if that is not known, means all of them.
    """

    address: str
    password_file: str
    cache: Path
    sftp_command: str = ""
    s3_file: str = ""
    place: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot and its place; ``added`` is how many bytes were new, if that is known."""

    id: str
    time: str
    place: str
    added: int | None = None


def make(repository: Repository) -> None:
    """Make a new, empty repository; raises Conflict if there is one."""
    _ask(repository, ["init"])


def backup(
    repository: Repository,
    folder: Path,
    paths: Sequence[str],
    without: Sequence[str],
    beat: Callable[[], None],
) -> Snapshot:
    """Make a snapshot of paths; relative ones are below ``folder``, and keep their relative names in the snapshot.

    ``without`` are absolute paths that are left out. If a file can't be read, the snapshot is removed again. Raises
    Failed.
    """
    left_out = [word for path in without for word in ("--exclude", path)]
    words = ["backup", "--quiet", "--json", "--ignore-ctime", *_ours(repository), *left_out, "--", *paths]
    said = _run(repository, words, MOST_S, folder, beat)
    told = _summary(said)
    if said.code == INCOMPLETE:
        if "snapshot_id" in told:
            _ask(repository, ["forget", told["snapshot_id"]])
        raise Failed(f"Not everything could be read, so there is no new snapshot: {said.last}.")
    _refuse(repository, said)
    return Snapshot(told["snapshot_id"], "", repository.place, told["data_added"])


def _ours(repository: Repository) -> list[str]:
    return ["--tag", TAG, *(["--host", repository.place] if repository.place else [])]


def _summary(said: Said) -> dict[str, Any]:
    lines = [line for line in said.out.splitlines() if '"message_type":"summary"' in line]
    found: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return found


def newest(repository: Repository) -> Snapshot:
    """The last snapshot made; raises NotFound, and Conflict if no place is named and several have snapshots."""
    found = snapshots(repository)
    if not found:
        raise NotFound(f"There is no snapshot at {repository.address} yet.")
    by_place = {one.place: one.id for one in found}
    if len(by_place) > 1:
        each = ", ".join(f"{place} {id}" for place, id in sorted(by_place.items()))
        raise Conflict(
            f"{repository.address} has snapshots of several places: say which one (--snapshot); the newest are {each}."
        )
    return found[-1]


def snapshots(repository: Repository) -> list[Snapshot]:
    """All of our snapshots, oldest first; those dated in the future, made by a wrong clock, come before them."""
    told = json.loads(_ask(repository, ["snapshots", "--json", *_ours(repository)]).out) or []
    soon = datetime.now(UTC) + timedelta(days=1)

    def order(one: Snapshot) -> tuple[bool, datetime]:
        at = datetime.fromisoformat(one.time)
        return at <= soon, at

    return sorted((Snapshot(one["short_id"], one["time"], one["hostname"]) for one in told), key=order)


def forget(repository: Repository, keep: Mapping[str, str], beat: Callable[[], None]) -> None:
    """Remove snapshots, and their data, except those to keep (in restic's words: ``{"within": "3d", "daily": "14"}``)."""
    words = [word for name, value in keep.items() for word in (f"--keep-{name}", value)]
    _refuse(repository, _run(repository, [*FORGET, *_ours(repository), *words], MOST_S, beat=beat))


def check(repository: Repository, beat: Callable[[], None]) -> None:
    """Check that the repository is intact; raises Failed."""
    try:
        _refuse(repository, _run(repository, ["check"], MOST_S, beat=beat))
    except Failed as error:
        raise Failed(f"The repository {repository.address} is damaged, or can't be read. {error.sentence}") from error


def read(repository: Repository, snapshot: str, path: str) -> str:
    """One small file of a snapshot; raises NotFound."""
    return _ask(repository, ["dump", "--", snapshot, path]).out


def restore(
    repository: Repository, snapshot: str, target: Path, only: Sequence[str], beat: Callable[[], None] = lambda: None
) -> None:
    """Restore what a snapshot holds at these absolute paths below ``target``, and verify what was written.

    Run as root, it restores the owners too. Raises NotFound, Failed.
    """
    which = [word for path in only for word in ("--include", path)]
    words = ["restore", "--quiet", "--verify", "--target", str(target), *which, "--", snapshot]
    _refuse(repository, _run(repository, words, MOST_S, beat=beat))


def _ask(repository: Repository, words: Sequence[str]) -> Said:
    said = _run(repository, words, ASKING_S)
    _refuse(repository, said)
    return said


def _run(
    repository: Repository,
    words: Sequence[str],
    most_s: float,
    folder: Path | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Said:
    """Run restic; if a process that died left a lock, remove that lock, and no other, and run it again."""
    said = _once(repository, words, most_s, folder, beat)
    if said.code and LOCKED in said.err.lower():
        _once(repository, ["unlock"], ASKING_S, folder, beat)
        said = _once(repository, words, most_s, folder, beat)
    return said


def _once(
    repository: Repository,
    words: Sequence[str],
    most_s: float,
    folder: Path | None,
    beat: Callable[[], None],
) -> Said:
    where = [
        "-r",
        repository.address,
        "--password-file",
        repository.password_file,
        "--cache-dir",
        str(repository.cache),
    ]
    if repository.sftp_command:
        where += ["-o", f"sftp.command={repository.sftp_command}"]
    environment = {"AWS_SHARED_CREDENTIALS_FILE": repository.s3_file} if repository.s3_file else {}
    return ran(["restic", *where, *words], environment, most_s, folder, beat)


def _refuse(repository: Repository, said: Said) -> None:
    if said.code:
        raise _error(repository, said)


def _error(repository: Repository, said: Said) -> SaltcellarError:
    words = f"{said.err}{said.out}".lower()
    for known, kind, sentence in FAULTS:
        if any(word in words for word in known):
            file = repository.password_file
            return kind(sentence.format(where=repository.address, file=file, last=_reason(said)))
    return Failed(f"restic failed at {repository.address}: {_reason(said)}.")


def _reason(said: Said) -> str:
    """The reason that restic gave up for; its guesses may follow it in the output."""
    fatal = [line for line in said.err.splitlines() if line.startswith("Fatal: ")]
    return (fatal[0].removeprefix("Fatal: ")[:300] if fatal else said.last).rstrip(".")
