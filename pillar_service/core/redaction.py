"""What operators may read of a job: how it went, never what opens a pub.

An invite's code lets anybody in, a private key is the pub itself, and a note says whom somebody knows. A result is shown
by the keys that stand here for its command, and by no other; besides, whatever looks like a code or a key is taken out
of every text, wherever it stands.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "(hidden)"

POURED = frozenset({"pub_id", "version", "sequence", "peers", "follows", "done"})

SHOWN: dict[str, frozenset[str]] = {
    "bots.create": POURED,
    "bots.import": POURED,
    "bots.start": POURED,
    "bots.stop": POURED,
    "bots.restart": POURED,
    "bots.upgrade": POURED,
    "bots.rebuild": POURED,
    "bots.delete": POURED,
    "bots.bring_back": POURED,
    "bots.purge": POURED,
    "bots.invite": frozenset({"id", "uses"}),
    "bots.invites": frozenset({"id", "uses", "used", "state"}),
    "bots.revoke": frozenset({"id", "state"}),
    "bots.export": frozenset({"pub_id", "sequence", "size", "sha256"}),
    "bots.logs": frozenset({"lines"}),
}
"""The keys of each command's result that operators see; a test holds that every command stands here."""

OF_CATALOGUE = frozenset(
    {"expected", "answered", "missing", "failed", "state", "exit_code", "seconds", "lines", "dropped", "attempt"}
)
"""The keys of the result of a command of the catalogue, whose name has no dot: how it went; what it wrote are its lines."""

PERSONAL = frozenset({"note"})
"""Arguments that are nobody's business but the asker's."""

SECRETS = re.compile(
    # The first two begin where a word does: tried at each character, a long word would take its length squared.
    r"(?<![^\s\"',])[^\s\"',]*:\d{1,5}:@[^\s\"',~]+~[^\s\"',]+"  # an invite's code: host:port:@key~seed
    r"|(?<![^\s\"',])[^\s\"',]+~shs:[^\s\"',:]+:[^\s\"',]+"  # the same as a multiserver address: net:host:port~shs:key:seed
    r"|[A-Za-z0-9+/]{86}==(?:\.ed25519)?"  # a private key: 64 bytes
    r"|\$argon2[^\s\"']+"
)


def text(written: str) -> str:
    """A text without what looks like a code or a key."""
    return SECRETS.sub(HIDDEN, written)


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """A job's arguments as operators see them."""
    return {key: HIDDEN if key in PERSONAL and value else _clean(value) for key, value in given.items()}


def result(command: str, came_back: Any) -> Any:
    """A job's result as operators see it; what no rule names is hidden."""
    shown = SHOWN.get(command, frozenset() if "." in command else OF_CATALOGUE)
    if isinstance(came_back, Mapping):
        return {key: _clean(value) if key in shown else HIDDEN for key, value in came_back.items()}
    if isinstance(came_back, list):
        # A log is a list of lines; every other list is one of objects, of which some keys are shown.
        whole = "lines" in shown
        return [_clean(one) if whole and isinstance(one, str) else result(command, one) for one in came_back]
    if isinstance(came_back, str) and "lines" not in shown:
        return HIDDEN
    return _clean(came_back)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if key in PERSONAL else _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value
