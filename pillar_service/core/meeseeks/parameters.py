"""The parameters of commands, and the arguments given for them. Each is checked by its kind.

string    one line of printable text; `pattern` must match all of it
int       a whole number from `least` to `most`
enum      one of `choices`, in upper or lower case
bool      yes or no
bot       a bot's name, host or id; whether there is such a bot is not checked here
node      a node's id; likewise
duration  seconds; written as 90s, 5m, 1h30m
secret    like a string, but no sentence ever repeats it
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from pillar_service.core import durations, names
from pillar_service.core.errors import Invalid
from pillar_service.core.meeseeks import patterns

NAME = re.compile(r"[a-z](?:[a-z0-9_]{0,30}[a-z0-9])?", re.ASCII)

TAKEN = frozenset({"selector", "l"})
"""Names that have a meaning of their own in a typed line."""

LONGEST = 1000
"""The most characters of a text whose parameter sets no `most`."""

LONGEST_CHOICE = 75
"""The most characters of a choice, with an emoji counted as two: Slack's menus show no more, and do not even return all of a
much longer one."""

LARGEST = 10**12
YES, NO = ("yes", "true", "on", "y", "1"), ("no", "false", "off", "n", "0")

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,9}", re.ASCII)


class Kind(StrEnum):
    """The kind of an argument."""

    STRING = "string"
    INT = "int"
    ENUM = "enum"
    BOOL = "bool"
    BOT = "bot"
    NODE = "node"
    DURATION = "duration"
    SECRET = "secret"  # noqa: S105 - a kind, not one


TEXTS = frozenset({Kind.STRING, Kind.SECRET})
RANGED = frozenset({Kind.STRING, Kind.SECRET, Kind.INT, Kind.DURATION})


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command.

    ``pattern`` is a regular expression that must match the whole text. ``least`` and ``most`` bound a number, the
    seconds of a duration, or the characters of a text. An ``immutable`` parameter always has its default: nobody may
    give another value.
    """

    name: str
    kind: Kind = Kind.STRING
    help: str = ""
    required: bool = False
    default: Any = None
    pattern: str | None = None
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    immutable: bool = False

    @property
    def secret(self) -> bool:
        """Whether its arguments must never be shown."""
        return self.kind is Kind.SECRET

    def checked(self, given: object) -> Any:
        """The value for what was given (None: nothing), or the default; raises Invalid, which says what is allowed."""
        if given is None and self.required:
            raise Invalid(f"{self.name} is missing: {self.wanted}.")
        value = self.default if given is None or self.immutable else given
        checked = None if value is None else _CHECKS[self.kind](self, value)
        if self.immutable and given is not None and given != checked:
            raise Invalid(f"{self.name} is fixed here and can't be given.")
        return checked

    @property
    def wanted(self) -> str:
        """What may be given, in words for a person."""
        asked = f"give {_WANTED[self.kind]}"
        if self.kind is Kind.ENUM:
            asked = f"give one of: {', '.join(self.choices)}"
        if self.kind is Kind.INT:
            asked += f" from {self.bounds[0]} to {self.bounds[1]}"
        if self.pattern:
            asked += f" that matches {self.pattern}"
        return f"{asked} ({self.help.rstrip('.')})" if self.help else asked

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most that are accepted."""
        least, most = {Kind.INT: (0, LARGEST), Kind.DURATION: (0, 10**9)}.get(self.kind, (0, LONGEST))
        return least if self.least is None else self.least, most if self.most is None else self.most

    def refuse(self, given: object, why: str = "") -> Invalid:
        """The error for what was given; it does not repeat a secret."""
        shown = "what you gave" if self.secret else names.shown(given)
        return Invalid(f"{self.name} can't be {shown}{why}: {self.wanted}.")


def faults(parameter: Parameter) -> Iterator[str]:
    """What is wrong with the definition of a parameter, as sentences without a full stop."""
    if not NAME.fullmatch(parameter.name) or parameter.name in TAKEN:
        yield f"{names.shown(parameter.name)} can't be a parameter's name: use lower-case letters, digits and '_'"
    if (parameter.kind is Kind.ENUM) != bool(parameter.choices):
        yield "only an enum can have choices, and it needs some"
    yield from _faults_of_choices(parameter.choices)
    if parameter.pattern is not None and parameter.kind not in TEXTS:
        yield f"a {parameter.kind} can't have a pattern"
    if (parameter.least, parameter.most) != (None, None) and parameter.kind not in RANGED:
        yield f"a {parameter.kind} can't have least and most"
    if parameter.bounds[0] > parameter.bounds[1]:
        yield "least is more than most"
    if parameter.required and (parameter.default is not None or parameter.immutable):
        yield "a required parameter can't have a default or be immutable"
    if parameter.immutable and parameter.default is None:
        yield "an immutable parameter needs a default"
    yield from _faults_of_default(parameter)


def told(parameter: Parameter) -> dict[str, Any]:
    """The parameter as data for a node's pillar; ``read`` reads it."""
    return {
        "kind": str(parameter.kind),
        "required": parameter.required,
        "default": parameter.default,
        "pattern": parameter.pattern,
        "least": parameter.least,
        "most": parameter.most,
        "choices": list(parameter.choices),
        "immutable": parameter.immutable,
    }


