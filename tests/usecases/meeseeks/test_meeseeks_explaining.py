"""`meeseeks.can` tells exactly what asking would decide."""

import pytest
from chatting import ANN, COMMANDS, ZOE, chat, grant, keep, link, said, scene, user
from pouring import owner, poured

from pillar_service.core.errors import Invalid, SaltcellarError
from pillar_service.core.meeseeks.catalogue import Arguments, Command, Where
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.core.meeseeks.roles import Role
from pillar_service.core.nodes.selectors import parse
from pillar_service.store import database
from pillar_service.store.jobs import jobs
from pillar_service.store.nodes import nodes
from pillar_service.usecases.meeseeks import asking, explaining

pytestmark = pytest.mark.usefixtures("service", "_scene")

FORCED = Command(
    "forced",
    "Do it",
    Arguments(("do", "{force:--force}")),
    parameters=(Parameter("force", Kind.BOOL),),
    where=Where.ALL,
)
NOWHERE = Command("nowhere", "Do it", Arguments(("do",)), selector=parse("kubernetes"))


@pytest.fixture
def _scene(service: object) -> None:
    scene()
    owner()
    poured("near", node="cellar-1")
    poured("far", node="cellar-3")
    keep([*COMMANDS, FORCED, NOWHERE])


LINES = {
    "say hi": ["cellar-1", "cellar-2"],
    "say hi -l disk=ssd": ["cellar-1"],
    "pods": ["cellar-2"],
    "one on=cellar-2": ["cellar-2"],
    "forced --force": ["cellar-1", "cellar-2"],
    "list-bots": [],
    "restart-bot near": ["cellar-1"],
    "one": "but 2 fit",
    "one on=cellar-3": "No node fits",
    "pods -l disk=ssd": "needs kubectl",
    "say hi -l environment=prd": "No node fits environment=prd and lets you run say: yours are ",
    "nowhere": "No node lets you run nowhere: yours are cellar-1, cellar-2. It only runs where kubernetes fits",
    "restart-bot far": "on cellar-3, where far is",
    "restart-bot nobody": "There is no bot",
    "restart-bot near -l disk!=ssd": "does not fit",
}


@pytest.mark.parametrize("line", LINES)
def test_what_is_told_is_what_asking_decides(line: str) -> None:
    told, expected = explaining.can(user(ANN), line, "C01"), LINES[line]
    if isinstance(expected, list):
        assert (told["allowed"], told["nodes"]) == (True, expected)
        assert list(asking.read(chat(), line).nodes) == expected
        return
    assert (told["allowed"], told["nodes"]) == (False, [])
    assert expected in told["why"][0]
    with pytest.raises(SaltcellarError, match=expected):
        asking.read(chat(), line)


def test_telling_leaves_nothing_behind() -> None:
    before = jobs.Job.select().count()
    explaining.can(user(ANN), "restart-bot far")
    assert (said("meeseeks.denied"), jobs.Job.select().count()) == ([], before)


def test_a_command_alone_is_asked_about_with_some_arguments() -> None:
    keep([*COMMANDS, FORCED], [Role("tester", frozenset({user(ANN)}), (), (grant("*", text="h.", bot="near"),))])
    assert explaining.can(user(ANN), "say")["nodes"] == ["cellar-1", "cellar-2"]
    assert explaining.can(user(ANN), "restart-bot", selector="disk=ssd")["nodes"] == ["cellar-1"]
    assert explaining.can(user(ANN), "any")["allowed"] is False
    with pytest.raises(Invalid, match="takes no argument"):
        explaining.can(user(ANN), "say shout=yes")


def test_privileges_and_strangers_are_told_of_as_before() -> None:
    keep(roles=[Role("tester", frozenset({user(ANN)}), (), (grant("meeseeks.*"),))])
    assert explaining.can(user(ANN), "meeseeks.audit")["allowed"] is True
    told = explaining.can(user(ZOE), "say hi")
    assert (told["allowed"], told["nodes"], "No role names you" in told["why"][0]) == (False, [], True)


def test_a_bot_on_an_accounts_own_node_is_told_of_for_who_is_on_its_page() -> None:
    account = owner("ann@example.org")
    poured("own", email="ann@example.org", node="cellar-2")
    with database.transaction():
        nodes.change("cellar-2", account=account)
    assert explaining.can("ann@example.org", "restart-bot own")["nodes"] == ["cellar-2"]
    told = explaining.can(user(ANN), "restart-bot own")
    assert (told["allowed"], "which belongs to an account" in told["why"][0]) == (False, True)
    link(ANN, account)
    assert explaining.can(user(ANN), "restart-bot own")["nodes"] == ["cellar-2"]
