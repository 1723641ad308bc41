"""A deleted bot comes back with its identity, until a tombstone with purge removes its data."""

from masterless import changed, failed


def test_a_deleted_bot_comes_back_under_its_identity_and_is_then_purged(node):
    bot = node.add("my")
    first = node.apply()
    assert failed(first) == {}
    told = first[f"{bot} alive"]["pub"]
    before, last = told["pub_id"], {"pub_id": told["pub_id"], "sequence": told["sequence"]}
    facts = dict(node.bots[bot])

    node.change(bot, state="absent")
    assert node.apply()[f"{bot} gone"]["pub"] == {"data": "kept", **last}
    del node.bots[bot]  # The service does not list it any more.
    node.tell()
    node.apply()
    assert (node.data / "bots" / bot / "secret").exists()

    node.bots[bot] = facts
    node.tell()
    back = node.apply()
    assert failed(back) == {}
    assert back[f"{bot} alive"]["pub"]["pub_id"] == before

    node.change(bot, state="absent")
    node.apply()
    node.change(bot, purge=True, port=None)
    states = node.apply()
    assert failed(states) == {}
    assert states[f"{bot} gone"]["pub"] == {"data": "gone", **last}
    assert set(states[f"{bot} gone"]["changes"]) == {"data"}
    assert not (node.data / "bots" / bot).exists()
    assert changed(node.apply()) == {}


def test_a_bot_that_is_to_run_needs_a_port(node):
    bot = node.add("my", port=None)
    states = node.apply()
    assert "port" in failed(states)[f"{bot} pillar"]
    assert node.container(bot) is None
