"""Makes three accounts: two people with bots, and the operator, with a second factor and linked to Slack."""

import json
import secrets
import time
from typing import Any

import pyotp
from cast import OLGA, OLGA_THERE, PEOPLE, SECRETS, TEAM, client

from pillar_service.core.errors import Conflict
from pillar_service.usecases.meeseeks import people as chat
from pillar_service.usecases.people import second_factor
from pillar_service.usecases.service import storage

KEPT = SECRETS / "people.json"


def known() -> dict[str, dict[str, str]]:
    """What each person signs in with, by e-mail address: a password, and Olga's "secret" for codes."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(told: dict[str, dict[str, str]]) -> None:
    """Write it to a file before it is needed, so that another run finds it; only root can read it."""
    part = KEPT.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1))
    part.rename(KEPT)


def with_code(person: str, told: dict[str, Any]) -> None:
    """Turn the second factor on as its owner would: make a secret, then give its first code."""
    mine = told[OLGA]
    if "secret" not in mine:
        second_factor.begin(person, mine["password"])
        mine["secret"] = (second_factor.pending(person) or {})["secret"]
        keep(told)
    if second_factor.pending(person):
        second_factor.turn_on(person, pyotp.TOTP(mine["secret"]).at(time.time() - 30))


def in_chat(person: str) -> None:
    """Link Olga's account to her user in Slack."""
    if not chat.listed(person):
        chat.link(person, chat.invite(chat.asker(TEAM, OLGA_THERE)).rpartition("/")[2])


def main() -> None:
    """Make the accounts that are missing."""
    told, service = known(), client()
    for email in PEOPLE:
        told.setdefault(email, {"password": secrets.token_urlsafe(12)})
    keep(told)
    for email, (name, role) in PEOPLE.items():
        given = {"type": "person", "email": email, "name": name, "role": role, "password": told[email]["password"]}
        try:
            service.create_agent(given)
        except Conflict:  # made by an earlier run
            continue
    storage.prepare()
    olga = service.agents(type="person", email=OLGA)[0]["id"]
    with_code(olga, told)
    in_chat(olga)
    print(f"{len(PEOPLE)} accounts: {', '.join(name for name, _ in PEOPLE.values())}, who runs the place")


if __name__ == "__main__":
    main()
