"""Applies the kept states with the kept pillar, by `salt-call --local`: a process of its own, which asks no master."""

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
"""What the name of a folder begins with in which Salt finds the pillar."""
AT_MOST_S = 900.0
"""As long as a state run takes that starts every pub of a full node, and waits for it."""


def apply(home: Home, conf_file: str, states: Path, pillar: Mapping[str, Any]) -> None:
    """Apply the state `pubs` of the folder ``states``; raises Failed with what did not work.

    The pillar says of itself that it is an old copy: then the states stop and remove nothing.
    """
    with _told(home, shape.with_notice(pillar, time.time(), WHY)) as told:
        code, out = _run(_command(conf_file, states, told))
    try:
        returned = json.loads(out)["local"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"salt-call ended with {code} and told no result: {_short(out)}") from error
    if not isinstance(returned, dict):
        raise Failed(f"The states could not be applied: {_short(returned)}")
    if failed := [str(one.get("comment")) for one in returned.values() if one.get("result") is False]:
        raise Failed(_short(" ".join(failed)))


@contextmanager
def _told(home: Home, pillar: Mapping[str, Any]) -> Iterator[Path]:
    """A folder that only root can read, in which Salt finds the pillar; it is gone afterwards."""
    home.masterless.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in home.masterless.glob(f"{TOLD}*"):  # by one that was killed: only one agent runs in a home
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
