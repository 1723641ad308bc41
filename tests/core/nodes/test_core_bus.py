import pytest

from pillar_service.core.nodes import bus


@pytest.mark.parametrize(
    "tag",
    [
        "salt/minion/one/start",
        "salt/beacon/one/pub_health/",
        "salt/job/20260101000000000000/prog/one/3",
        "salt/job/20260101000000000000/start/one",
        "org.example.backup.done",
        "org.example/db",
        "_salt_error",
        "minion_ping",
    ],
)
def test_a_node_tells_of_itself_and_of_its_own_kinds(tag: str) -> None:
    assert bus.may_fire("one", tag)
    assert bus.refusal("_minion_event", {"id": "one", "tag": tag, "data": {"id": "one"}}) is None


@pytest.mark.parametrize(
    "tag",
    [
        "salt/minion/two/start",
        "salt/minion/one",
        "salt/beacon/two/one/",
        "salt/beacon//one/",
        "salt/job/20260101000000000000/prog/two/3",
        "salt/job/20260101000000000000/ret/one",
        "salt/job/20260101000000000000/new",
        "salt/run/20260101000000000000/ret",
        "salt/auth",
        "salt/key",
        "salt//minion/one/start",
        "cluster/peer/one",
        "20260101000000000000",
        "rotate_aes_key",
        "",
    ],
)
def test_it_tells_nothing_of_others_and_nothing_in_salts_own_words(tag: str) -> None:
    assert not bus.may_fire("one", tag)
    assert bus.refusal("_minion_event", {"id": "one", "tag": tag, "data": {}})
    assert bus.refusal("_minion_event", {"id": "one", "events": [{"tag": "a.b", "data": {}}, {"tag": tag, "data": {}}]})


@pytest.mark.parametrize("data", [{"id": "two"}, {"id": None}, {"minions": []}, {"minions": ["two"], "jid": "1"}])
def test_what_it_tells_names_nobody_else(data: dict[str, object]) -> None:
    assert bus.refusal("_minion_event", {"id": "one", "tag": "a.b", "data": data})


def test_a_tag_is_not_put_before_another() -> None:
    assert bus.refusal("_minion_event", {"id": "one", "pretag": "salt/run", "tag": "a.b", "data": {}})
    assert bus.refusal("_minion_event", {"id": "one", "pretag": "salt/run", "events": [{"tag": "a.b", "data": {}}]})


def test_it_returns_under_its_own_id_and_asks_for_its_own_pillar() -> None:
    assert bus.refusal("_return", {"id": "one", "return": True}) is None
    assert bus.refusal("_return", {"id": "one", "return": True, "resource_id": "two"})
    assert bus.refusal("_pillar", {"id": "one", "ext": None}) is None
    assert bus.refusal("_pillar", {"id": "one", "ext": {"git": "x"}})


@pytest.mark.parametrize(
    "command", ["_syndic_return", "minion_publish", "_file_recv", "_mine", "__init__", "destroy", ""]
)
def test_what_no_node_needs_is_refused(command: str) -> None:
    assert bus.refusal(command, {"id": "one"})
