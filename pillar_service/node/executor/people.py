"""The user that a command runs as, and its environment."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import templates

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Person:
    """A user of this system, with all the groups they are in."""

    name: str
    uid: int
    gid: int
    home: str
    groups: tuple[int, ...]


def person(name: str) -> Person:
    """The user of that name; raises Invalid if there is none, or if this process may not become that user."""
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError) as error:
        raise Invalid(f"There is no user {names.shown(name)} on this node: nothing was run.") from error
    if os.geteuid() not in (0, found.pw_uid):
        raise Invalid(f"This minion does not run as root, so nothing can be run as {name}.")
    groups = tuple(os.getgrouplist(name, found.pw_gid))
    return Person(name, found.pw_uid, found.pw_gid, found.pw_dir, groups)


def environment(who: Person, scratch: str, told: Mapping[str, str], arguments: Mapping[str, object]) -> dict[str, str]:
    """The whole environment of a command; nothing of the minion's is in it.

    Each item of ``told`` becomes ``CELLAR_<NAME>``, and each argument with a value ``CELLAR_ARG_<NAME>``.
    """
    ours = {f"CELLAR_{name.upper()}": value for name, value in told.items()}
    given = {
        f"CELLAR_ARG_{name.upper()}": templates.written(value) for name, value in arguments.items() if value is not None
    }
    who_is = {"HOME": who.home, "USER": who.name, "LOGNAME": who.name}
    return {"PATH": PATH, "LANG": "C.UTF-8", "TMPDIR": scratch, **who_is, **ours, **given}
