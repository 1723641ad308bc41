"""Finds what a run of the tests left behind: processes, containers, volumes. Run by test.sh.

    left_over.py note FOLDER           at the beginning: note what is on the engine already
    left_over.py look FOLDER SECONDS   at the end: wait so long for things to end; list what is left, exit code 1 if any is

Other copies and other runs work on the same machine and engine. What the tests of this run start has FOLDER in its
environment (CELLAR_TEST_RUN), in its command or among its open files; what they pour keeps its data there, or has none.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OURS = "saltcellar"
"""The prefix of the names of images that the tests pour, and of their labels."""
APART = f"{tempfile.gettempdir()}/image-test-"
"""Where the image's tests keep a pub's data, which needs a short path."""


def docker(*words: str) -> str:
    """The output of a docker command; exits with a sentence if the engine does not answer."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60)  # noqa: S603, S607  (no shell)
    if done.returncode and "No such" not in done.stderr:
        sys.exit(f"Can't tell what is left on the engine: {done.stderr.strip()}")
    return done.stdout


def on_engine() -> set[str]:
    """The ids of all containers, and the names of all volumes."""
    return {*docker("ps", "-aq", "--no-trunc").split(), *docker("volume", "ls", "-q").split()}


def containers(folder: str, before: set[str]) -> Iterator[str]:
    """The containers that this run made."""
    new = [id for id in docker("ps", "-aq", "--no-trunc").split() if id not in before]
    for one in json.loads(docker("inspect", *new) or "[]") if new else []:
        if is_of_tests(one, folder):
            yield f"container {one['Id'][:12]} {one['Name'].lstrip('/')} ({one['Config']['Image']})"


def is_of_tests(container: dict[str, Any], folder: str) -> bool:
    """Whether a test of this run made the container; pubs of other copies keep their data elsewhere."""
    kept = [str(mount.get("Source", "")) for mount in container["Mounts"]]
    told = [container["Config"]["Image"], *(container["Config"]["Labels"] or {})]
    is_ours = any(word.startswith(OURS) for word in told) or container["Name"].startswith("/image-test-")
    return is_ours and (not kept or any(source.startswith((f"{folder}/", APART)) for source in kept))


def volumes(before: set[str]) -> Iterator[str]:
    """New volumes that no container uses: pubs have none, so a test must have made them."""
    for name in docker("volume", "ls", "-q", "--filter", "dangling=true").split():
        if name not in before:
            yield f"volume {name}"


def processes(folder: str) -> Iterator[str]:
    """The processes that this run started, except this one and its ancestors."""
    asking = set(ancestors(os.getpid()))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) not in asking and folder in "\n".join(traces(process)):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield f"process {process.name} {command[:200]}"


def ancestors(pid: int) -> Iterator[int]:
    """A process id, its parent's, and so on."""
    while pid > 1:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def traces(process: Path) -> Iterator[str]:
    """A process's environment, command and open files. Setting a title, as gunicorn does, overwrites the first two."""
    for name in ("environ", "cmdline"):
        yield (process / name).read_bytes().decode(errors="replace")
    for file in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(file)


def left(folder: str, seconds: float) -> Iterable[str]:
    """What is left once everything has ended, or after so many seconds."""
    before, ends = set(json.loads(Path(folder, "engine.json").read_text())), time.monotonic() + seconds
    while found := [*processes(folder), *containers(folder, before), *volumes(before)]:
        if time.monotonic() > ends:
            break
        time.sleep(1)
    return found


def main(act: str, folder: str, seconds: str = "0") -> int:
    """Note what is there, or look for what is left; returns the exit code."""
    if act == "note":
        Path(folder, "engine.json").write_text(json.dumps(sorted(on_engine())))
        return 0
    found = left(folder, float(seconds))
    print("".join(f"  left: {one}\n" for one in found), end="")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
