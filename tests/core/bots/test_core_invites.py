"""What a pub says about its invites is accepted only in the expected form."""

import pytest

from pillar_service.core.bots import invites
from pillar_service.core.bots.invites import InviteState

ID = "@" + "C" * 43 + "=.ed25519"
FEED = "@" + "D" * 43 + "=.ed25519"
TOLD = {
    "id": ID, "note": "Ann", "uses": 2, "used": 1, "remaining": 1, "state": "unused",
    "created": "2026-11-21T06:00:00.000Z", "used_by": [{"id": FEED, "at": "2026-11-21T06:30:00.000Z"}], "revoked_at": None,
}  # fmt: skip
CREATED = 1795240800.0


def test_a_ledger_as_the_pub_tells_it():
    [entry] = invites.ledger([TOLD])
    assert (entry.invite, entry.note, entry.uses, entry.used) == (ID, "Ann", 2, 1)
    assert (entry.created_at, entry.revoked_at, entry.code) == (CREATED, None, None)
    assert entry.used_by == [{"id": FEED, "at": CREATED + 1800}]


@pytest.mark.parametrize("told", [None, {}, "x", 7, {"done": True}])
def test_what_is_no_list_is_no_ledger(told):
    assert invites.ledger(told) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "@x.ed25519"}, {"id": None}, {"id": ID + "\n"}, {"uses": 0}, {"uses": "2"}, {"uses": True}, {"uses": -1},
        {"used": None}, {"used": -1}, {"used": 2**40},
    ],
)  # fmt: skip
def test_an_entry_that_makes_no_sense_is_left_out(wrong):
    assert invites.ledger([TOLD | wrong, 7, None]) == []


def test_odd_parts_of_an_entry_are_made_harmless():
    odd = {
        "note": "a\x1b[31m\nb" + "x" * 500,
        "created": "yesterday",
        "revoked_at": 5,
        "used_by": [{"id": 1}, FEED, None],
    }
    [entry] = invites.ledger([TOLD | odd])
    assert entry.note.isprintable()
    assert len(entry.note) == 200
    assert (entry.created_at, entry.revoked_at, entry.used_by) == (None, None, [])


def test_a_ledger_without_end_is_cut():
    many = [TOLD | {"id": f"@{n:043d}=.ed25519"} for n in range(1500)]
    kept = invites.ledger(many)
    assert len(kept) == invites.MOST
    assert kept[-1].invite == many[-1]["id"]


def test_a_made_invite_has_its_code():
    made = invites.made({"id": ID, "code": "my.butt.nz:20000:@abc~def", "note": "Ann", "uses": 1}, 5.0)
    assert (made.invite, made.code, made.created_at) == (ID, "my.butt.nz:20000:@abc~def", 5.0)


@pytest.mark.parametrize("code", [None, "", "two words", "a\n", "x" * 501, 7, "é"])
def test_a_code_that_is_no_word_is_not_taken(code):
    assert invites.made({"id": ID, "code": code, "note": "", "uses": 1}, 5.0) is None


@pytest.mark.parametrize(
    ("uses", "used", "revoked_at", "state"),
    [
        (1, 0, None, "unused"),
        (3, 2, None, "unused"),
        (1, 1, None, "used"),
        (3, 4, None, "used"),
        (3, 1, 5.0, "revoked"),
    ],
)
def test_what_an_invite_is(uses, used, revoked_at, state):
    assert invites.state(uses, used, revoked_at) is InviteState(state)
