"""What must not appear in the process list is read from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runners = dict[str, Callable[..., Any]]


def test_an_account_takes_its_password_from_a_file(runners: Runners, tmp_path: Path) -> None:
    from pillar_service.usecases.people import confirming

    file = tmp_path / "password"
    file.write_text("a good long passphrase\nand a second line\n")
    made = runners["accounts.create"]("ben@example.org", password_file=str(file))
    assert "password" not in made
    confirming.confirm(made["id"], "a good long passphrase")


def test_another_password_is_shown_once_to_who_gives_it(runners: Runners) -> None:
    from pillar_service.usecases.people import confirming

    made = runners["accounts.create"]("cleo@example.org", password="a good long passphrase")
    given = runners["accounts.new_password"]("cleo@example.org")
    assert given["id"] == made["id"]
    confirming.confirm(made["id"], given["password"])
    assert "password" not in runners["accounts.show"]("cleo@example.org")


@pytest.mark.parametrize("given", ["/nowhere/password", "/tmp", "\0", 5.5])
def test_what_is_no_file_makes_no_account(runners: Runners, given: object) -> None:
    assert runners["accounts.create"]("ben@example.org", password_file=given)["retcode"] == 1
    assert [one["email"] for one in runners["accounts.list"]() if one["email"] == "ben@example.org"] == []


def test_a_commands_arguments_come_from_a_file(runners: Runners, tmp_path: Path) -> None:
    file, run = tmp_path / "arguments", runners["meeseeks.run"]

    def told(text: str) -> dict[str, Any]:
        file.write_text(text)
        return dict(run("bot-logs", secrets=str(file), preview=True))

    assert told("bot=stands\n\nlines=7\n")["nodes"] == ["cellar-1"]
    assert "lines can't be 0" in told("bot=stands\nlines=0\n")["error"]
    assert told("bot stands\n")["error"] == "Each line of the file with secrets must be NAME=VALUE."
