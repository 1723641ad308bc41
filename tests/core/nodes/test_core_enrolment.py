"""The rules of enrolment: names, patterns, and what becomes of each token and key."""

from dataclasses import replace

import pytest
import salt.utils.crypt

from pillar_service.core.errors import Conflict, Forbidden, Invalid, Unauthenticated
from pillar_service.core.nodes import enrolment
from pillar_service.core.nodes.enrolment import KeyAct, KeyState, Known, MasterFacts, Redeemed, Token

ACCOUNT, NOW = "f67b76a543a7a349", 1000.0
TOKEN = Token("t1", ACCOUNT, "*", 1, 0, False, NOW + 60, None)
SHED = Known(ACCOUNT, "key-1", KeyState.ACCEPTED, "t1")


@pytest.mark.parametrize("name", ["shed", "a", "0", "rack-2", "a" * 40])
def test_what_a_node_may_be_called(name):
    assert enrolment.node_name(name) == name
    assert len(enrolment.minion_id(name, ACCOUNT)) <= 63, "the id can be a label's value"


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a_b", "a b", "a\n", "a" * 41, "ä", None, 7, "../x", "*"])
def test_what_a_node_may_not_be_called(name):
    with pytest.raises(Invalid, match="node's name"):
        enrolment.node_name(name)


def test_the_same_name_in_two_accounts_is_two_nodes():
    assert enrolment.minion_id("shed", ACCOUNT) == f"shed.{ACCOUNT}"
    assert enrolment.minion_id("shed", None) == "shed"


@pytest.mark.parametrize("wrong", ["", "[a]", "a" * 41, "a b", "A", None, "a.b"])
def test_what_is_no_pattern(wrong):
    with pytest.raises(Invalid, match="pattern"):
        enrolment.pattern(wrong)


def decide(token=TOKEN, known=None, name="shed", key="key-1", now=NOW):
    return enrolment.decide(token, known, name, key, now)


def test_a_good_token_lets_in_whom_it_names():
    assert decide() is Redeemed.NEW
    assert decide(replace(TOKEN, pattern="sh*")) is Redeemed.NEW
    with pytest.raises(Forbidden, match="called rack-"):
        decide(replace(TOKEN, pattern="rack-?"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"expires_at": NOW}, "expired"), ({"used": 1}, "already used"), ({"revoked_at": 1.0}, "revoked")],
)
def test_a_token_that_is_no_longer_good_lets_nobody_in(changed, said):
    with pytest.raises(Unauthenticated, match=said):
        decide(replace(TOKEN, **changed))
    with pytest.raises(Unauthenticated, match=said):
        decide(replace(TOKEN, **changed, replaces=True), replace(SHED, public_key="key-0"))


def test_who_asks_again_with_the_same_key_is_told_the_same():
    assert decide(replace(TOKEN, used=1, expires_at=0), SHED) is Redeemed.SAME
    with pytest.raises(Unauthenticated, match="revoked"):
        decide(replace(TOKEN, revoked_at=1.0), SHED)
    assert decide(TOKEN, replace(SHED, enrolled_by="t0")) is Redeemed.SAME
    with pytest.raises(Unauthenticated):
        decide(replace(TOKEN, used=1), replace(SHED, enrolled_by="t0"))


def test_another_key_comes_only_for_a_lost_disk_or_after_a_revocation():
    with pytest.raises(Conflict, match="another key"):
        decide(TOKEN, SHED, key="key-2")
    assert decide(replace(TOKEN, replaces=True), SHED, key="key-2") is Redeemed.REPLACED
    revoked = replace(SHED, key_state=KeyState.REVOKED)
    assert decide(TOKEN, revoked, key="key-2") is Redeemed.REPLACED
    for token in (TOKEN, replace(TOKEN, replaces=True)):
        with pytest.raises(Forbidden, match="revoked for good"):
            decide(token, revoked)
    assert decide(TOKEN, Known(ACCOUNT, None, KeyState.NONE, None)) is Redeemed.REPLACED


def test_a_token_reaches_into_no_other_account():
    for known in (replace(SHED, account=None), replace(SHED, account="another")):
        with pytest.raises(Conflict, match="somebody else"):
            decide(replace(TOKEN, replaces=True), known, key="key-2")


def test_a_fingerprint_is_the_one_that_a_minion_looks_for(tmp_path):
    pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\nBgkqhkiG\n-----END PUBLIC KEY-----"
    file = tmp_path / "master.pub"
    file.write_text(f"{pem}\n")
    assert enrolment.fingerprint(pem) == salt.utils.crypt.pem_finger(str(file), sum_type="sha256")


def test_a_statement_is_good_for_one_thing_of_one_node_with_one_key():
    told = {
        enrolment.statement(*one)
        for one in [
            (KeyAct.LEAVE, "a", "x\nkey-1\nx"), (KeyAct.LEAVE, "b", "x\nkey-1\nx"), (KeyAct.LEAVE, "a", "x\nkey-2\nx"),
            (KeyAct.TURN, "a", "x\nkey-1\nx"), (KeyAct.TURN, "a", "x\nkey-1\nx", "key-2"),
        ]
    }  # fmt: skip
    assert len(told) == 5


def test_only_masters_that_share_the_first_ones_key_are_told():
    masters = [
        MasterFacts("a", 1, 2, "x\nk\nx"),
        MasterFacts("b", 3, 4, "x\nother\nx"),
        MasterFacts("c", 5, 6, "x\nk\nx"),
        MasterFacts("a", 7, 2, "x\nk\nx"),  # its earlier name
    ]
    told = enrolment.told(masters, "shed", None, {"a.conf": "x"})
    assert [(one["address"], one["publish_port"]) for one in told["masters"]] == [("a", 1), ("c", 5)]
    assert (told["master_key"], told["configuration"]) == ("x\nk\nx", {"a.conf": "x"})
