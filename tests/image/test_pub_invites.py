"""Invites with real peers: used, used up, revoked, lost and found."""

import json
from urllib.parse import quote

import pytest


@pytest.fixture(scope="module")
def friends(pub, new_peer):
    """Two peers that joined with the same invite; the first has written something."""
    ann, bob = new_peer(), new_peer()
    invite = pub.invite(2, "for the two")
    ann_lines = ann("accept", invite["code"], "publish", "hello through the pub")
    bob_lines = bob("accept", invite["code"])
    return ann, bob, invite, ann_lines + bob_lines


def revoke(pub, invite):
    return pub.ask("DELETE", "/invites/" + quote(invite["id"], safe=""))


def use(peer, invite):
    return peer("use", invite["code"])[0]


def test_message_travels_from_peer_to_peer(pub, friends):
    ann, bob, _, lines = friends
    assert [line["command"] for line in lines if "error" not in line] == ["accept", "publish", "accept"]
    ann_id = ann.id
    _followed, waited = bob("follow", ann_id, "wait", "hello through the pub", ann_id)
    assert waited == {"command": "wait", "text": "hello through the pub", "feed": ann_id}


def test_ledger_knows_who_used_it(pub, friends):
    ann, bob, invite, _ = friends
    entry = pub.entry(invite)
    assert (entry["used"], entry["remaining"], entry["state"]) == (2, 0, "used")
    assert [row["id"] for row in entry["used_by"]] == [ann.id, bob.id]
    assert entry["created"] <= entry["used_by"][0]["at"] <= entry["used_by"][1]["at"]
    assert pub.get("/info")["follows"] == 2


def test_connected_peer_is_counted_once(pub, friends, wait_until):
    ann = friends[0]
    run = ann.begin("stay", "4")
    (row,) = wait_until(lambda: pub.get("/peers"), 10)
    assert pub.get("/info")["peers"] == 1
    assert ann.end(run)[0]["command"] == "stay"
    assert row["id"] == ann.id
    assert row["address"].startswith("net:")
    assert row["since"].endswith("Z")
    wait_until(lambda: pub.get("/peers") == [], 10)


def test_spent_code_is_refused(pub, friends, new_peer):
    assert "error" in use(new_peer(), friends[2])
    assert pub.entry(friends[2])["used"] == 2
    assert revoke(pub, friends[2])[0] == 409


def test_revoked_code_is_refused_also_after_a_restart(pub, new_peer):
    eve, invite = new_peer(), pub.invite(5)
    assert revoke(pub, invite)[0] == 200
    assert "error" in use(eve, invite)
    pub.restart()
    assert "error" in use(eve, invite)
    entry = pub.entry(invite)
    assert (entry["used"], entry["used_by"], entry["state"]) == (0, [], "revoked")


def test_revoking_a_half_used_code_keeps_who_used_it(pub, new_peer):
    first, second, invite = new_peer(), new_peer(), pub.invite(2)
    assert "error" not in use(first, invite)
    assert revoke(pub, invite)[0] == 200
    assert "error" in use(second, invite)
    entry = pub.entry(invite)
    assert (entry["used"], entry["remaining"], len(entry["used_by"])) == (1, 0, 1)


def test_three_uses_are_three_uses_when_ten_come_at_once(pub, new_peer):
    invite = pub.invite(3)
    assert new_peer()("crowd", 10, invite["code"]) == [{"command": "crowd", "accepted": 3}]
    entry = pub.entry(invite)
    assert (entry["used"], entry["state"]) == (3, "used")
    assert len({row["id"] for row in entry["used_by"]}) == 3


@pytest.mark.parametrize("feed", ["", "nonsense", "@AAAA=.ed25519", "itself"])
def test_use_for_what_is_no_feed_is_refused_and_costs_nothing(pub, new_peer, feed):
    invite = pub.invite()
    feed = pub.get("/info")["id"] if feed == "itself" else feed
    (line,) = new_peer()("use_for", feed, invite["code"])
    assert "feed id" in line["error"]
    assert pub.entry(invite)["remaining"] == 1


