"""Prints docs/licences.md: all packages that the service, a master or a node installs, a pub runs, or pages load.

The licence is what the package says: its licence expression, else its classifiers, else the first line of its licence
field. For a package that says nothing, READ holds what a person read, and where, for exactly that version.
"""

from importlib.metadata import Distribution, distribution

from npm_packages import LOCKS, packages
from packaging.requirements import Requirement

EXTRAS = ("service", "master", "node")

READ = {
    ("peewee", "4.5.3"): "MIT, by the words of the LICENSE that it brings; it names none",
    (
        "tempora",
        "5.13.0",
    ): "MIT, by the classifier in pyproject.toml of github.com/jaraco/tempora at 0637e8903fc1, an earlier "
    "state; the package names none",
}


def needed(
    name: str, extras: tuple[str, ...], seen: set[tuple[str, tuple[str, ...]]], found: dict[str, Distribution]
) -> None:
    """Add a package and all its dependencies here to ``found``, by name in lower case."""
    if (name.lower(), extras) in seen:
        return
    seen.add((name.lower(), extras))
    there = found[name.lower().replace("_", "-").replace(".", "-")] = distribution(name)
    for one in map(Requirement, there.requires or []):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            needed(one.name, tuple(sorted(one.extras)), seen, found)


def licence(package: Distribution) -> str:
    """What a package says about its licence."""
    told = package.metadata
    named = [line.rsplit(" :: ", 1)[1] for line in told.get_all("Classifier") or [] if line.startswith("License :: ")]
    read = READ.get((package.name, package.version), "not said")
    words = told.get("License-Expression") or ", ".join(named) or (told.get("License") or read).strip()
    return words.splitlines()[0].replace("|", "/")


def page() -> str:
    """The text of the page."""
    found: dict[str, Distribution] = {}
    needed("saltcellar", EXTRAS, set(), found)
    del found["saltcellar"]
    rows = [f"| {name} | {one.version} | {licence(one)} |" for name, one in sorted(found.items())]
    said = "What is installed, as each package says of itself, or where it was read. Made by `make docs`."
    tables = {"The service, a master and a node": rows}
    for of, whose in (
        ("pubs", "A pub's image"),
        ("pages", "What makes the files that pages load, and these themselves"),
    ):
        tables[whose] = [f"| {one.name} | {one.version} | {one.licence} |" for one in packages(LOCKS[of])]
    head = "| package | version | licence |\n|---|---|---|"
    parts = ["\n".join([f"## {whose}\n\n{head}", *its]) for whose, its in tables.items()]
    return "\n\n".join([f"# Licences\n\n{said}", *parts]) + "\n"


if __name__ == "__main__":
    print(page(), end="")
