"""Memory of this node, and the processes that have most of it: `memory.py [HOW_MANY]`. Reads /proc only."""

import sys
from pathlib import Path


def figures(file):
    """The numbers in a file of /proc whose lines are `Name: NUMBER kB`, in MiB by name."""
    lines = (line.split() for line in file.read_text(errors="replace").splitlines())
    return {words[0].rstrip(":"): int(words[1]) // 1024 for words in lines if words[2:] == ["kB"]}


def processes():
    """Each process that has memory: how much, its id, its name."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            used = figures(folder / "status").get("VmRSS", 0)
            yield used, int(folder.name), (folder / "comm").read_text(errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile


def main(most):
    """Print it all."""
    node = figures(Path("/proc/meminfo"))
    print(
        f"{node['MemAvailable']} of {node['MemTotal']} MiB available, {node['SwapTotal'] - node['SwapFree']} MiB swapped"
    )
    for used, process, name in sorted(processes(), reverse=True)[:most]:
        print(f"{used:7} MiB  {process:7}  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
