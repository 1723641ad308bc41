"""One typed line, as it comes from a phone: `restart-bot my.butt.nz -l environment=prd --reason "too slow" note=a=b`.

The first word is the command. The other words are positional or named: `name=value`, `--name value`, `--name=value`.
`-l SELECTOR` chooses nodes; everything after `--` is positional. Quotes, straight or curly, keep a value together at
the beginning of a word or after its first `=`; a word that begins with a quote is never a name. Long dashes count as
`--`. Nothing here is ever passed to a shell.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.selectors import EVERYTHING, Selector

LONGEST = 4000
"""The most characters of a line."""

DOUBLE, SINGLE = '"“”„‟«»', "'‘’‚‛"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
LONG_DASHES = "\u2013\u2014\u2015"

ANSWERS = ("yes", "no", "true", "false")
"""Values that may follow a flag; a flag without one means yes."""

INVISIBLE = re.compile("[\u200b\u200c\u2060\ufeff\u00ad]")

_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.*)", re.ASCII | re.DOTALL)
_OPTION = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Word:
    """A word of a line: its text without quotes, and whether it began with a quote."""

    text: str
    quoted: bool = False

    @property
    def option(self) -> str | None:
        """The text after the dashes, if the word is an option."""
        bare = self.text.lstrip(DASHES)
        if self.quoted or bare == self.text or (bare and not bare[0].isascii()) or not (bare[:1].isalpha()):
            return None
        return bare

    @property
    def ends_options(self) -> bool:
        """Whether the word is `--`."""
        return not self.quoted and (self.text == "--" or (len(self.text) == 1 and self.text in LONG_DASHES))


@dataclass(frozen=True)
class Typed:
    """What a line says; the values are texts as they were typed, not yet checked."""

    command: str
    positional: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    selector: Selector = EVERYTHING


def words(line: object) -> list[Word]:
    """The words of a line; raises Invalid for what is no text, is too long, or has an unclosed quote."""
    if not isinstance(line, str):
        raise Invalid(f"Write a line of text, not {names.shown(line)}.")
    if len(line) > LONGEST:
        raise Invalid(f"This line has {len(line)} characters; at most {LONGEST} are allowed.")
    return _Line(INVISIBLE.sub("", line)).words()


def read(line: object, flags: Callable[[str], Collection[str]] = lambda command: ()) -> Typed:
    """Read a line.

    ``flags`` returns which arguments of a command can be set by name alone (`Catalogue.flags`). Raises Invalid for an
    empty line, an unknown option, an argument given twice, an option without its value, and a wrong selector.
    """
    found = words(line)
    if not found:
        raise Invalid("Nothing was asked for: write a command, or 'help'.")
    command = found[0].text.lower()
    return _Reader(command, found[1:], frozenset(flags(command))).typed()


def argument_name(word: str) -> str:
    """The name of an argument in the form that parameters have: `No-Wait` is `no_wait`."""
    return word.lower().replace("-", "_")


class _Line:
    """Splits a line into words."""

    def __init__(self, line: str) -> None:
        self.line, self.at = line, 0

    def words(self) -> list[Word]:
        found = []
        while self._skip_blanks():
            found.append(self._word())
        return found

    def _skip_blanks(self) -> bool:
        while self.at < len(self.line) and self.line[self.at].isspace():
            self.at += 1
        return self.at < len(self.line)

    def _word(self) -> Word:
        start, text = self.at, ""
        while self.at < len(self.line) and not self.line[self.at].isspace():
            char = self.line[self.at]
            if char in DOUBLE + SINGLE and (self.at == start or (text.endswith("=") and text.count("=") == 1)):
                text += self._quoted(DOUBLE if char in DOUBLE else SINGLE)
                return Word(text, self.line[start] in DOUBLE + SINGLE)
            text, self.at = text + char, self.at + 1
        return Word(text)

    def _quoted(self, quotes: str) -> str:
        start, text, self.at = self.at, "", self.at + 1
        while self.at < len(self.line):
            char, after = self.line[self.at], self.line[self.at + 1 : self.at + 2]
            self.at += 1
            if char == "\\" and (after == "\\" or (after and after in quotes)):
                text, self.at = text + after, self.at + 1
            elif char in quotes and (not after or after.isspace()):
                return text
            elif char in quotes and quotes is DOUBLE:
                raise Invalid(f"Put a blank after the quote at character {self.at}, or '\\' before it.")
            else:
                text += char
        raise Invalid(f"The quote at character {start + 1} is never closed: add the closing one.")


class _Reader:
    """Sorts words into positional and named arguments and the selector."""

    def __init__(self, command: str, words: list[Word], flags: frozenset[str]) -> None:
        self.command, self.words, self.flags = command, words, flags
        self.positional: list[str] = []
        self.named: dict[str, str] = {}
        self.selector = EVERYTHING

    def typed(self) -> Typed:
        while self.words:
            word = self.words.pop(0)
            if word.ends_options:
                self.positional.extend(rest.text for rest in self.words)
                break
            self._take(word)
        return Typed(self.command, tuple(self.positional), self.named, self.selector)

    def _take(self, word: Word) -> None:
        named = None if word.quoted else _NAMED.fullmatch(word.text)
        if word.option is not None:
            self._option(word.option, word.text)
        elif named:
            self._name(named[1], named[2])
        else:
            self.positional.append(word.text)

    def _option(self, option: str, written: str) -> None:
        found = _OPTION.fullmatch(option)
        if not found or (len(found[1]) == 1 and found[1] != "l"):
            raise Invalid(
                f"There is no option {names.shown(written)}: write name=value or --name value, and put quotes around a "
                "value that begins with a dash."
            )
        name, value = argument_name(found[1]), found[2]
        if name in ("l", "selector"):
            self.selector = self.selector.both(selectors.parse(self._selector(value)))
        elif value is None and name in self.flags:
            said = bool(self.words) and self.words[0].text.lower() in ANSWERS
            self._name(name, self.words.pop(0).text if said else "yes")
        else:
            self._name(name, self._value(name) if value is None else value)

    def _value(self, name: str) -> str:
        if not self.words or self.words[0].option is not None or self.words[0].ends_options:
            raise Invalid(f"--{name} needs a value: write --{name} VALUE or {name}=VALUE.")
        return self.words.pop(0).text

    def _selector(self, first: str | None) -> str:
        text = self._value("selector") if first is None else first
        while self.words and not self.words[0].quoted and self._goes_on(text):
            text = f"{text} {self.words.pop(0).text}"
        return text

    def _goes_on(self, text: str) -> bool:
        following = self.words[0].text
        return (
            text.endswith(",")
            or text.count("(") > text.count(")")
            or following.startswith((",", "(", "in(", "notin("))
            or (following in ("in", "notin") and len(self.words) > 1 and self.words[1].text.startswith("("))
        )

    def _name(self, word: str, value: str) -> None:
        name = argument_name(word)
        if name in self.named:
            raise Invalid(f"{name} was given twice: give it once.")
        self.named[name] = value
