"""What operators may read of a job: how it went, but nothing that gives access to a pub.

An invite's code lets anybody in, a private key is the pub itself, and a note says whom somebody knows. Of a result,
only the keys that are listed here for its command are shown; besides, whatever looks like a code or a key is removed
from every text, wherever it is.
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
"""The keys of each command's result that operators see; a test checks that every command is listed."""

OF_CATALOGUE = frozenset(
    {"expected", "answered", "missing", "failed", "state", "exit_code", "seconds", "lines", "dropped", "attempt"}
)
"""The same for commands of the catalogue, whose names have no dot: how the command went, and its output as lines."""

PERSONAL = frozenset({"note"})
"""Arguments that are only the asker's business."""

CODES = frozenset({"bots.invite", "bots.invites"})
"""Commands of a bot whose very purpose is to show codes that are removed elsewhere."""

SECRETS = re.compile(
    # The first two match only from the start of a word, and the pub's id is bounded; else a long word would take
    # quadratic time.
    r"(?<![^\s\"',])[^\s\"',]*:\d{1,5}:@[^\s\"',~]{1,80}~[^\s\"',]+"  # an invite's code: host:port:@key~seed
    r"|(?<![^\s\"',])[^\s\"',]+~shs:[^\s\"',:]+:[^\s\"',]+"  # the same as a multiserver address: net:host:port~shs:key:seed
    r"|[A-Za-z0-9+/]{86}==(?:\.ed25519)?"  # a private key: 64 bytes
    r"|\$argon2[^\s\"']+"
)


def _written(*words: str) -> str:
    """An alternation of these words in the usual cases, spelled out so that text without their first letters is skipped
    fast."""
    return "|".join(dict.fromkeys(form for word in words for form in (word, word.capitalize(), word.upper())))


NAMED = _written(
    *("token", "password", "passwd", "passphrase", "secret"),
    *(f"{what}{between}key" for what in ("api", "access", "private") for between in ("_", "-", "")),
)

FORMS = (
    r"eyJ[A-Za-z0-9_-]{10,200}\.[A-Za-z0-9_.-]{10,}"  # a JSON web token
    r"|://[^/\s:@]{0,100}:[^/\s@]{1,200}@"  # a password in an address
    r"|AKIA[A-Z0-9]{16}|ASIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abpr]-[A-Za-z0-9-]{10,}"
)
"""The well-known forms of other programs' secrets, as a pattern."""

GIVEN_AWAY = re.compile(
    rf"(?:{_written('authorization')})[\"']?[:=] ?[\"']?(?:[A-Za-z]{{1,20}} )?[^\s\"',;]+"  # a header, with its scheme
    rf"|(?:{_written('bearer')}) (?=[A-Za-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{{12,}}"
    rf"|{FORMS}"
    rf"|(?:{NAMED})[\"']?(?:=|: ?)[\"']?[^\s\"',;&()]+"
)
"""Other programs' secrets, as they print them: after a telling name (`token=…`), or in a well-known form."""

USUAL = (SECRETS, GIVEN_AWAY)
"""What is removed from every text."""


LONGEST_TOLD = 200
"""How many characters of a value are looked at together with its name."""


def text(written: str) -> str:
    """A text without anything that looks like a code, a key or a secret."""
    for pattern in USUAL:
        written = pattern.sub(HIDDEN, written)
    return written


def without(written: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """A text without what these patterns match in each of its lines."""
    if not patterns:
        return written
    return "\n".join(_line(line, patterns) for line in written.split("\n"))


def _line(line: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        line = pattern.sub(HIDDEN, line)
    return line


def throughout(value: Any, patterns: Sequence[re.Pattern[str]], name: str = "") -> Any:
    """A JSON value without what these patterns match in any of its texts, keys included.

    A text or number is hidden whole if a pattern would match it after its name, as in `token: 123`; ``name`` is that of
    the value itself, if it has one.
    """
    if isinstance(value, Mapping):
        return {without(str(key), patterns): throughout(one, patterns, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [throughout(one, patterns, name) for one in value]
    if value is None or isinstance(value, bool):
        return value
    if name and _is_given_away(name, str(value)[:LONGEST_TOLD], patterns):
        return HIDDEN
    return without(value, patterns) if isinstance(value, str) else value


def _is_given_away(name: str, value: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    is_plain = without(name, patterns) == name  # otherwise its own end could match together with the colon
    return is_plain and without(f"{name}: {value}", patterns) != f"{name}: {without(value, patterns)}"


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """A job's arguments as operators see them."""
    return {key: HIDDEN if key in PERSONAL and value else _clean(value) for key, value in given.items()}


def result(command: str, came_back: Any) -> Any:
    """A job's result as operators see it; keys that no rule names are hidden."""
    shown = SHOWN.get(command, frozenset() if "." in command else OF_CATALOGUE)
    if isinstance(came_back, Mapping):
        return {key: _clean(value) if key in shown else HIDDEN for key, value in came_back.items()}
    if isinstance(came_back, list):
        # A log is a list of lines; any other list has objects, of which some keys are shown.
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
"""Words in a name that mark its value as secret: `api_key`, `authToken`, `DB_PASSWORD`."""

SECRET_ENDS = ("token", "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "secretkey", "privatekey")

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)

# Each pattern starts at a word or is bounded, so that a stranger's text takes only linear time.
GIVEN = re.compile(r"(?<![\w.-])([\w.-]{1,100})[\"']?\s{0,9}[=:]|(?<![\w.-])(--?[\w-]{1,100})\s", re.ASCII)
"""A name that is followed by a value: `TOKEN=…`, `"token": …`, `--token …`."""

LOOKS_SECRET = re.compile(
    rf"-----BEGIN [A-Z ]{{0,40}}PRIVATE KEY|\b(?i:bearer|basic)\s{{1,9}}[A-Za-z0-9._~+/=-]{{8,}}|{FORMS}"
)


def is_secret(name: str) -> bool:
    """Whether a name suggests that its value is a secret."""
    words = [word.lower() for word in WORDS.findall(name)]
    return any(word in SECRET_WORDS or word.endswith(SECRET_ENDS) for word in words)


def has_secret(written: str) -> bool:
    """Whether a text contains what looks like a secret, or assigns a value to a name that suggests one."""
    if LOOKS_SECRET.search(written):
        return True
    return any(is_secret(found[1] or found[2]) for found in GIVEN.finditer(written))