def test_follower_of_today_costs_no_second_use(pub, friends):
    invite = pub.invite()
    assert "already following" in use(friends[0], invite)["error"]
    assert (pub.entry(invite)["used"], pub.entry(invite)["used_by"]) == (0, [])


def test_note_is_not_published(pub, new_peer):
    invite = pub.invite(1, "private-remark-4711")
    assert "error" not in use(new_peer(), invite)
    pub.restart()
    log = (pub.data / "flume/log.offset").read_bytes()
    assert b'"type":"contact"' in log
    assert b"private-remark-4711" not in log


def entries(count, uses, used):
    return [
        {"id": f"@{n:043}=.ed25519", "note": "", "uses": uses, "used": used, "created": None, "used_by": []}
        | {"revoked_at": None}
        for n in range(count)
    ]


def with_ledger(pub, invites):
    """Start a pub whose ledger has these invites."""
    pub.start().wait_up()
    pub.container.stop(timeout=5)
    (pub.data / "invites.json").write_text(json.dumps({"format": 1, "claim": None, "invites": invites}))
    pub.container.start()
    pub.wait_up()
    return pub


def test_what_is_over_is_forgotten_when_the_ledger_is_full(new_pub):
    pub = with_ledger(new_pub(), entries(1200, 1, 1))
    made = pub.invite(1, "the newest")
    for _ in range(2):
        told = pub.get("/invites")
        assert (len(told), told[0]["id"], told[-1]["id"]) == (1000, f"@{201:043}=.ed25519", made["id"])
        pub.restart()


def test_no_invite_is_made_beside_a_thousand_that_can_still_be_used(new_pub):
    pub = with_ledger(new_pub(), entries(1000, 2, 1))
    status, answer = pub.ask("POST", "/invites", {"uses": 1, "note": ""})
    assert (status, answer["error"].endswith("revoke some first.")) == (409, True)
    assert revoke(pub, {"id": f"@{0:043}=.ed25519"})[0] == 200
    assert pub.invite()["uses"] == 1
    assert len(pub.get("/invites")) == 1000


def test_lost_ledger_is_rebuilt_from_the_codes(new_pub, new_peer):
    pub, ann, bob = new_pub().start(), new_peer(), new_peer()
    pub.wait_up()
    open_, dead = pub.invite(2, "open"), pub.invite(2, "dead")
    assert "error" not in use(ann, open_)
    revoke(pub, dead)
    pub.container.stop(timeout=5)
    (pub.data / "invites.json").write_text('{"format": 1, "invites": [{"id"')
    pub.container.start()
    info = pub.wait_up()
    (warning,) = info["warnings"]
    (aside,) = pub.data.glob("invites.json.corrupt-*")
    assert aside.name in warning
    assert warning in pub.logs()
    (entry,) = pub.get("/invites")
    assert (entry["id"], entry["note"], entry["uses"], entry["used"]) == (open_["id"], "open", 2, 1)
    assert "error" in use(bob, dead)
    assert "error" not in use(bob, open_)


@pytest.mark.slow
@pytest.mark.parametrize("with_codes", [True, False])
def test_use_that_a_crash_interrupted_can_be_made_again(new_pub, new_peer, with_codes):
    pub, ann = new_pub().start(), new_peer()
    pub.wait_up()
    invite = pub.invite()
    pub.container.stop(timeout=5)
    ledger = json.loads((pub.data / "invites.json").read_text())
    ledger["claim"] = {"invite": invite["id"], "feed": ann.id, "at": "2026-01-01T00:00:00.000Z"}
    (pub.data / "invites.json").write_text(json.dumps(ledger))
    if not with_codes:
        for file in (pub.data / "invites").iterdir():
            file.unlink()
    pub.container.start()
    pub.wait_up()
    assert pub.entry(invite)["used"] == 0
    assert "error" not in use(ann, invite)
    assert pub.entry(invite)["state"] == "used"
