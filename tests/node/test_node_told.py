"""Reading and checking what a pillar tells."""

import pytest

from pillar_service.core.errors import Invalid
from pillar_service.core.nodes.pillar import ONLY
from pillar_service.node.paths import Home, bot_id
from pillar_service.node.told import told

GOOD = {
    "name": "my", "host": "my.butt.nz", "service": "pub", "state": "running", "purge": False, "port": 20001,
    "image": "saltcellar/pub:0.1.0", "memory_mb": 256, "allow_private": False, "seeds": [], "import": None,
}  # fmt: skip
BOT, OTHER, BAD = "1f3a9c2e5b7d9e0f", "2" * 16, "3" * 16


def one(**changed):
    return told({"saltcellar": {"node": "n", "service": {}, "bots": {BOT: GOOD | changed}}}, "n")


def test_a_good_entry():
    assert one().bots[BOT]["name"] == "my"
    assert one().refused == {}
    assert one().bots[BOT]["pub_id"] is None  # an older service does not tell it


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../x"}, {"name": None}, {"host": "a b"}, {"state": "removed"}, {"state": []}, {"port": 0},
        {"port": "80:22"}, {"image": "A b"}, {"memory_mb": 0}, {"seeds": "x"}, {"seeds": ["a\nb"]},
        {"seeds": ["net:a.example:1~shs:x"]}, {"seeds": [f"net:a:1~shs:{'A' * 43}=\n"]}, {"seeds": [None]},
        {"import": "x"}, {"import": {"job": "../x"}}, {"pub_id": "x"}, {"pub_id": [1]},
    ],
)  # fmt: skip
def test_an_entry_that_makes_no_sense_is_refused_alone(changed):
    found = one(**changed)
    assert found.bots == {}
    assert "left as it is" in found.refused[BOT]
    assert found.problem is None
    assert found.known == {BOT}


IMAGE = {
    "tag": "saltcellar/pub:0.1.0",
    "id": f"sha256:{'1' * 64}",
    "architecture": "arm64",
    "sha256": "2" * 64,
    "size": 3,
}
WRONG = (("tag", "A b"), ("id", "1"), ("architecture", "a b"), ("sha256", "../x"), ("size", 0))


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (IMAGE, IMAGE),
        ({**IMAGE, "more": 1}, IMAGE),
        (None, None),
        ([IMAGE], None),
        *(({**IMAGE, key: wrong}, None) for key, wrong in WRONG),
    ],
)
def test_an_image_that_makes_no_sense_is_as_good_as_none(image, found):
    known = told({"saltcellar": {"node": "n", "service": {}, "bots": {BOT: GOOD}, "image": image}}, "n")
    assert (known.image, set(known.bots)) == (found, {BOT})
    assert "image" not in known.for_states()


def test_a_run_about_one_bot_tells_its_states_of_that_one_and_knows_all():
    bots = {BOT: GOOD, OTHER: GOOD, BAD: {"state": "x"}}
    pillar = {"saltcellar": {"node": "n", "service": {}, "bots": bots}}
    whole = told(pillar, "n")
    for only, there in (([BOT], {BOT}), ([BAD], set()), ([OTHER, BOT], {BOT, OTHER}), (["f" * 16], set()), ([], set())):
        found = told({**pillar, ONLY: only}, "n")
        assert (found.bots, found.refused, found.known) == (whole.bots, whole.refused, whole.known)
        states = found.for_states()
        assert (set(states["bots"]), states["known"]) == (there, sorted(bots))
        assert set(states["refused"]) == {BAD} & set(only)
    states = whole.for_states()
    assert (set(states["bots"]), set(states["refused"]), states["known"]) == ({BOT, OTHER}, {BAD}, sorted(bots))


@pytest.mark.parametrize("only", [BOT, {BOT: True}, ["../x"], [BOT, None], 1, True, ""])
def test_a_run_about_what_is_no_list_of_bots_does_nothing(only):
    found = told({"saltcellar": {"node": "n", "service": {}, "bots": {BOT: GOOD}}, ONLY: only}, "n")
    assert "is limited to some bots" in found.problem
    assert "Nothing was changed" in found.problem
    assert found.for_states()["bots"] == {}


@pytest.mark.parametrize("purge", ["false", 1, "yes", None, []])
def test_only_true_purges(purge):
    assert one(purge=purge).bots[BOT]["purge"] is False


@pytest.mark.parametrize(
    ("pillar", "why"),
    [
        ({}, "no 'saltcellar' section"),
        ({"saltcellar": None}, "not a pillar of ours"),
        ({"saltcellar": {"node": "other", "bots": {}}}, "another node"),
        ({"_errors": ["boom"], "saltcellar": {"node": "n", "bots": {}}}, "boom"),
    ],
)
def test_nothing_is_known(pillar, why):
    found = told(pillar, "n")
    assert why in found.problem
    assert "Nothing was changed" in found.problem
    assert found.bots == {}


def test_the_states_do_not_see_the_token():
    found = told({"saltcellar": {"node": "n", "service": {"url": "u", "token": "secret"}, "bots": {}}}, "n")
    assert found.service["token"] == "secret"
    assert "secret" not in str(found.for_states())


@pytest.mark.parametrize(
    "value", ["", "..", "../etc", "1F3A9C2E5B7D9E0F", "1f3a9c2e5b7d9e0f\n", "1f3a9c2e5b7d9e0", None, 7]
)
def test_what_is_no_id_is_no_path(value):
    with pytest.raises(Invalid):
        bot_id(value)
    with pytest.raises(Invalid):
        Home.at(None).bot(value)
