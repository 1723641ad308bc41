import pytest

from pillar_service.core.errors import Full
from pillar_service.core.placement import Room, place


def test_the_emptiest_node_and_its_lowest_free_port() -> None:
    full = Room("a", 1, 2, frozenset({1, 2}))
    busy = Room("b", 10, 20, frozenset({10, 11, 12}))
    free = Room("c", 30, 40, frozenset({30}))
    assert place([full, busy, free]) == ("c", 31)
    assert place([full, busy]) == ("b", 13)


def test_no_room_is_said() -> None:
    for rooms in ([], [Room("a", 1, 1, frozenset({1}))]):
        with pytest.raises(Full, match="add a node"):
            place(rooms)
