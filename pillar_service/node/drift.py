"""Looks for drift on this node: in its minion's configuration and its own files."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import salt.version

from pillar_service import __version__
from pillar_service.core.service import drift
from pillar_service.core.service.drift import Drift, Kind
from pillar_service.node.paths import Home

LOGROTATE = Path("/etc/logrotate.d")


def look(opts: Mapping[str, Any]) -> dict[str, Any]:
    """What drifted (``drift``), and the versions of ``salt`` and ``saltcellar``."""
    looked = [*drift.of_options(opts, drift.NODE, "salt/minion.d"), *_files(opts), *_logs(opts)]
    versions = {"salt": salt.version.__version__, "saltcellar": __version__}
    return {"drift": [asdict(one) for one in looked], **versions}


def _files(opts: Mapping[str, Any]) -> Iterator[Drift]:
    home, pki, conf = (
        Home.at((opts.get("saltcellar") or {}).get("data")),
        Path(opts["pki_dir"]),
        Path(opts["conf_file"]),
    )
    private = [home.state, pki, *pki.glob("*.pem"), *Path(opts["cachedir"]).glob("*.p")]
    trusted = [home.root, conf.parent, conf, *conf.parent.glob("minion.d/*"), pki / "minion_master.pub"]
    for kind, paths in ((Kind.PRIVATE, private), (Kind.TRUSTED, trusted)):
        for path in paths:
            if path.exists():
                there = path.stat()
                yield from drift.of_file(str(path), kind, there.st_mode, there.st_uid, os.geteuid())


def _logs(opts: Mapping[str, Any]) -> Iterator[Drift]:
    """Drift of the logs, which enrol.sh has logrotate keep small."""
    log = Path(opts["log_file"])
    rotated = "\n".join(file.read_text(errors="replace") for file in sorted(LOGROTATE.glob("*")) if file.is_file())
    logs = {str(one): one.stat().st_size for one in (log, log.with_name("node.out")) if one.is_file()}
    yield from drift.of_logs(logs, rotated)
