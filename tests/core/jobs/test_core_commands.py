import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.jobs.commands import COMMANDS, command
from pillar_service.core.nodes.pillar import ONLY


def test_an_unknown_command_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match=r"use one of: bots\.create"):
        command("bots.creat")
    with pytest.raises(Invalid):
        command(["bots.create"])


def test_only_commands_that_end_alike_twice_are_safe_to_repeat() -> None:
    assert not COMMANDS["bots.invite"].retry_safe
    assert not COMMANDS["bots.restart"].retry_safe
    assert all(known.retry_safe for known in COMMANDS.values() if known.converges)


def test_a_run_that_applies_states_is_told_which_bots_it_is_about() -> None:
    bots = {"b" * 16, "a" * 16}
    for known in COMMANDS.values():
        told = {"queue": 10, "pillar": {ONLY: sorted(bots)}} if known.converges else {}
        assert known.keywords(bots) == told, known.name
    assert COMMANDS["bots.rebuild"].converges


def test_arguments_are_checked_and_completed() -> None:
    invite = command("bots.invite")
    assert invite.checked({}) == {"uses": 1, "note": ""}
    assert invite.checked({"note": "Ann", "uses": "3"}) == {"uses": 3, "note": "Ann"}
    for wrong in ({"uses": 0}, {"uses": 1001}, {"note": "a\nb"}, {"note": "x" * 201}, {"wrong": 1}):
        with pytest.raises(Invalid):
            invite.checked(wrong)
    with pytest.raises(Invalid):
        command("bots.revoke").checked({})
