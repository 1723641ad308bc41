import json

import pytest

from pillar_service.core.nodes import pillar
from pillar_service.core.nodes.pillar import BotFacts, NotThisPillar
from pillar_service.core.people.agents import AccountState, Desired, effective

BOT = BotFacts("1f3a9c2e5b7d9e0f", "my", "my.butt.nz", "pub", Desired.RUNNING, False, 20001, "pub:1", 256)
SERVICE = {"url": "http://x", "token": "n:t"}


def test_the_same_facts_give_the_same_bytes_and_tag() -> None:
    other = BotFacts(**{**BOT.__dict__, "id": "0000000000000000"})
    one, two = pillar.body("n", SERVICE, [BOT, other]), pillar.body("n", dict(reversed(SERVICE.items())), [other, BOT])
    assert one == two
    assert pillar.etag(one) == pillar.etag(two)
    assert pillar.etag(one) != pillar.etag(pillar.body("n", SERVICE, [BOT]))


def test_the_body_has_the_shape_that_nodes_read() -> None:
    told = json.loads(pillar.body("n", SERVICE, [BOT]))["saltcellar"]
    assert (told["node"], told["service"]) == ("n", SERVICE)
    assert told["bots"] == {
        "1f3a9c2e5b7d9e0f": {
            "name": "my", "host": "my.butt.nz", "service": "pub", "state": "running", "purge": False, "port": 20001,
            "image": "pub:1", "memory_mb": 256, "allow_private": False, "seeds": [], "import": None,
            "pub_id": None,
        }
    }  # fmt: skip


def test_an_image_is_told_of_only_where_one_is_handed_out() -> None:
    image = pillar.ImageFacts("pub:1", "sha256:" + "1" * 64, "amd64", "2" * 64, 3)
    told = json.loads(pillar.body("n", SERVICE, [BOT], image=image))["saltcellar"]
    what = {"tag": "pub:1", "id": "sha256:" + "1" * 64, "architecture": "amd64"}
    assert told["image"] == what | {"sha256": "2" * 64, "size": 3}
    assert "image" not in json.loads(pillar.body("n", SERVICE, [BOT]))["saltcellar"]


def test_only_a_pillar_of_the_node_itself_is_read() -> None:
    good = json.loads(pillar.body("n", SERVICE, [BOT]))
    assert pillar.read("n", good) == good
    for wrong in (
        {},
        [],
        None,
        "x",
        {"saltcellar": []},
        {"saltcellar": {"node": "n"}},
        {"saltcellar": {"node": "n", "bots": []}},
    ):
        with pytest.raises(NotThisPillar):
            pillar.read("n", wrong)
    with pytest.raises(NotThisPillar, match="another node"):
        pillar.read("m", good)


def test_a_bot_stops_only_when_all_its_owners_are_suspended() -> None:
    active, suspended = AccountState.ACTIVE, AccountState.SUSPENDED
    assert effective(Desired.RUNNING, [suspended]) is Desired.STOPPED
    assert effective(Desired.RUNNING, [suspended, active]) is Desired.RUNNING
    assert effective(Desired.RUNNING, []) is Desired.RUNNING
    assert effective(Desired.ABSENT, [suspended]) is Desired.ABSENT
