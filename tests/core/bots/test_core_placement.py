from dataclasses import replace

import pytest

from pillar_service.core.bots.placement import Wish, place
from pillar_service.core.errors import Full, Invalid, NotFound
from pillar_service.core.nodes import selectors
from pillar_service.core.nodes.rooms import Owner, Room, Sharing, Size, size

ANN, BOB = Owner("a", "ann@example.org"), Owner("b", "bob@example.org")
WISH = Wish((ANN,), 256)
ROOM = Room("n", 1, 10)
HERS = replace(ROOM, node="hers", account="a", sharing=Sharing.OWN)
HIS = replace(ROOM, node="his", account="b", sharing=Sharing.OWN)


def test_the_emptiest_node_and_its_lowest_free_port() -> None:
    full = Room("a", 1, 2, frozenset({1, 2}))
    busy = Room("b", 10, 20, frozenset({10, 11, 12}))
    free = Room("c", 30, 40, frozenset({30}))
    assert place([full, busy, free], WISH) == ("c", 31)
    assert place([full, busy], WISH) == ("b", 13)


def test_a_port_that_was_left_is_given_only_where_no_other_is_free() -> None:
    room = replace(ROOM, taken=frozenset({2}), left=frozenset({1, 3}))
    assert room.port() == 4
    assert replace(room, port_last=3).port() == 1
    assert replace(room, port_last=3, taken=frozenset({1, 2, 3})).port() is None
    assert room.has_free(3), "a bot that comes back has its own"


def test_how_full_a_node_is_counts_by_its_size() -> None:
    small = Room("small", 1, 4, frozenset({1}))
    large = Room("large", 1, 100, frozenset({1, 2, 3}))
    assert place([small, large], WISH) == ("large", 4)


def test_an_accounts_bots_are_kept_apart_and_its_own_node_comes_first() -> None:
    assert place([replace(ROOM, akin=1), replace(ROOM, node="x", taken=frozenset({1, 2}))], WISH)[0] == "x"
    assert place([ROOM, HERS], WISH)[0] == "hers"


def test_no_room_is_said() -> None:
    for rooms in ([], [Room("a", 1, 1, frozenset({1}))]):
        with pytest.raises(Full, match="add a node"):
            place(rooms, WISH)


@pytest.mark.parametrize(
    ("room", "owner", "chosen", "may"),
    [
        (ROOM, ANN, False, True),
        (replace(ROOM, sharing=Sharing.OWN), ANN, True, False),
        (HERS, ANN, False, True),
        (HIS, ANN, False, False),
        (HIS, ANN, True, False),
        (replace(HIS, named=frozenset({ANN.email})), ANN, True, False),
        (replace(HIS, sharing=Sharing.NAMED, named=frozenset({ANN.email})), ANN, True, True),
        (replace(HIS, sharing=Sharing.NAMED, named=frozenset({ANN.email})), ANN, False, False),
        (replace(HIS, sharing=Sharing.NAMED, named=frozenset({"other@example.org"})), ANN, True, False),
        (replace(HIS, sharing=Sharing.ALL), ANN, False, True),
        (HIS, BOB, False, True),
    ],
)
def test_whose_bots_a_node_takes(room: Room, owner: Owner, chosen: bool, may: bool) -> None:
    assert room.may_have(owner, chosen) is may


def test_a_node_must_be_allowed_to_every_owner_of_the_bot() -> None:
    with pytest.raises(Full, match="no node on which this account"):
        place([HERS, HIS], replace(WISH, owners=(ANN, BOB)))
    assert place([HERS, HIS, ROOM], replace(WISH, owners=(ANN, BOB)))[0] == "n"


def test_a_chosen_node_that_one_may_not_use_is_as_none_at_all() -> None:
    said = []
    for rooms in ([ROOM, HIS], [ROOM]):
        with pytest.raises(NotFound) as refused:
            place(rooms, replace(WISH, node="his"))
        said.append(refused.value.sentence)
    assert said[0] == said[1]
    assert place([ROOM, HERS], replace(WISH, node="n")) == ("n", 1)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"is_accepted": False}, "cut off"),
        ({"is_draining": True}, "being drained"),
        ({"is_away": True}, "away"),
        ({"bots_most": 0}, "full"),
        ({"taken": frozenset(range(1, 11))}, "full"),
        ({"bots_most": 1, "taken": frozenset({7})}, "full"),
        ({"size": Size(cpus=1), "port_last": 99, "taken": frozenset(range(1, 17))}, "full"),
        ({"size": Size(disk_mb=1023)}, "full"),
        ({"size": Size(memory_mb=1024), "memory_mb": 1900}, "full"),
        ({"size": Size(memory_mb=1024), "memory_mb": 1792}, None),
        ({"size": Size(4, 4096, 40_000), "bots_most": 3, "taken": frozenset({1, 2})}, None),
    ],
)
def test_what_stands_against_a_node_is_said(changed: dict[str, object], why: str | None) -> None:
    room = replace(ROOM, **changed)  # type: ignore[arg-type]
    assert room.hindrance(256) == why
    if why:
        with pytest.raises(Full, match=why):
            place([room], WISH)
        with pytest.raises(Full, match=f"n is {why}, so it takes no new bot"):
            place([room], replace(WISH, node="n"))
        assert place([room, replace(ROOM, node="other")], WISH)[0] == "other"


def test_every_reason_is_counted_once() -> None:
    rooms = [replace(ROOM, is_away=True), replace(ROOM, node="b", is_away=True), replace(ROOM, node="c", bots_most=0)]
    with pytest.raises(Full, match=r"\(2 are away, 1 is full\)"):
        place(rooms, WISH)


def test_labels_that_were_asked_for_must_fit() -> None:
    shed = replace(ROOM, node="shed", labels={"site": "shed"}, taken=frozenset({1, 2}))
    assert place([ROOM, shed], replace(WISH, selector=selectors.parse("site=shed")))[0] == "shed"
    assert place([ROOM, shed], replace(WISH, selector=selectors.parse("node=n")))[0] == "n"
    with pytest.raises(Invalid, match="site=attic"):
        place([ROOM, shed], replace(WISH, selector=selectors.parse("site=attic")))


def test_a_bot_that_moves_goes_elsewhere() -> None:
    assert place([ROOM, replace(ROOM, node="z", taken=frozenset({1}))], replace(WISH, besides=frozenset("n")))[0] == "z"
    with pytest.raises(Full, match="No node other than n"):
        place([ROOM], replace(WISH, besides=frozenset("n")))


def test_what_a_node_has_by_its_facts() -> None:
    disks = {"/": {"size_bytes": 8 << 30}, "/var": {"size_bytes": 40 << 30}, "/var/log": {"size_bytes": 1 << 30}}
    assert size({"grains": {"num_cpus": 4, "mem_total": 7936}, "disks": disks}) == Size(4, 7936, 40 << 10)
    assert size({}) == Size()
    for lies in ("x", -1, 0, True, None, 2**80, [1]):
        told = {"grains": {"num_cpus": lies, "mem_total": lies}, "disks": {"/": {"size_bytes": lies}}}
        assert size(told) == Size(), lies
    assert size({"grains": "left out", "disks": ["/"]}) == Size()
