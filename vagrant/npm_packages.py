"""Reads what npm installs, for the pub's image and for pages, from its lock files.

npm_packages.py FILE: add these packages to FILE, a CycloneDX document (ECMA-424) of what pip installs.
"""

import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
LOCKS = {
    "pubs": TOP / "states" / "pubs" / "image" / "package-lock.json",
    "pages": TOP / "pillar_service" / "web" / "assets" / "package-lock.json",
}
"""The lock files, by what their packages are for."""

WORDS = "MIT, by its own words; its lock names none"
READ = {
    ("continuable", "1.2.0"): WORDS, ("continuable", "1.1.8"): WORDS, ("continuable-hash", "0.1.4"): WORDS,
    ("continuable-list", "0.1.6"): WORDS, ("extend.js", "0.0.2"): WORDS, ("observ", "0.2.0"): WORDS, ("trim", "0.0.1"): WORDS,
    ("multicb", "1.2.2"): "none: the package says nothing of it", ("stack", "0.1.0"): "none: the package says nothing of it",
    ("statistics", "3.3.0"): "none: the package says nothing of it",
}  # fmt: skip
"""The licences of packages whose lock entry has none, as a person read them there."""


@dataclass(frozen=True, order=True)
class Package:
    """A package: name, version, licence, and the SHA-512 of its file in hex."""

    name: str
    version: str
    licence: str
    sha512: str

    @property
    def address(self) -> str:
        """Its package URL (ECMA-427)."""
        return f"pkg:npm/{self.name.replace('@', '%40')}@{self.version}"


def packages(lock: Path) -> list[Package]:
    """All packages that a lock file (version 3) names, each version once."""
    told = json.loads(lock.read_text())["packages"]
    found = {_package(path.rpartition("node_modules/")[2], one) for path, one in told.items() if path}
    return sorted(found)


def _package(name: str, told: dict[str, Any]) -> Package:
    kind, _, digest = told["integrity"].partition("-")
    assert kind == "sha512", f"{name} is pinned by {kind}"
    version = told["version"]
    licence = told.get("license") or READ.get((name, version), "not said")
    return Package(name, version, licence, base64.b64decode(digest).hex())


def component(package: Package) -> dict[str, Any]:
    """A package as a CycloneDX component."""
    return {
        "type": "library",
        "bom-ref": package.address,
        "name": package.name,
        "version": package.version,
        "purl": package.address,
        "hashes": [{"alg": "SHA-512", "content": package.sha512}],
        "licenses": [{"license": {"name": package.licence}}],
    }


def main(file: Path) -> None:
    """Add the packages of all lock files to the document."""
    document = json.loads(file.read_text())
    found = {one for lock in LOCKS.values() for one in packages(lock)}
    document["components"] += [component(one) for one in sorted(found)]
    file.write_text(f"{json.dumps(document, indent=2)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
