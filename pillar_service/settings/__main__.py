"""Prints all settings as Markdown, or, with the word ``names``, their names for the states of a control plane (`make docs`)."""

import json
import sys

from pillar_service.settings.known import SETTINGS, Setting


def table() -> str:
    """All settings as a page in Markdown (docs/settings.md)."""
    rows = [f"| `CELLAR_{setting.name}` | {_default(setting)} | {_help(setting)} |" for setting in SETTINGS]
    return "\n".join([*HEAD, *rows, ""])


def names() -> str:
    """The settings that a control plane's pillar may hold, and those that are files among its secrets, as JSON."""
    files = [
        setting.name.removesuffix("_FILE") for setting in SETTINGS if setting.secret or setting.name.endswith("_FILE")
    ]
    return json.dumps(
        {"secrets": sorted(files), "settings": sorted(one.name for one in SETTINGS if not one.secret)}, indent=1
    )


HEAD = (
    "# Settings of the service",
    "",
    "Made by `make docs` from `pillar_service/settings/`. Each is read from the environment; a secret can instead be in a",
    "file, named by `CELLAR_<NAME>_FILE`, which then takes precedence. What `make up` adds is in `vagrant/settings.sh`.",
    "",
    "| setting | default | what it is |",
    "|---|---|---|",
)


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "must be set"
    return f"`{setting.default}`" if setting.default else "empty"


def _help(setting: Setting) -> str:
    return f"{setting.help} A secret." if setting.secret else setting.help


if __name__ == "__main__":
    print(names() if sys.argv[1:] == ["names"] else table(), end="\n" if sys.argv[1:] else "")
