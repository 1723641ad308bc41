"""All combinations of role, command, selector, channel and user's state, really asked for and compared with an oracle.

What is allowed becomes a job on exactly the right nodes; all else is refused. Each leaves one row in the audit.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from chatting import COMMANDS, TEAM, chat, grant, keep, link, node
from pouring import owner, poured

from pillar_service.core.errors import Forbidden, NotFound
from pillar_service.core.meeseeks.roles import Grant, Role
from pillar_service.store.database import transaction
from pillar_service.store.jobs import jobs
from pillar_service.store.service import audit
from pillar_service.usecases.meeseeks import asking
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.people import accounts

LABELS = {
    "cellar-1": {"environment": "tests"},
    "cellar-2": {"environment": "tests", "gpu": ""},
    "cellar-3": {"environment": "prd"},
}

MEANS: dict[str, set[str]] = {
    "": {"cellar-1", "cellar-2", "cellar-3"},
    "environment=tests": {"cellar-1", "cellar-2"},
    "environment=prd": {"cellar-3"},
    "!gpu": {"cellar-1", "cellar-3"},
    "environment=moon": set(),
}
"""The nodes of each selector, written down by hand."""


@dataclass(frozen=True)
class Given:
    """A grant, written down by hand; ``commands`` are those of LINES that it covers."""

    glob: str
    commands: tuple[str, ...]
    where: str
    channels: tuple[str, ...]
    text: str = ""

    def made(self) -> Grant:
        return grant(self.glob, where=self.where, channels=self.channels, **({"text": self.text} if self.text else {}))


LINES = {"say": "say hi", "any": "any", "list-bots": "list-bots", "restart-bot": "restart-bot my"}
EVERY = tuple(LINES)

ROLES: dict[str, tuple[Given, ...]] = {
    "none": (),
    "all": (Given("*", EVERY, "", ("any",)),),
    "tests-only": (Given("*", EVERY, "environment=tests", ("any",)),),
    "say-in-C01": (Given("say", ("say",), "", ("C01",)),),
    "other-text": (Given("say", ("say",), "", ("any",), "h"), Given("any", ("any",), "!gpu", ("direct",))),
    "hi": (Given("say", ("say",), "environment=prd", ("any",), "h."), Given("l*", ("list-bots",), "", ("C01", "direct"))),
    "privileges": (Given("meeseeks.*", (), "", ("any",)),),
}  # fmt: skip

CHANNELS = ("direct", "C01", "C02")


@dataclass(frozen=True)
class User:
    """Someone who asks; ``is_member`` says whether the roles name them, by user id or by account."""

    id: str
    team: str
    is_member: bool
    state: str = ""


USERS = (
    User("U01", TEAM, True),
    User("U01", "T02", False),
    User("U05", TEAM, True, "active"),
    User("U06", TEAM, True, "suspended"),
)
NAMED = ("T01/U01", "u05@example.org", "u06@example.org")
"""One user is named by user id, two by their accounts, one of which is suspended."""


@pytest.fixture
def _scene(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLAR_CHAT_JOBS_MOST", "100000")
    service()
    keep()
    for id, labels in LABELS.items():
        node(id, **labels)
    owner()
    poured("my", node="cellar-1")
    for user in USERS:
        if user.state:
            email = f"{user.id.lower()}@example.org"
            link(user.id, owner(email))
            accounts.set_state("test", email, user.state)


def oracle(given: tuple[Given, ...], user: User, command: str, wanted: str, channel: str) -> set[str] | None:
    """The nodes on which the command may run, computed with plain sets; None if it is not allowed at all."""
    if user.state == "suspended" or not user.is_member:
        return None
    fitting = [
        one
        for one in given
        if command in one.commands
        and ("any" in one.channels or channel in one.channels)
        and (not one.text or one.text == "h.")  # "h" does not match all of "hi"
    ]
    if not fitting:
        return None
    return set().union(*(MEANS[one.where] for one in fitting)) & MEANS[wanted]


def granted(nodes: set[str] | None, command: str) -> bool:
    """Whether that leads to a job."""
    if nodes is None or command == "list-bots":
        return nodes is not None
    return "cellar-1" in nodes if command == "restart-bot" else bool(nodes)


@pytest.mark.usefixtures("_scene")
@pytest.mark.parametrize("role", ROLES)
def test_each_is_a_job_where_it_is_granted_or_refused_and_one_row_of_the_audit(role: str) -> None:
    keep(COMMANDS, [Role(role, frozenset(NAMED), (), tuple(one.made() for one in ROLES[role]))])
    with transaction():  # One transaction for all cases, for speed.
        for case in itertools.product(USERS, LINES, MEANS, CHANNELS):
            check(role, *case)


def check(role: str, user: User, command: str, wanted: str, channel: str) -> None:
    """Check one case of the matrix."""
    case = (role, user, command, wanted, channel)
    nodes = oracle(ROLES[role], user, command, wanted, channel)
    asker, before = chat(user.id, channel, user.team), newest()
    job = asked(asker, LINES[command] + (f" -l '{wanted}'" if wanted else ""))
    assert (job is not None) is granted(nodes, command), case
    rows = after(before)
    assert [(row.actor, row.action) for row in rows if row.action.startswith("meeseeks.")] == [
        (asker.actor, "meeseeks.ask" if job else "meeseeks.denied")
    ], case
    if job is None:
        assert rows[0].subject == f"command:{command}", case
        return
    assert rows[0].subject == f"job:{job['id']}", case
    planned = set(json.loads(plan(job["id"])))
    if command == "say":
        assert planned == nodes, case
    elif command != "list-bots":
        assert nodes is not None, case
        assert len(planned) == 1, case
        assert planned <= nodes, case


def asked(asker: Asker, line: str) -> dict[str, str] | None:
    """Ask for a line; return its job, or None if it is refused."""
    try:
        return dict(asking.ask(asker, asking.read(asker, line))["job"])
    except (Forbidden, NotFound):
        return None


def plan(id: str) -> str:
    found = jobs.find(id)
    assert found is not None
    return json.dumps(found.plan["nodes"])


def newest() -> int:
    return int(audit.Audit.select(audit.Audit.n).order_by(audit.Audit.n.desc()).limit(1).scalar() or 0)


def after(n: int) -> list[audit.Audit]:
    return list(audit.Audit.select().where(audit.Audit.n > n).order_by(audit.Audit.n))
