"""What operators may read of a job: how it went, never what opens a pub.

An invite's code lets anybody in, a private key is the pub itself, and a note says whom somebody knows. A result is shown
by the keys that stand here for its command, and by no other; besides, whatever looks like a code or a key is taken out
of every text, wherever it stands.
"""

import re
from collections.abc import Mapping, Sequence
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
    "bots.vacate": POURED,
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

CODES = frozenset({"bots.invite", "bots.invites"})
"""Commands of a bot that are asked for the very codes that are taken out elsewhere."""

SECRETS = re.compile(
    # The first two begin where a word does, and a pub's id has an end: else a long word would take its length squared.
    r"(?<![^\s\"',])[^\s\"',]*:\d{1,5}:@[^\s\"',~]{1,80}~[^\s\"',]+"  # an invite's code: host:port:@key~seed
    r"|(?<![^\s\"',])[^\s\"',]+~shs:[^\s\"',:]+:[^\s\"',]+"  # the same as a multiserver address: net:host:port~shs:key:seed
    r"|[A-Za-z0-9+/]{86}==(?:\.ed25519)?"  # a private key: 64 bytes
    r"|\$argon2[^\s\"']+"
)


def _written(*words: str) -> str:
    """These words as programs write them, each form by itself: what begins with no letter of theirs is passed over at once."""
    return "|".join(dict.fromkeys(form for word in words for form in (word, word.capitalize(), word.upper())))


NAMED = _written(
    *("token", "password", "passwd", "passphrase", "secret"),
    *(f"{what}{between}key" for what in ("api", "access", "private") for between in ("_", "-", "")),
)

GIVEN_AWAY = re.compile(
    rf"(?:{_written('authorization')})[\"']?[:=] ?[\"']?(?:[A-Za-z]{{1,20}} )?[^\s\"',;]+"  # a header, with its scheme
    rf"|(?:{_written('bearer')}) (?=[A-Za-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{{12,}}"
    r"|eyJ[A-Za-z0-9_-]{10,200}\.[A-Za-z0-9_.-]{10,}"  # a JSON web token
    r"|://[^/\s:@]{0,100}:[^/\s@]{1,200}@"  # a password in an address
    r"|AKIA[A-Z0-9]{16}|ASIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abpr]-[A-Za-z0-9-]{10,}"
    rf"|(?:{NAMED})[\"']?(?:=|: ?)[\"']?[^\s\"',;&()]+"
)
"""Secrets of other programs, as these print them: by a name that says so (`token=…`), or in a form that everybody knows."""

USUAL = (SECRETS, GIVEN_AWAY)
"""What is taken out of every text."""


def text(written: str) -> str:
    """A text without what looks like a code, a key or a secret."""
    for pattern in USUAL:
        written = pattern.sub(HIDDEN, written)
    return written


def without(written: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """A text without what these patterns match in any of its lines."""
    if not patterns:
        return written
    return "\n".join(_line(line, patterns) for line in written.split("\n"))


def _line(line: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        line = pattern.sub(HIDDEN, line)
    return line


def throughout(value: Any, patterns: Sequence[re.Pattern[str]]) -> Any:
    """A value (as JSON has them) without what these patterns match in any of its texts."""
    if isinstance(value, str):
        return without(value, patterns)
    if isinstance(value, Mapping):
        return {without(str(key), patterns): throughout(one, patterns) for key, one in value.items()}
    return [throughout(one, patterns) for one in value] if isinstance(value, list) else value


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


SECRET_WORDS = frozenset(
    {
        *("token", "tokens", "password", "passwords", "passwd", "passphrase", "pass", "pwd", "secret", "secrets"),
        *("credential", "credentials", "private", "signature", "key", "keys", "apikey", "auth", "authorization"),
        *("cookie", "cookies"),
    }
)
"""Words of a name whose value is nobody's business: `api_key`, `authToken`, `DB_PASSWORD`."""

SECRET_ENDS = ("token", "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "secretkey", "privatekey")

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)

# Each begins where a word does, or has bounds: a stranger's text takes a time that grows with its length alone.
GIVEN = re.compile(r"(?<![\w.-])([\w.-]{1,100})[\"']?\s{0,9}[=:]|(?<![\w.-])(--?[\w-]{1,100})\s", re.ASCII)
"""A name that a value follows: `TOKEN=…`, `"token": …`, `--token …`."""

LOOKS_SECRET = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # a JSON web token
    r"|\b(?i:bearer|basic)\s{1,9}[A-Za-z0-9._~+/=-]{8,}"
    r"|://[^/\s:@]{0,100}:[^/\s@]{1,200}@"  # a password in an address
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abpr]-[A-Za-z0-9-]{10,}"
)


def is_secret(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    words = [word.lower() for word in WORDS.findall(name)]
    return any(word in SECRET_WORDS or word.endswith(SECRET_ENDS) for word in words)


def has_secret(written: str) -> bool:
    """Whether a text has what looks like a secret, or gives one to a name."""
    if LOOKS_SECRET.search(written):
        return True
    return any(is_secret(found[1] or found[2]) for found in GIVEN.finditer(written))
