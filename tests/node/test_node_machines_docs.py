"""docs/machines.md is true: its example has no faults, and it explains every word of the language."""

import re
from pathlib import Path

import pytest

from pillar_service.core.machines import expressions, machine_files, machine_words
from pillar_service.core.machines.machines import NUMBERS, OBSERVED, PLACES, Deed, Each, Kind
from pillar_service.node.machines import library

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "machines.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_has_no_fault(text: str) -> None:
    assert library.read(text.encode(), text.split()[1]).about


def test_every_word_is_explained() -> None:
    known = {
        *machine_files.TOP,
        *machine_files.WATCHER,
        *machine_files.TRANSITION,
        *machine_files.STATE,
        *machine_files.ACTION,
    }
    known |= {*Deed, *Kind, *NUMBERS, *expressions.FUNCTIONS, *Each, "in_state_s", "state"}
    known |= {word for words in (*OBSERVED.values(), *machine_words.SETTINGS.values()) for word in words}
    assert [word for word in sorted(known) if f"`{word}`" not in TEXT] == []
    assert [word for word in sorted({*PLACES[Each.BOT]}) if f"`{{{word}}}`" not in TEXT] == []


def test_every_shipped_machine_is_told_of() -> None:
    assert [one.stem for one in (ROOT / "salt" / "machines").glob("*.yaml") if f"`{one.stem}`" not in TEXT] == []
