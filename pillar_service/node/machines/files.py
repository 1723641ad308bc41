"""The files with this node's machines. This module only finds them: it reads none and imports no library."""

from pathlib import Path

from pillar_service.node.paths import Home

SUFFIX = ".yaml"
MOST = 100
"""How many files of a folder are read."""


def folders(home: Home) -> tuple[Path, ...]:
    """The folders with machines, the bundle's first: the operator's file wins over the bundle's of the same name."""
    return home.bundles / "current" / "machines", home.machines


def found(home: Home) -> dict[str, Path]:
    """The files by machine name."""
    them: dict[str, Path] = {}
    for folder in folders(home):
        if folder.is_dir() and not folder.is_symlink():
            files = sorted(one for one in folder.iterdir() if one.suffix == SUFFIX and one.is_file())
            them |= {one.stem: one for one in files[:MOST] if not one.is_symlink()}
    return them
