"""The tour of `make demo`, in a folder and on ports of its own: it holds what it promises and leaves no trace."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from customers import Visitor
from ports import free_ports
from standing import Standing

pytestmark = pytest.mark.campaign

BOTS = {"garden": "1", "orchard": "2", "library": "2", "harbour": "1", "lobby": "2"}
"""Each bot, and the number of its node."""


@dataclass
class Tour(Standing):
    """A running tour, and what it printed."""

    said: str = ""

    @property
    def pages(self) -> str:
        """The address of its pages."""
        return f"http://127.0.0.1:{self.settings['CELLAR_PUBLIC_PORT']}"

    def visitor(self, email: str) -> Visitor:
        """Someone signed in with what the tour printed."""
        told = self.make("demo")  # Run again, since a code is valid for a minute only.
        password, code = re.search(rf"{email} +(\S+)", told), re.search(r"the code (\d+)", told)
        assert password
        assert code
        return Visitor(self.pages, email, password[1], code[1])


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    """A tour, started once; afterwards nothing of it is left, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))  # Short, for the sake of Salt's sockets.
    mark = secrets.token_hex(3)
    first, _ = free_ports(26)
    names = ("PUBLIC", "PRIVATE", "SLACK", "DESK", "PUBLISH", "RETURN")
    settings = {
        "CELLAR_DIR": str(folder),
        "CELLAR_NODE": f"demo-{mark}-1",
        "CELLAR_NODE_2": f"demo-{mark}-2",
        "CELLAR_BOT_PORTS": f"{first + 6}-{first + 15}",
        "CELLAR_BOT_PORTS_2": f"{first + 16}-{first + 25}",
    } | {f"CELLAR_{name}_PORT": str(first + at) for at, name in enumerate(names)}
    made = Tour(folder, settings)
    try:
        made.said = made.make("demo")
        yield made
    finally:
        if folder.exists():
            made.make("demo-down")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def operator(tour: Tour) -> Visitor:
    """The operator, signed in once for all tests, since a code works only once."""
    return tour.visitor("operator@example.org")


def test_five_bots_of_three_accounts_live_on_two_nodes(tour: Tour, operator: Visitor) -> None:
    assert [state for state, _ in tour.lives().values()] == ["running"] * 5
    fleet = operator.sees("/admin/bots")
    for bot, node in BOTS.items():
        row = re.search(rf"{bot} .*?#(\w+).*?(demo-\w+-\d)", fleet)
        assert row, fleet
        assert (row[1], row[2][-1]) == ("alive", node), fleet
    accounts = operator.sees("/admin/accounts")
    assert all(f"{name}@example.org" in accounts for name in ("ann", "ben", "operator"))


def test_a_message_travelled_from_pub_to_pub(tour: Tour) -> None:
    assert re.search(r"traffic +from garden to library: .The first apples are ripe", tour.said), tour.said
    ann, ben = tour.visitor("ann@example.org"), tour.visitor("ben@example.org")
    assert ann.sees("/bots/garden/invites").count("for Ada") == 1
    assert all(note in ben.sees("/bots/library/invites") for note in ("for Cid", "for Lin"))


def test_the_conversation_stands_in_the_fake_slack(tour: Tour) -> None:
    talk = Visitor(f"http://127.0.0.1:{tour.settings['CELLAR_DESK_PORT']}").sees("/channel")
    assert re.search(r"Olga @mrmeeseeks restart-bot garden .*All done!.* Ben .*No role names you", talk), talk


def test_the_page_tells_how_the_node_healed_a_pub_alone(tour: Tour, operator: Visitor) -> None:
    story = operator.sees(f"/admin/nodes/{tour.settings['CELLAR_NODE_2']}/story")
    assert re.search(r'"event": "hung".*"action": "restart".*"event": "restarted"', story), story
    assert "Gaps 0 lost, 0 refused, 0 missing" in story


def test_again_it_changes_nothing(tour: Tour) -> None:
    before = tour.lives(), tour.processes()
    said = tour.make("demo")
    assert (tour.lives(), tour.processes()) == before
    assert "traffic" not in said
    assert "5 bots live" in said


def test_down_leaves_nothing(tour: Tour) -> None:
    assert "is gone" in tour.make("demo-down")
    assert tour.leaves_nothing()
