"""Print docs/licences.md: every package that the service, a master or a node installs, with its version and licence.

The licence is what the package says of itself: its expression, else its classifiers, else its own words' first line. Of one
that says nothing, READ says what somebody read, and where, of the very version that is named.
"""

from importlib.metadata import Distribution, distribution

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
    """Gathers a package with what it needs here, by its name in lower case."""
    if (name.lower(), extras) in seen:
        return
    seen.add((name.lower(), extras))
    there = found[name.lower().replace("_", "-").replace(".", "-")] = distribution(name)
    for one in map(Requirement, there.requires or []):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            needed(one.name, tuple(sorted(one.extras)), seen, found)


def licence(package: Distribution) -> str:
    """What a package says of its licence."""
    told = package.metadata
    named = [line.rsplit(" :: ", 1)[1] for line in told.get_all("Classifier") or [] if line.startswith("License :: ")]
    read = READ.get((package.name, package.version), "not said")
    words = told.get("License-Expression") or ", ".join(named) or (told.get("License") or read).strip()
    return words.splitlines()[0].replace("|", "/")


def page() -> str:
    """The page."""
    found: dict[str, Distribution] = {}
    needed("saltcellar", EXTRAS, set(), found)
    del found["saltcellar"]
    rows = [f"| {name} | {one.version} | {licence(one)} |" for name, one in sorted(found.items())]
    said = "What the service, a master and a node install, as each says of itself, or where it was read. Made by `make docs`."
    head = f"# Licences\n\n{said}\n"
    return "\n".join([head, "| package | version | licence |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    print(page(), end="")
