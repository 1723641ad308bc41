"""The examples in docs/meeseeks.md are valid, and the page explains every word that exists."""

import re
from pathlib import Path

import pytest

from pillar_service.catalogue import load
from pillar_service.catalogue.shapes import CommandShape
from pillar_service.core.chat.personas import Moment
from pillar_service.core.meeseeks import typed
from pillar_service.core.meeseeks.catalogue import PRIVILEGES
from pillar_service.core.meeseeks.parameters import Kind
from pillar_service.core.nodes import selectors

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "meeseeks.md").read_text()
EXAMPLES = re.findall(r"```(?:yaml )?(\w+)\n(.*?)```", TEXT, re.DOTALL)
ROLES = "roles: {operator: {}}"
PERSONAS = "default: b\npersonas: {b: {title: B}}"


def of(kind: str) -> list[str]:
    """The page's examples of a kind; there must be some."""
    found = [text for name, text in EXAMPLES if name == kind]
    assert found
    return found


@pytest.mark.parametrize("text", of("commands"))
def test_an_example_of_the_catalogue_loads(tmp_path: Path, text: str) -> None:
    (tmp_path / "commands.yaml").write_text(text)
    (tmp_path / "roles.yaml").write_text(ROLES)
    (tmp_path / "personas.yaml").write_text(PERSONAS)
    assert load(tmp_path).catalogue.commands


@pytest.mark.parametrize("kind", ["roles", "personas"])
def test_an_example_of_the_other_files_loads(tmp_path: Path, kind: str) -> None:
    for file in (ROOT / "salt" / "meeseeks").glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if kind == "roles":  # The shipped catalogue names the role operator, which the example has, too.
        (tmp_path / "roles.yaml").write_text(*of("roles"))
        assert load(tmp_path).policy.roles
    else:
        (tmp_path / "personas.yaml").write_text(*of("personas"))
        assert load(tmp_path).personas.of("C01GARDEN").title == "Saltcellar"


def test_examples_of_selectors_and_lines_are_read() -> None:
    shipped = load(ROOT / "salt" / "meeseeks").catalogue
    for text in of("selectors")[0].splitlines():
        assert selectors.parse(text).requirements
    for text in of("typed")[0].splitlines():
        line = typed.read(text, shipped.flags)
        command = shipped.command(line.command)
        assert command.checked(command.bound(line.positional, line.named))


def test_every_word_stands_in_the_page() -> None:
    words = {*CommandShape.model_fields, *Kind, *Moment, *(name.removeprefix("meeseeks") for name in PRIVILEGES)}
    assert [
        word
        for word in sorted(words)
        if f"`{word}`" not in TEXT and f"{word}:" not in TEXT and f"meeseeks{word}`" not in TEXT
    ] == []
