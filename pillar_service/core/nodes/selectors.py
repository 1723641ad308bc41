"""Selectors: which nodes are meant, by their labels, in Kubernetes' syntax: `environment=prd,type!=X,app in (a,b),!gpu`.

    key = value     the label is that            key in (a, b)      it is one of these
    key == value    the same                     key notin (a, b)   it is none of these, or is not set
    key != value    it is not that, or not set   key                it is set
                                                 !key               it is not set

A comma means "and". The empty selector matches every node. Labels are those that the service stores, never Salt grains.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from pillar_service.core import names
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import labels as label

LONGEST = 4000
"""The most characters of a selector in its canonical form."""

_TOKEN = re.compile(r"==|!=|=|!|,|\(|\)|[A-Za-z0-9_./-]+|\S", re.ASCII)
_OPERATORS = ("=", "==", "!=", "in", "notin")
_END = ""


class Operator(StrEnum):
    """What a requirement asks of a label."""

    IN = "in"
    NOT_IN = "notin"
    SET = "set"
    NOT_SET = "not set"


@dataclass(frozen=True, order=True)
class Requirement:
    """One requirement; ``values`` are sorted and distinct, and empty if the operator only asks whether the label is set."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels meets it; a label that is not set is in no list of values."""
        if self.operator is Operator.SET:
            return self.key in labels
        if self.operator is Operator.NOT_SET:
            return self.key not in labels
        return (self.key in labels and labels[self.key] in self.values) == (self.operator is Operator.IN)

    def __str__(self) -> str:
        if self.operator in (Operator.SET, Operator.NOT_SET):
            return f"{'!' if self.operator is Operator.NOT_SET else ''}{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator is Operator.IN else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True)
class Selector:
    """Requirements that a node must all meet; made by ``parse``, written in canonical form by ``str``."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it matches a node with these labels."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def only(self, key: str) -> tuple[str, ...] | None:
        """The values of which this label must have one; None if it may have any."""
        return next((one.values for one in self.requirements if (one.key, one.operator) == (key, Operator.IN)), None)

    def both(self, other: "Selector") -> "Selector":
        """A selector for the nodes that both match; raises Invalid if it would be too long."""
        return _selector((*self.requirements, *other.requirements))

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING = Selector()


@dataclass(frozen=True)
class AnyOf:
    """Nodes that match at least one of several selectors; none if there is no selector. Made by ``any_of``."""

    selectors: tuple[Selector, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether one of the selectors matches a node with these labels."""
        return any(selector.matches(labels) for selector in self.selectors)

    def __str__(self) -> str:
        return " or ".join(str(selector) or "every node" for selector in self.selectors) or "no node"


def any_of(selectors: Iterable[Selector]) -> AnyOf:
    """All nodes that match at least one of the selectors; duplicates are dropped, and an empty selector covers all others."""
    given = set(selectors)
    return AnyOf((EVERYTHING,) if EVERYTHING in given else tuple(sorted(given, key=str)))


def parse(text: object) -> Selector:
    """The selector in a text.

    Raises Invalid, with the position (in characters, from 1) of the error, and what is expected there.
    """
    if not isinstance(text, str):
        raise Invalid(f"A selector must be a text such as 'environment=prd,!gpu', not {names.shown(text)}.")
    if len(text) > 2 * LONGEST:
        raise Invalid(f"This selector has {len(text)} characters; at most {LONGEST} are allowed.")
    return _selector(_Reading(text).requirements())


def _selector(requirements: Iterable[Requirement]) -> Selector:
    made = Selector(tuple(sorted(set(requirements))))
    if len(str(made)) > LONGEST:
        raise Invalid(f"This selector is too long: at most {LONGEST} characters are allowed.")
    return made


class _Reading:
    """Reads the requirements in a text, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(found[0], found.start()) for found in _TOKEN.finditer(text)]
        self.tokens.append((_END, len(text)))

    @property
    def next(self) -> str:
        return self.tokens[0][0]

    def take(self, *wanted: str, what: str) -> str:
        """Take the next token, which must be one of these; ``what`` names them in the error."""
        return self.tokens.pop(0)[0] if self.next in wanted else self._refuse(what)

    def requirements(self) -> list[Requirement]:
        read = [] if self.next == _END else [self._requirement()]
        while self.next != _END:
            self.take(",", what="a comma or the end")
            read.append(self._requirement())
        return read

    def _requirement(self) -> Requirement:
        if self.next == "!":
            self.take("!", what="'!'")
            return Requirement(self._word(label.key, "a label's key"), Operator.NOT_SET)
        key = self._word(label.key, "a label's key, or '!' and one")
        if self.next in (_END, ","):
            return Requirement(key, Operator.SET)
        operator = self.take(*_OPERATORS, what="'=', '!=', 'in', 'notin' or a comma")
        if operator in ("in", "notin"):
            return Requirement(key, Operator(operator), self._values())
        return Requirement(key, Operator.NOT_IN if operator == "!=" else Operator.IN, (self._value(),))

    def _values(self) -> tuple[str, ...]:
        self.take("(", what="'(' and values")
        found = {self._value()}
        while self.take(",", ")", what="a comma or ')'") == ",":
            found.add(self._value())
        return tuple(sorted(found))

    def _value(self) -> str:
        return "" if self.next in (_END, ",", ")") else self._word(label.value, "a label's value")

    def _word(self, check: Callable[[object], str], what: str) -> str:
        try:
            check(self.next)
        except Invalid:
            self._refuse(what)
        return self.tokens.pop(0)[0]

    def _refuse(self, what: str) -> NoReturn:
        token, at = self.tokens[0]
        found = names.shown(token) if token else "its end"
        raise Invalid(
            f"The selector {names.shown(self.text)} is wrong at character {at + 1}: {found}, but {what} belongs there."
        )