def read(name: str, given: Mapping[str, Any]) -> Parameter:
    """The parameter in a node's pillar."""
    known = {key: value for key, value in given.items() if key in told(Parameter(name))}
    kind, choices = Kind(known.pop("kind", Kind.STRING)), tuple(known.pop("choices", ()))
    return Parameter(name, kind, choices=choices, **known)


def _faults_of_choices(choices: Sequence[str]) -> Iterator[str]:
    for choice in sorted({one for one in choices if choices.count(one) > 1}):
        yield f"the choice {names.shown(choice)} is here twice"
    for choice in choices:
        if len(choice.encode("utf-16-le", "surrogatepass")) > 2 * LONGEST_CHOICE:
            yield f"the choice {names.shown(choice)} is too long for a menu: use at most {LONGEST_CHOICE} characters"


def _faults_of_default(parameter: Parameter) -> Iterator[str]:
    if parameter.secret and parameter.default is not None:
        yield "a secret can't have a default: everybody who reads the file would see it"
        return
    wrong = None if parameter.pattern is None else patterns.fault(parameter.pattern)
    if wrong:
        yield f"the pattern {wrong}"
        return
    try:
        if parameter.default is not None:
            _CHECKS[parameter.kind](parameter, parameter.default)
    except Invalid as error:
        yield f"its default is refused: {error.sentence.rstrip('.')}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _text(parameter: Parameter, given: object) -> str:
    least, most = parameter.bounds
    if not isinstance(given, str):
        raise parameter.refuse(given)
    if not given.isprintable():
        raise parameter.refuse(given, " (it has characters that can't be printed)")
    if not least <= len(given) <= most:
        raise parameter.refuse(given, f" (it has {len(given)} characters; {least} to {most} are allowed)")
    if parameter.pattern is not None and not _compiled(parameter.pattern).fullmatch(given):
        raise parameter.refuse(given)
    return given


def _int(parameter: Parameter, given: object) -> int:
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", given, re.ASCII):
        given = int(given)
    least, most = parameter.bounds
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise parameter.refuse(given)
    return given


def _enum(parameter: Parameter, given: object) -> str:
    folded = given.casefold() if isinstance(given, str) else None
    found = [choice for choice in parameter.choices if choice == given]
    found = found or [choice for choice in parameter.choices if choice.casefold() == folded]
    if len(found) != 1:
        raise parameter.refuse(given)
    return found[0]


def _bool(parameter: Parameter, given: object) -> bool:
    word = given.lower() if isinstance(given, str) else given
    if word is True or word in YES:
        return True
    if word is False or word in NO:
        return False
    raise parameter.refuse(given)


def _bot(parameter: Parameter, given: object) -> str:
    if isinstance(given, str) and len(given) <= 253 and _HOST.fullmatch(given.lower()):
        return given.lower()
    raise parameter.refuse(given)


def _node(parameter: Parameter, given: object) -> str:
    try:
        return names.node_id(given)
    except Invalid as error:
        raise parameter.refuse(given) from error


def _duration(parameter: Parameter, given: object) -> int:
    least, most = parameter.bounds
    try:
        length_s = durations.seconds(given)
    except Invalid as error:
        raise parameter.refuse(given) from error
    if not least <= length_s <= most:
        raise parameter.refuse(given, f" ({durations.words(least)} to {durations.words(most)} are allowed)")
    return length_s


_CHECKS: dict[Kind, Callable[[Parameter, object], Any]] = {
    Kind.STRING: _text,
    Kind.INT: _int,
    Kind.ENUM: _enum,
    Kind.BOOL: _bool,
    Kind.BOT: _bot,
    Kind.NODE: _node,
    Kind.DURATION: _duration,
    Kind.SECRET: _text,
}

_WANTED = {
    Kind.STRING: "a text",
    Kind.INT: "a whole number",
    Kind.ENUM: "a choice",
    Kind.BOOL: "yes or no",
    Kind.BOT: "a bot's name, such as my.butt.nz",
    Kind.NODE: "a node's id, such as cellar-1",
    Kind.DURATION: "a length of time, such as 90s, 5m or 1h30m",
    Kind.SECRET: "a text, which is never shown",
}
