"""Finds where this master is not as it should be: its configuration, files, keys and nodes."""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import salt.client
import salt.config
import salt.version

from pillar_service import __version__
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.service import drift
from pillar_service.core.service.drift import Drift, Kind
from pillar_service.master.client import Client
from pillar_service.master.dispatch.salt_keys import SaltKeys

ANSWER_WITHIN_S = 30
OWN = ("cachedir", "pki_dir", "sock_dir")
"""Options that name folders only for the master itself: the cache holds pillars, returns and sessions, pki the keys."""

ONE_BY_ONE = ("pillar", "sessions", "saltcellar/pillars", "tokens")
"""Folders in the cache of which each file must be private, whoever can reach the folder."""


LOGROTATE = Path("/etc/logrotate.d")
UNIT = "saltcellar-master"


def found(opts: Mapping[str, Any], service: Client, nodes: bool) -> dict[str, Any]:
    """All drift, as salt-run shows it: ``drift``, and ``retcode`` 1 if there is any."""
    looked = [*_master(opts), *_machine(opts), *_keys(opts, service), *(_nodes(opts) if nodes else ())]
    told = {"drift": [asdict(one) for one in looked]}
    return told | {"retcode": 1} if looked else told


def _master(opts: Mapping[str, Any]) -> Iterator[Drift]:
    yield from drift.of_options(opts, drift.MASTER, "salt/master.d")
    if not any("dispatcher" in engine for engine in opts.get("engines") or []):
        yield Drift("option engines", "has no dispatcher, and so no guard", "see salt/master.d/README.md")
    yield from drift.of_versions(salt.version.__version__, __version__, __version__)
    ours = pwd.getpwnam(opts["user"]).pw_uid
    for path, kind in _files(opts):
        try:
            there = path.stat()
        except OSError:
            continue  # deleted meanwhile, or a dangling link
        yield from drift.of_file(str(path), kind, there.st_mode, there.st_uid, ours)


def _machine(opts: Mapping[str, Any]) -> Iterator[Drift]:
    """Drift of the master's surroundings: its systemd unit, if there is one, and the rotation of its logs."""
    told = _unit()
    if told.get("LoadState") == "loaded":
        yield from drift.of_unit(UNIT, told)
    logs = [Path(opts[name]) for name in ("log_file", "key_logfile") if opts.get(name)]
    rotated = "\n".join(file.read_text(errors="replace") for file in sorted(LOGROTATE.glob("*")) if file.is_file())
    yield from drift.of_logs({str(log): log.stat().st_size for log in logs if log.is_file()}, rotated)


def _unit() -> dict[str, str]:
    command = ["systemctl", "show", "-p", ",".join(["LoadState", *drift.UNIT]), UNIT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return {}  # a machine without systemd
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def _files(opts: Mapping[str, Any]) -> Iterator[tuple[Path, Kind]]:
    private = [opts[name] for name in OWN] + _tokens(opts)
    private += [path for folder in ONE_BY_ONE for path in Path(opts["cachedir"], folder).glob("**/*") if path.is_file()]
    private += [*Path(opts["cachedir"]).glob(".*_key"), *Path(opts["pki_dir"]).glob("*.pem")]
    yield from ((Path(path), Kind.PRIVATE) for path in private)
    yield from ((path, Kind.SHARED) for path in _secrets(opts))
    trusted = [opts["conf_file"], *_included(opts), *opts["runner_dirs"], *opts["file_roots"].get("base", [])]
    yield from ((path, Kind.TRUSTED) for one in trusted for path in _below(Path(one)))


def _secrets(opts: Mapping[str, Any]) -> list[Path]:
    """The service's secrets, which states/controlplane keeps beside the master's folder; root's, readable by the service."""
    folder = Path(opts["conf_file"]).parent.parent / "secrets"
    return [folder, *folder.iterdir()] if folder.is_dir() else []


def _tokens(opts: Mapping[str, Any]) -> list[str]:
    asking = [opts.get("saltcellar") or {}]
    asking += [one for part in opts.get("engines") or [] for one in part.values()]
    asking += [one for part in opts.get("ext_pillar") or [] for one in part.values()]
    return sorted({str(one["token_file"]) for one in asking if isinstance(one, Mapping) and "token_file" in one})


def _included(opts: Mapping[str, Any]) -> list[str]:
    named = opts.get("include") or []
    patterns = [named] if isinstance(named, str) else [*named]
    folder = Path(opts["conf_file"]).parent
    return [str(path) for one in [*patterns, opts["default_include"]] for path in _matching(folder / one)]


def _matching(pattern: Path) -> list[Path]:
    return sorted(pattern.parent.glob(pattern.name))


def _below(path: Path) -> Iterator[Path]:
    yield path
    for folder, folders, files in os.walk(path, followlinks=True):
        yield from (Path(folder, name) for name in [*folders, *files] if name != "__pycache__")


def _keys(opts: Mapping[str, Any], service: Client) -> Iterator[Drift]:
    try:
        known = {one["node"]: (one["public_key"], one["state"]) for one in service.keys(0, 0)[1]}
    except SaltcellarError as error:
        yield Drift("keys", f"could not be compared: {error.sentence}", "ask again when the service answers")
        return
    yield from drift.of_keys(SaltKeys(opts).accepted(), known)


def _nodes(opts: Mapping[str, Any]) -> Iterator[Drift]:
    with salt.client.LocalClient(mopts=dict(opts)) as local:
        told = local.cmd("*", "drift.look", timeout=ANSWER_WITHIN_S)
    for node in sorted(SaltKeys(opts).accepted()):
        answer = told.get(node)
        if not isinstance(answer, Mapping):
            yield Drift(
                node, f"did not report on itself: {answer or 'it does not answer'}", f"salt {node} saltutil.sync_all"
            )
            continue
        for one in answer["drift"]:
            yield Drift(f"{node}: {one['about']}", str(one["told"]), str(one["mend"]))
        for one in drift.of_versions(answer["salt"], answer["saltcellar"], __version__):
            yield Drift(f"{node}: {one.about}", one.told, one.mend)
