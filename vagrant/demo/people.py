"""Three accounts: two people who have bots, and who runs the place, with a second factor and known in Slack."""

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
    """What each person signs in with, by address: a password, and Olga's "secret" for codes."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(told: dict[str, dict[str, str]]) -> None:
    """Keep it where only root reads it, before it is needed: whoever runs this again finds it."""
    part = KEPT.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1))
    part.rename(KEPT)


def with_code(person: str, told: dict[str, Any]) -> None:
    """The second factor, as its owner turns it on: a key, and the first code made with it."""
    mine = told[OLGA]
    if "secret" not in mine:
        second_factor.begin(person, mine["password"])
        mine["secret"] = (second_factor.pending(person) or {})["secret"]
        keep(told)
    if second_factor.pending(person):
        second_factor.turn_on(person, pyotp.TOTP(mine["secret"]).at(time.time() - 30))


def in_chat(person: str) -> None:
    """Olga says that she is the one in Slack who was given a link."""
    if not chat.listed(person):
        chat.link(person, chat.invite(chat.asker(TEAM, OLGA_THERE)).rpartition("/")[2])


def main() -> None:
    """Make who is not there yet."""
    told, service = known(), client()
    for email in PEOPLE:
        told.setdefault(email, {"password": secrets.token_urlsafe(12)})
    keep(told)
    for email, (name, role) in PEOPLE.items():
        given = {"type": "person", "email": email, "name": name, "role": role, "password": told[email]["password"]}
        try:
            service.create_agent(given)
        except Conflict:  # somebody ran this before
            continue
    storage.prepare()
    olga = service.agents(type="person", email=OLGA)[0]["id"]
    with_code(olga, told)
    in_chat(olga)
    print(f"{len(PEOPLE)} accounts: {', '.join(name for name, _ in PEOPLE.values())}, who runs the place")


if __name__ == "__main__":
    main()
