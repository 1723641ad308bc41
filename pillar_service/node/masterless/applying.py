"""Applies the kept states with the kept pillar by `salt-call --local`, a process of its own that asks no master."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.core.nodes import pillar as shape
from pillar_service.node.paths import Home

WHY = "This node converges by itself to what it was told last."
TOLD = ".pillar-"
"""The prefix of the temporary folders in which Salt finds the pillar."""
AT_MOST_S = 900.0
"""Seconds that a state run may take: enough to start every pub of a full node and wait for it."""


def apply(home: Home, conf_file: str, states: Path, pillar: Mapping[str, Any]) -> None:
    """Apply the state `pubs` from the folder ``states``; raises Failed with what did not work.

    A notice in the pillar says that it is an old copy: so the states stop and remove nothing.
    """
    with _told(home, shape.with_notice(pillar, time.time(), WHY)) as told:
        code, out = _run(_command(conf_file, states, told))
    try:
        returned = json.loads(out)["local"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"salt-call ended with the exit code {code} and gave no result: {_short(out)}") from error
    if not isinstance(returned, dict):
        raise Failed(f"The states could not be applied: {_short(returned)}")
    if failed := [str(one.get("comment")) for one in returned.values() if one.get("result") is False]:
        raise Failed(_short(" ".join(failed)))


@contextmanager
def _told(home: Home, pillar: Mapping[str, Any]) -> Iterator[Path]:
    """A temporary folder that only its owner can read, in which Salt finds the pillar."""
    home.masterless.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in home.masterless.glob(f"{TOLD}*"):  # left by a killed run: a home has only one agent
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=TOLD, dir=home.masterless) as name:
        for file, content in (("top", {"base": {"*": ["kept"]}}), ("kept", pillar)):
            (Path(name) / f"{file}.sls").write_text(f"#!json\n{json.dumps(content)}\n")
        yield Path(name)


def _command(conf_file: str, states: Path, told: Path) -> list[str]:
    salt_call = Path(sys.executable).with_name("salt-call")
    roots = [f"--file-root={states}", f"--pillar-root={told}"]
    return [
        str(salt_call),
        "--local",
        f"--config-dir={Path(conf_file).parent}",
        *roots,
        "--out=json",
        "state.apply",
        "pubs",
    ]


def _run(command: list[str]) -> tuple[int, str]:
    with subprocess.Popen(  # noqa: S603  (an argument list)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(timeout=AT_MOST_S)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"The states were not applied within {AT_MOST_S:.0f} seconds.") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out


def _short(said: Any) -> str:
    text = " ".join(str(one) for one in said) if isinstance(said, list) else str(said)
    return text[:500]
