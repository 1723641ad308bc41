"""What pages load in a browser: built from npm packages by lock file, and not kept in git."""

import gzip
import json
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
ASSETS = TOP / "pillar_service/web/assets"
VENDOR = TOP / "pillar_service/web/static/vendor"
FILES = ("htmx.min.js", "pico.min.css", "uPlot.iife.min.js", "uPlot.min.css")
MISSING = "Run vagrant/assets.sh: the pages' scripts and styles are not in the package yet."


def steps(dockerfile: Path) -> list[str]:
    """The lines of a Dockerfile that are neither empty nor comments."""
    lines = dockerfile.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_npm_comes_from_dockers_cache_of_the_pubs_build() -> None:
    first = steps(ASSETS / "Dockerfile")[1:5]
    pub = steps(TOP / "states/pubs/image/Dockerfile")
    start = pub.index(first[0])
    assert first[0].endswith("AS modules")
    assert pub[start : start + 4] == first


@pytest.mark.parametrize("name", FILES)
def test_each_file_and_its_compressed_twin_are_there(name: str) -> None:
    assert (VENDOR / name).is_file(), MISSING
    assert gzip.decompress((VENDOR / f"{name}.gz").read_bytes()) == (VENDOR / name).read_bytes()


def test_versions_are_pinned_and_the_lock_names_no_registry() -> None:
    lock = (ASSETS / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    packages = json.loads(lock)["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    wanted = json.loads((ASSETS / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_none_of_it_is_in_git() -> None:
    listed = ["git", "ls-files", "pillar_service/web/static/vendor", "pillar_service/web/assets/node_modules"]
    assert subprocess.run(listed, cwd=TOP, capture_output=True, text=True, check=True).stdout == ""
