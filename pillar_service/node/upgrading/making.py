"""Makes the environment of another version, beside the present one."""

import shutil
import subprocess
import sys
import tarfile
import zlib
from functools import partial
from pathlib import Path
from typing import IO

from pillar_service.core.errors import Failed
from pillar_service.node.door import Door, in_its_turn

NEXT = "venv.next"
LARGEST = 1 << 30
"""The most bytes of the bundle of wheels, and of each wheel unpacked."""
PATIENCE_S = 900.0
"""Seconds for each step: pip unpacks a hundred megabytes, perhaps onto an SD card."""


def made(door: Door, opt: Path, version: str, sha256: str) -> Path:
    """Make the environment of that version in ``opt``, beside the present one; raises Failed, Unavailable or OSError."""
    work, fresh = opt / "upgrade", opt / NEXT
    for before in (work, fresh):
        shutil.rmtree(before, ignore_errors=True)
    work.mkdir(mode=0o700)
    try:
        with (work / "bundle.tar.gz").open("wb") as file:
            found = in_its_turn(partial(door.wheels, most=LARGEST), file, PATIENCE_S)
        if found != sha256:
            raise Failed("The bundle of wheels is not the one that was named (another SHA-256).")
        _unpack(work / "bundle.tar.gz", work)
        _install(fresh, work, version)
        rename(fresh)
    except (Failed, OSError):
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return fresh


def _unpack(file: Path, into: Path) -> None:
    """Unpack only the wheels, by their base names; everything else in the archive is ignored."""
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and name.endswith(".whl") and member.size <= LARGEST:
                    part = archive.extractfile(member)
                    assert part is not None
                    _write(part, into / name)
    except (tarfile.TarError, EOFError, zlib.error) as error:  # the latter two come from gzip
        raise Failed(f"The bundle of wheels can't be unpacked ({error}).") from error


def _write(part: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(part, file)


def _install(fresh: Path, wheels: Path, version: str) -> None:
    # With the interpreter that the present environment was made with.
    _run([str(getattr(sys, "_base_executable", sys.executable)), "-m", "venv", str(fresh)], "make an environment")
    python = str(fresh / "bin/python")
    wanted = ["--no-index", "--find-links", str(wheels), f"saltcellar[node]=={version}"]
    _run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], "install the wheels")
    _run(
        [python, "-c", "import pillar_service.node.duties, pillar_service.node.machines.engine"],
        "load what was installed",
    )


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, cwd="/", check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise Failed(f"It could not {what} within {PATIENCE_S:g} s.") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()] or ["nothing"]
        raise Failed(f"It could not {what}: {said[-1].strip()[:300]}")


def rename(fresh: Path) -> None:
    """Change the interpreter's path, which scripts name in full, to the one that it will have after the switch."""
    before, after = (f"{fresh.with_name(name)}/bin/".encode() for name in (fresh.name, "venv"))
    for script in (fresh / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            content = script.read_bytes()
            if content.startswith(b"#!") and before in content:
                script.write_bytes(content.replace(before, after))
