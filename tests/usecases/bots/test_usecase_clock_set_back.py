"""A bot's invites, lines and state, once the clock of the service's machine, which was ahead, has been set back."""

import time
from collections.abc import Callable

import pytest
from days import ahead
from pouring import answer, event, owner, poured, report

from pillar_service.core.bots import health as rules
from pillar_service.core.durations import DAY_S
from pillar_service.usecases.admin import bots as admin
from pillar_service.usecases.bots import bots, happenings, health, invites
from pillar_service.usecases.jobs import claims, jobs, runs
from pillar_service.usecases.nodes import presence

ID, OTHER = ("@" + letter * 43 + "=.ed25519" for letter in "CD")


@pytest.fixture(autouse=True)
def person(service: Callable[[], None]) -> str:
    """The owner of a living bot."""
    id = owner()
    poured()
    return id


def entry(note: str, id: str = ID) -> dict[str, object]:
    """An invite as the pub lists it."""
    return {"id": id, "note": note, "uses": 1, "used": 0, "used_by": [], "created": None, "revoked_at": None}


def return_next(told: object, success: bool = True) -> None:
    """Let the node return this for the next run."""
    [run] = claims.claim("salt")["runs"]
    runs.started("salt", run["id"], f"jid-{run['id']}")
    answer(run, told, success=success, retcode=int(not success))


def notes(person: str) -> list[str]:
    return sorted(one["note"] for one in invites.ledger(person, "my")["invites"])


def test_a_pub_is_asked_for_its_invites_and_what_it_tells_counts(person: str) -> None:
    with ahead(5 * DAY_S):
        invites.look(person, "my")
        return_next([entry("Ann"), entry("Gone", OTHER)])
    assert [job["command"] for job in invites.look(person, "my")["waiting"]] == ["bots.invites"]
    return_next([entry("Bob")])
    told = invites.look(person, "my")
    assert notes(person) == ["Bob"]
    assert (told["waiting"], told["as_of"] <= time.time()) == ([], True)
    assert len([job for job in jobs.listed(bot="my") if job["command"] == "bots.invites"]) == 2


def test_one_look_from_then_that_still_waits_is_enough(person: str) -> None:
    with ahead(5 * DAY_S):
        invites.look(person, "my")
    assert len(invites.look(person, "my")["waiting"]) == 1
    return_next([entry("Ann")])
    assert notes(person) == ["Ann"]


def test_a_failure_from_then_is_not_shown_until_that_moment_comes(person: str) -> None:
    with ahead(5 * DAY_S):
        invites.look(person, "my")
        return_next("ERROR: The pub does not answer.", success=False)
        assert len(invites.ledger(person, "my")["failed"]) == 1
    assert invites.ledger(person, "my")["failed"] == []


def test_lines_from_then_make_way_for_newer_ones(person: str) -> None:
    with ahead(5 * DAY_S):
        happenings.ask_lines(person, "my", 50)
        return_next({"lines": ["then"]})
    assert happenings.lines(person, "my")["lines"] == ["then"]
    happenings.ask_lines(person, "my", 50)
    assert happenings.lines(person, "my")["waiting"]
    return_next({"lines": ["now"]})
    assert happenings.lines(person, "my")["lines"] == ["now"]


def test_a_bot_that_is_not_reported_again_is_soon_lost() -> None:
    id = bots.show("my")["id"]
    with ahead(DAY_S):
        presence.listening(time.time())
        health.take("cellar-1", [event(report(id))])
    presence.listening(time.time())
    assert bots.show("my")["actual"] == "alive"
    with ahead(rules.LOST_AFTER_S + 5):
        assert bots.show("my")["actual"] == "lost"
        assert [len(admin.listed(state=state)["rows"]) for state in ("lost", "alive")] == [1, 0]
