"""The people in the dialogues, and waiting for what follows from their words."""

import time
from typing import Any

import pouring
import pyotp
import stage
from fakes.slack.people import User

from pillar_service.usecases.jobs import claims
from pillar_service.usecases.meeseeks import people
from pillar_service.usecases.people import second_factor

ANN, BEN, EVE = "T01/U01", "T01/U02", "T01/U03"


def until_direct(user: User, text: str) -> dict[str, Any]:
    """Wait for the bot's first direct message to this user with this text; return it."""
    until = time.monotonic() + 8
    while not (found := [one for one in user.visible() if one["channel"] == user.direct and text in str(one)]):
        assert time.monotonic() < until, text
        time.sleep(0.02)
    return dict(found[0])


def until_run(says: stage.Says = lambda node, command: [], exit_code: int = 0) -> list[dict[str, Any]]:
    """Wait until something has been asked for and let the nodes do it; return the runs."""
    until = time.monotonic() + 8
    while not (found := stage.carry_out(says, exit_code)):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def telephone(user: str) -> pyotp.TOTP:
    """Make a member's account with a second factor, and link it as its owner would; return what shows the codes."""
    person = pouring.owner(f"{user.lower()}@example.org")
    second_factor.begin(person, "long enough 1")
    waiting = second_factor.pending(person)
    assert waiting is not None
    made = pyotp.TOTP(waiting["secret"])
    second_factor.turn_on(person, made.at(int(time.time()) - 30))
    link = people.invite(people.asker("T01", user))
    people.link(person, link.rpartition("/")[2])
    return made


def until_all_claimed() -> list[dict[str, Any]]:
    """Wait until runs have been asked for; claim and return them."""
    until = time.monotonic() + 8
    while not (found := claims.claim("salt")["runs"]):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [dict(run) for run in found]


def until_claimed() -> dict[str, Any]:
    """Wait until a run has been asked for; claim and return it."""
    return until_all_claimed()[0]
