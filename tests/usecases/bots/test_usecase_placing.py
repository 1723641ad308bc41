"""Which nodes take whose bots, and that a bot comes to no other node in any way."""

import itertools
import time
from collections.abc import Callable

import pytest
from accounts_with_nodes import account, own
from eventful import told as event
from pouring import OWNER, bot, carry_out, owner, poured, tar

from pillar_service.core.errors import Conflict, Forbidden, Full, Invalid, NotFound
from pillar_service.core.nodes.facts import EVENT_TYPE
from pillar_service.core.people.agents import Belonging
from pillar_service.store.bots import bots as bot_rows
from pillar_service.store.database import transaction
from pillar_service.store.nodes import nodes as node_rows
from pillar_service.store.nodes import standings
from pillar_service.store.people import agents
from pillar_service.store.service import audit
from pillar_service.usecases.bots import bots, bringing_back, placing, pouring, transfers
from pillar_service.usecases.events import events
from pillar_service.usecases.nodes import enrolment, node_terms, nodes
from pillar_service.usecases.people import accounts, sharing, sign_up

pytestmark = pytest.mark.usefixtures("service")

NAMES = ("ann", "bob", "cora", "dan")


def mail(name: str) -> str:
    return f"{name}@example.org"


@pytest.fixture
def people(service: Callable[[], None]) -> dict[str, str]:
    """Accounts with a node each. Bob's is shared with Ann, Cora's with all, Dan's with nobody; `cellar-1` is closed."""
    made = {name: account(name) for name in NAMES}
    for name, id in made.items():
        own(f"node-{name}", id)
        nodes.add("test", f"node-{name}", 20000, 20999)
    node_terms.share("test", "node-bob", "named", [mail("ann")])
    node_terms.share("test", "node-cora", "all")
    node_terms.share("test", "cellar-1", "own")
    return made


MAY = {
    "ann": {"node-ann", "node-bob", "node-cora"},
    "bob": {"node-bob", "node-cora"},
    "cora": {"node-cora"},
    "dan": {"node-dan", "node-cora"},
}
EVERYWHERE = ("cellar-1", *(f"node-{name}" for name in NAMES))
UNASKED = {name: MAY[name] - ({"node-bob"} if name == "ann" else set()) for name in NAMES}


def test_no_bot_lands_where_its_account_may_not_have_one(people: dict[str, str]) -> None:
    for n, (name, node) in enumerate(itertools.product(NAMES, EVERYWHERE)):
        ways = {
            "made": lambda n=n, name=name, **where: bot(f"m{n}{len(where)}", mail(name), **where),
            "imported": lambda n=n, name=name, **where: bot(
                f"i{n}{len(where)}", mail(name), upload=upload(2 * n + len(where)), **where
            ),
        }
        for way, make in ways.items():
            assert make()["agent"]["node"] in UNASKED[name], (way, name)
            if node in MAY[name]:
                assert make(node=node)["agent"]["node"] == node
            else:
                with pytest.raises(NotFound, match="on which this account"):
                    make(node=node)
    for name, node in itertools.product(NAMES, EVERYWHERE):
        if node not in UNASKED[name]:
            with pytest.raises(Invalid, match="ask for other labels"):
                bot("labels", mail(name), selector=f"node={node}")


def upload(n: int) -> str:
    return str(transfers.upload("test", tar(f"@{n:043d}=.ed25519"))["upload"])


def test_what_one_may_not_use_does_not_tell_whether_it_is_there(people: dict[str, str]) -> None:
    said = []
    for node in ("node-ann", "node-nobody"):
        with pytest.raises(NotFound) as refused:
            pouring.create(people["dan"], "my", node=node)
        said.append(refused.value.sentence.replace(node, ""))
    assert said[0] == said[1]


def test_a_deleted_bot_comes_back_only_where_its_owner_may_have_it(people: dict[str, str]) -> None:
    id = poured("my", email=mail("ann"), node="node-bob")["id"]
    carry_out(node="node-bob")
    bots.delete("test", "my", purge=False)
    carry_out(node="node-bob")
    node_terms.share("test", "node-bob", "own")
    with pytest.raises(Conflict, match="no longer takes bots of its owner"):
        bringing_back.bring_back("test", id)
    node_terms.share("test", "node-bob", "named", [mail("ann")])
    assert bringing_back.bring_back("test", id)["agent"]["node"] == "node-bob"


def test_who_only_says_that_an_address_is_theirs_may_not_use_what_is_shared_with_it(people: dict[str, str]) -> None:
    node_terms.share("test", "node-bob", "named", [mail("eve")])
    sign_up.register(mail("eve"), "seven lemons in a cellar", "Eve", "192.0.2.1")
    eve = str(accounts.show(mail("eve"))["id"])
    with pytest.raises(NotFound):
        pouring.create(eve, "hers", node="node-bob")
    accounts.verify("test", eve)
    assert pouring.create(eve, "hers", node="node-bob")["agent"]["node"] == "node-bob"


def test_a_bot_is_handed_only_to_who_may_have_it_on_its_node(people: dict[str, str]) -> None:
    bot("my", mail("ann"), node="node-ann")
    with transaction():
        agents.join(people["bob"], str(bots.show("my")["id"]), Belonging.MEMBER)
    with pytest.raises(Conflict, match="move it"):
        sharing.hand_over(people["ann"], "my", people["bob"], "my")
    node_terms.share("test", "node-ann", "named", [mail("bob")])
    sharing.hand_over(people["ann"], "my", people["bob"], "my")


