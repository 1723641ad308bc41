"""YAML as plain values with the line of each: texts, whole numbers, yes and no, nothing, lists and mappings, and no others.

Of the library, only YAML's graph of nodes is used; no tag makes an object. An alias counts each time it is used.
"""

import re
from typing import Any

import yaml

from pillar_service.core import names
from pillar_service.documents.faults import Faults, Path

LARGEST = 1024 * 1024
"""The most bytes of a file."""

MOST = 50_000
"""The most values in a file, with aliases followed."""

DEEPEST = 20
"""The most levels of lists and mappings inside each other."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,15})", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


class TooMuch(Exception):
    """The file contains more than may be read."""


def plain(raw: bytes, faults: Faults) -> Any:
    """The values in a file's bytes; their lines and all faults are noted. None if the file can't be read at all."""
    if len(raw) > LARGEST:
        faults.add((), f"This file has {len(raw)} bytes; at most {LARGEST} are allowed.")
        return None
    try:
        node = yaml.compose(raw.decode(), Loader=yaml.SafeLoader)
        return None if node is None else _Walk(faults).value(node, ())
    except UnicodeDecodeError as error:
        faults.add((), f"This file is not UTF-8 (byte {error.start + 1}).")
    except yaml.YAMLError as error:
        _unreadable(error, faults)
    except (TooMuch, RecursionError):
        faults.add((), f"This file has more than {MOST} values, or more than {DEEPEST} levels of them.")
    return None


def _unreadable(error: yaml.YAMLError, faults: Faults) -> None:
    mark = getattr(error, "problem_mark", None)
    faults.lines[("line",)] = mark.line + 1 if mark else 1
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read"
    faults.add(("line",), f"This is not YAML: {problem}.")


class _Walk:
    """Walks the graph of nodes, and counts its values."""

    def __init__(self, faults: Faults) -> None:
        self.faults, self.count = faults, 0

    def value(self, node: yaml.Node, at: Path) -> Any:
        self.count += 1
        if self.count > MOST or len(at) > DEEPEST:
            raise TooMuch
        self.faults.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(one, (*at, number)) for number, one in enumerate(node.value)]
        return self._scalar(node, at) if isinstance(node, yaml.ScalarNode) else self._refuse(node, at)

    def _mapping(self, node: yaml.MappingNode, at: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
                self.faults.lines[(*at, name)] = line
                self.faults.add((*at, name), "A key must be a plain word; '<<' and '?' are not allowed here.")
            elif name in made:
                self.faults.found.add((line, f"{names.shown(name)} is here twice: keep one."))
            else:
                self.faults.lines[(*at, name)] = line
                made[name] = self.value(value, (*at, name))
        return made

    def _scalar(self, node: yaml.ScalarNode, at: Path) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if kind == "str":
            return text
        if kind == "null" and node.style is None:
            return None
        if kind == "bool" and text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        if kind == "int" and _INT.fullmatch(text):
            return int(text)
        return self._refuse(node, at)

    def _refuse(self, node: yaml.Node, at: Path) -> None:
        shown = names.shown(node.value) if isinstance(node, yaml.ScalarNode) else "this"
        self.faults.add(at, f"{shown} is read as {node.tag.removeprefix(_TAG)}: put it in quotes if you mean a text.")
