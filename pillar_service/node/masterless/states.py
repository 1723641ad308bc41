"""The states that this node last converged with, and the seal over them."""

from pathlib import Path
from typing import Any

from pillar_service.core.errors import Failed
from pillar_service.node import disk
from pillar_service.node.paths import Home
from pillar_service.node.sealing import Seal

MANIFEST, SEALED = "manifest.jwt", "states"


class States:
    """The folder that a state run fills, and beside it the sealed manifest with each file's SHA-256 by path."""

    def __init__(self, home: Home, node: str, pki: Path) -> None:
        self.folder, self._manifest = home.masterless / "states", home.masterless / MANIFEST
        self._seal = Seal(node, pki, SEALED)

    def is_sealed(self) -> bool:
        """Whether the files are exactly those that were sealed."""
        try:
            self.check()
        except (OSError, Failed):
            return False
        return True

    def seal(self) -> None:
        """Seal what is in the folder now; raises OSError, Failed for anything but plain files, Unavailable without a key."""
        disk.write_atomically(self._manifest, self._seal.close(self._found()))

    def check(self) -> None:
        """Raise Failed unless the files are exactly those that were sealed."""
        found, sealed = self._found(), self._sealed()
        others = sorted(name for name in found.keys() | sealed.keys() if found.get(name) != sealed.get(name))
        if others:
            raise Failed(f"The states kept on this node differ from those that were sealed: {', '.join(others[:5])}.")

    def _sealed(self) -> dict[str, Any]:
        try:
            return self._seal.open(self._manifest.read_bytes())
        except OSError as error:
            raise Failed("This node has kept no states yet: apply the state `pubs` once from the master.") from error

    def _found(self) -> dict[str, str]:
        return {
            str(one.relative_to(self.folder)): _sum(one) for one in sorted(self.folder.rglob("*")) if not one.is_dir()
        }


def _sum(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise Failed(f"{path} is not a plain file: the states kept on this node are not used.")
    with path.open("rb") as file:
        return disk.sha256(file)