def test_people_set_terms_of_their_own_nodes_alone(people: dict[str, str]) -> None:
    node_terms.set_of(people["dan"], "node-dan", "named", [mail("nobody-here"), "ANN@example.org"], 2)
    told = node_terms.show_of(people["dan"], "node-dan")
    assert (told["emails"], told["node"]["sharing"]) == ([mail("ann"), mail("nobody-here")], "named")
    assert told["room"] == {"taken": 0, "most": 2, "why": None}
    for stranger in ("ann", "bob"):
        for ask in (
            lambda who: node_terms.set_of(who, "node-dan", "own", [], None),
            lambda who: node_terms.show_of(who, "node-dan"),
        ):
            with pytest.raises(NotFound, match="no node"):
                ask(people[stranger])
    with pytest.raises(Forbidden, match="Only whoever runs this place"):
        node_terms.set_of(people["dan"], "node-dan", "all", [], None)
    for wrong in (("some", [], None), ("own", [mail("ann")], None), ("named", ["x"], None), ("named", [], -1)):
        with pytest.raises(Invalid):
            node_terms.set_of(people["dan"], "node-dan", *wrong)
    assert node_terms.show("node-dan")["emails"] == [mail("ann"), mail("nobody-here")], "all of it, or nothing"
    assert [row.detail for row in audit.about("node:node-dan") if row.action == "nodes.limit"] == ["2"]


def test_of_bots_that_one_may_not_see_only_their_number_is_told(people: dict[str, str]) -> None:
    bot("hers", mail("ann"), node="node-bob")
    bot("his", mail("bob"), node="node-bob")
    told = node_terms.show_of(people["bob"], "node-bob")
    assert (told["bots"], told["others"]) == (["his"], 1)
    assert sorted(node_terms.show("node-bob")["bots"]) == ["hers", "his"]
    assert placing.choices(people["ann"]) == ["node-ann", "node-bob"]


def test_a_limit_is_held_and_said(people: dict[str, str]) -> None:
    node_terms.limit("test", "node-dan", 1)
    bot("one", mail("dan"), node="node-dan")
    with pytest.raises(Full, match="node-dan is full, so it takes no new bot"):
        bot("two", mail("dan"), node="node-dan")
    assert bot("two", mail("dan"))["agent"]["node"] == "node-cora"


def test_what_a_node_tells_that_it_has_counts(people: dict[str, str]) -> None:
    facts = {"grains": {"num_cpus": 2, "mem_total": 256}, "disks": {"/": {"size_bytes": 9 << 30}}}
    events.take("node-dan", [event(1, EVENT_TYPE, "node-dan", data={"facts": facts})])
    assert nodes.described(node_rows.find("node-dan"))["has"] == {"cpus": 2, "memory_mb": 256, "disk_mb": 9 << 10}
    for name in ("one", "two"):
        bot(name, mail("dan"), node="node-dan", memory_mb=256)
    with pytest.raises(Full, match="full"):
        bot("three", mail("dan"), node="node-dan", memory_mb=64)


def test_what_is_away_or_cut_off_takes_none(people: dict[str, str]) -> None:
    events.take("node-dan", [event(1, EVENT_TYPE, "node-dan", data={"facts": {}})])
    with transaction():
        standings.put(standings.find("node-dan"), "node-dan", {"heard_at": time.time() - 86_400})
    with pytest.raises(Full, match="away"):
        bot("my", mail("dan"), node="node-dan")
    with transaction():
        node_rows.change("node-dan", key_state="revoked", public_key="x")
    with pytest.raises(Full, match="cut off"):
        bot("my", mail("dan"), node="node-dan")


def test_an_enrolled_node_takes_its_own_accounts_bots_alone(people: dict[str, str]) -> None:
    with transaction():
        nodes.add_for("new", people["ann"])
        nodes.add_for("house", None)
    assert [node_rows.find(id).sharing for id in ("new", "house")] == ["own", "all"]


def test_whoever_signs_up_where_no_node_has_room_gets_an_account_and_hears_why(service: Callable[[], None]) -> None:
    node_terms.limit("test", "cellar-1", 0)
    with pytest.raises(Full, match="add a node"):
        bot("my", owner() and OWNER)
    newbie = sign_up.start("nina@example.org", "seven lemons in a cellar", "192.0.2.1")["newbie"]
    made = sign_up.ask(newbie, "Nina", "hers", "192.0.2.1")
    assert made
    assert "1 is full" in made.refused
    assert bot_rows.listed() == []
    own("node-nina", made.account)
    nodes.add("test", "node-nina", 20000, 20999)
    assert pouring.create(made.account, "hers")["agent"]["node"] == "node-nina"


def test_a_node_that_left_with_its_account_takes_none(people: dict[str, str]) -> None:
    with transaction():
        node_rows.change("node-cora", public_key="x", key_state="accepted")
        enrolment.forget("test", people["cora"])
    with pytest.raises(Full, match="cut off"):
        bot("my", mail("bob"), node="node-cora")
