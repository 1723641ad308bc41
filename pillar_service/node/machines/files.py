"""The files in which this node's machines stand. It reads none of them, and loads no library to do so."""

from pathlib import Path

from pillar_service.node.paths import Home

SUFFIX = ".yaml"
MOST = 100
"""Files of a folder that are read."""


def folders(home: Home) -> tuple[Path, ...]:
    """Where machines stand, the bundle's first: a file of the node's operator wins over one of the same name."""
    return home.bundles / "current" / "machines", home.machines


def found(home: Home) -> dict[str, Path]:
    """The files by the name of their machine."""
    them: dict[str, Path] = {}
    for folder in folders(home):
        if folder.is_dir() and not folder.is_symlink():
            files = sorted(one for one in folder.iterdir() if one.suffix == SUFFIX and one.is_file())
            them |= {one.stem: one for one in files[:MOST] if not one.is_symlink()}
    return them
