"""Only a tombstone removes a bot, and only in a fresh pillar."""

import pytest
from masterless import changed, failed


@pytest.fixture
def poured(node):
    bot = node.add("my")
    assert failed(node.apply()) == {}
    return bot


def test_a_tombstone_removes_the_container_and_keeps_the_data(node, poured):
    node.change(poured, state="absent")

    plan = node.apply("test=True")
    assert plan[f"{poured} gone"]["result"] is None
    assert node.container(poured).status == "running"

    gone = node.apply()[f"{poured} gone"]
    assert gone["result"] is True
    assert gone["changes"] == {"container": {"old": f"my-{poured}", "new": None}}
    assert node.container(poured) is None
    assert (node.data / "bots" / poured / "secret").exists()
    assert changed(node.apply()) == {}


def test_a_tombstone_with_purge_deletes_the_data_of_this_bot_only(node, poured):
    other = node.add("other")
    node.apply()
    node.change(poured, state="absent", purge=True)

    assert set(node.apply()[f"{poured} gone"]["changes"]) == {"container", "data"}

    assert not (node.data / "bots" / poured).exists()
    assert not (node.data / "configs" / f"{poured}.json").exists()
    assert (node.data / "bots" / other / "secret").exists()
    assert changed(node.apply()) == {}


def test_a_purge_follows_no_link_of_the_pub(node, poured, tmp_path):
    (tmp_path / "precious").write_text("keep")
    (node.data / "bots" / poured / "link").symlink_to(tmp_path)
    node.change(poured, state="absent", purge=True)
    assert failed(node.apply()) == {}
    assert (tmp_path / "precious").read_text() == "keep"


def test_an_unlisted_container_is_left_alone_and_reported(node, poured):
    del node.bots[poured]
    node.tell()
    before = node.container(poured).id

    states = node.apply()

    assert states["pubs unlisted"]["result"] is True
    assert f"my-{poured}" in states["pubs unlisted"]["comment"]
    assert changed(states) == {}
    assert node.container(poured).id == before
    assert node.container(poured).status == "running"
    assert node.call("pubs.unlisted") == [f"my-{poured}"]


def test_without_a_pillar_nothing_is_touched(node, poured):
    before = node.container(poured).id
    for pillar in (
        {},
        {"saltcellar": {}},
        {"saltcellar": []},
        {"saltcellar": {"node": "another", "service": {}, "bots": {}}},
        {"saltcellar": {"node": None, "bots": []}},
    ):
        node.tell_raw(pillar)
        states = node.apply()
        assert set(states) == {"pubs pillar"}, pillar
        assert "got no pillar" in failed(states)["pubs pillar"], pillar
        assert node.container(poured).id == before, pillar
        assert node.container(poured).status == "running", pillar


def test_errors_in_the_pillar_mean_that_nothing_is_known(node, poured):
    node.tell_raw({"_errors": ["the service is away"]} | {"saltcellar": {"node": node.id, "bots": {}}})
    returned = node.call("state.apply", "pubs", "force=True")
    assert "the service is away" in str(returned)
    assert node.container(poured).status == "running"


def test_a_stale_pillar_neither_removes_nor_stops_and_says_so(node, poured):
    stopped = node.add("stopped")
    node.apply()
    node.bots[poured]["state"] = "absent"
    node.bots[stopped]["state"] = "stopped"
    node.tell(stale={"since": 1_700_000_000, "reason": "The service is away."})

    states = node.apply()

    assert changed(states) == {}
    assert "The service is away." in states["pubs notice"]["comment"]
    assert "fresh" in states[f"{poured} waiting"]["comment"]
    assert {node.container(bot).status for bot in (poured, stopped)} == {"running"}


def test_a_stale_pillar_still_heals(node, poured):
    node.tell(stale={"since": 1_700_000_000, "reason": "The service is away."})
    node.container(poured).kill()
    assert failed(node.apply()) == {}
    assert node.container(poured).status == "running"
