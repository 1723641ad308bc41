"""Print docs/licences.md: every package that the service, a master or a node installs, with its version and licence.

The licence is what the package says of itself: its expression, else its classifiers, else its own words' first line.
"""

from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

EXTRAS = ("service", "master", "node")


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
    file = f"see its {told['License-File']}" if "License-File" in told else "not said"
    words = told.get("License-Expression") or ", ".join(named) or (told.get("License") or file).strip()
    return words.splitlines()[0].replace("|", "/")


def page() -> str:
    """The page."""
    found: dict[str, Distribution] = {}
    needed("saltcellar", EXTRAS, set(), found)
    del found["saltcellar"]
    rows = [f"| {name} | {one.version} | {licence(one)} |" for name, one in sorted(found.items())]
    head = "# Licences\n\nWhat the service, a master and a node install, as each says of itself. Made by `make docs`.\n"
    return "\n".join([head, "| package | version | licence |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    print(page(), end="")
