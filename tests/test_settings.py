"""The settings' page says what the code does."""

from pathlib import Path

from pillar_service.settings import SETTINGS, Settings, table

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_page_is_the_one_that_the_code_makes():
    assert PAGE.read_text() == table(), "Run `make docs`."


def test_every_setting_has_a_value_and_says_what_it_is():
    assert [setting.name.lower() for setting in SETTINGS] == list(Settings.__dataclass_fields__)
    assert all(setting.help.endswith(".") for setting in SETTINGS)
