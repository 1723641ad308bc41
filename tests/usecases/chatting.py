"""A small catalogue, chat users with roles, and labelled nodes, for the tests of Meeseeks."""

import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from pouring import owner

from pillar_service.catalogue import loading
from pillar_service.core.chat.personas import Personas
from pillar_service.core.meeseeks import loaded
from pillar_service.core.meeseeks.catalogue import (
    Action,
    Approval,
    Arguments,
    Catalogue,
    Command,
    Function,
    Output,
    Requires,
    Runner,
    Where,
)
from pillar_service.core.meeseeks.loaded import Loaded
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.core.meeseeks.roles import Grant, Policy, Role
from pillar_service.core.names import new_id
from pillar_service.core.nodes import selectors
from pillar_service.settings import settings
from pillar_service.store import database
from pillar_service.store.chat import chat_people
from pillar_service.store.jobs import jobs, outputs
from pillar_service.store.meeseeks import catalogues, challenges
from pillar_service.store.nodes import nodes
from pillar_service.store.service import audit
from pillar_service.usecases.jobs import claims, executing, runs
from pillar_service.usecases.meeseeks import asking, people
from pillar_service.usecases.meeseeks import catalogue as kept
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.nodes import nodes as node_cases
from pillar_service.usecases.nodes import pillars
from pillar_service.usecases.people import codes, second_factor

TEAM, CHANNEL = "T01", "C01"
ANN, BEN, CLEO, DORA, ZOE = "U01", "U02", "U03", "U04", "U09"
"""Ann may ask for everything on nodes for tests; Ben, Cleo and Dora may approve; Zoe has no role at all."""

PASSWORD = "long enough 1"
SECRET = "canary-7f3a-walrus"

WORD = Parameter("text", required=True)
BOT = Parameter("bot", Kind.BOT, required=True)


def _program(name: str, *parameters: Parameter, **more: Any) -> Command:
    words = tuple(f"{{{one.name}}}" for one in parameters if one.kind is not Kind.NODE)
    return Command(name, f"Do {name}", Arguments(("do", "--", *words)), parameters=parameters, **more)


COMMANDS = (
    _program("say", WORD, where=Where.ALL),
    _program("one", Parameter("on", Kind.NODE)),
    _program("any", where=Where.ANY),
    _program("pods", where=Where.ANY, needs=("kubectl",)),
    _program("log-in", Parameter("password", Kind.SECRET, required=True, pattern="[a-z0-9-]+"), where=Where.ANY),
    _program("fixed", WORD, Parameter("mode", default="slow", immutable=True), where=Where.ANY),
    _program("sure", where=Where.ALL, requires=Requires(confirm=True)),
    _program("coded", Parameter("text"), where=Where.ANY, requires=Requires(otp=True)),
    _program("deploy", where=Where.ANY, requires=Requires(approval=Approval("approver", 2, 90))),
    _program("whole", where=Where.ANY, requires=Requires(True, True, Approval("approver", 1, 30))),
    _program("quiet", where=Where.ANY, output=Output(private=True)),
    _program("fell", WORD, where=Where.ALL, requires=Requires(confirm=True), preview="say"),
    _program("alarm", where=Where.ANY, priority=0),
    _program("hush", where=Where.ANY, hidden=True),
    Command("list-bots", "List", Runner("bots.list"), where=Where.NONE),
    Command(
        "show-bot",
        "Show",
        Runner("bots.show", ("{text}",), {"long": True}),
        parameters=(WORD,),
        where=Where.NONE,
        output=Output(redact=(r"pin=\d+", '"door": "[^"]*"')),
    ),
    Command("bot-logs", "Logs", Action("bots.logs"), parameters=(BOT,), output=Output(redact=(r"pin=\d+",))),
    Command("apply", "Apply", Function("state.apply", ("{text}",)), parameters=(WORD,), where=Where.ALL, user="root"),
    Command("restart-bot", "Restart", Action("bots.restart"), parameters=(BOT,)),
    Command("stop-bot", "Stop", Action("bots.stop"), parameters=(BOT,)),
    Command("delete-bot", "Delete", Action("bots.delete"), parameters=(BOT,)),
    Command("bring-back-bot", "Bring back", Action("bots.bring_back"), parameters=(BOT,)),
    Command("invite", "Invite", Action("bots.invite"), parameters=(BOT,), output=Output(private=True)),
)


def user(id: str) -> str:
    """A chat user's name as roles have it."""
    return f"{TEAM}/{id}"


def grant(
    *commands: str, where: str = "environment=tests", channels: tuple[str, ...] = ("any",), **given: str
) -> Grant:
    """A grant, by default on nodes for tests and in any channel."""
    return Grant(commands, selectors.parse(where), channels, given)


ROLES = (
    Role("tester", frozenset({user(ANN), "ann@example.org"}), (), (grant("*"),)),
    Role("approver", frozenset({user(BEN), user(CLEO), user(DORA), "zed@example.org"}), (), (grant("say"),)),
    Role("eyes", frozenset({user(DORA)}), (), (grant("meeseeks.*"),)),
)


def keep(commands: Iterable[Command] = COMMANDS, roles: Iterable[Role] = ROLES, fingerprint: str = "") -> None:
    """Make this the current catalogue as if it were in the files, which are not read."""
    where = (settings().catalogue, settings().database)
    kept._Looked.where, kept._Looked.at, kept._Looked.stamp = where, 0.0, (where, loading.stamp(where[0]))
    fingerprint = fingerprint or new_id()
    all_of_it = Loaded(
        Catalogue({one.name: one for one in commands}), Policy(tuple(roles)), Personas({}, ""), fingerprint
    )
    with database.transaction():
        catalogues.put(loaded.to_json(all_of_it), fingerprint, time.time())
    pillars.refresh()


def node(id: str, has: tuple[str, ...] = (), **labels: str) -> None:
    """Add a node with labels and capacities."""
    node_cases.add("test", id)
    with database.transaction():
        nodes.change(id, labels=labels, capacities={"has": list(has), "slots": 4})


def scene() -> None:
    """Set up the catalogue and three nodes, one of which is not for Ann."""
    keep()
    node("cellar-1", environment="tests", disk="ssd")
    node("cellar-2", ("kubectl",), environment="tests")
    node("cellar-3", ("kubectl",), environment="prd")


def chat(id: str = ANN, channel: str = CHANNEL, team: str = TEAM) -> Asker:
    """Someone who asks in chat."""
    return people.asker(team, id, channel)


def ask(line: str, id: str = ANN, key: str | None = None, channel: str = CHANNEL) -> dict[str, Any]:
    """Ask for a typed line; return the job."""
    asker = chat(id, channel)
    return dict(asking.ask(asker, asking.read(asker, line), key)["job"])


def nodes_of(line: str, **more: str) -> list[str]:
    """The nodes that a line addresses."""
    return list(asking.read(chat(**more), line).nodes)


def state(job: dict[str, Any]) -> str:
    """The current state of a job."""
    found = jobs.find(job["id"])
    assert found is not None
    return str(found.state)


def claim_all() -> list[dict[str, Any]]:
    """Claim all that masters would publish now, and mark it as running; return the runs."""
    claimed = claims.claim("salt")["runs"]
    for run in claimed:
        runs.started("salt", run["id"], f"jid-{run['id']}")
    return list(claimed)


def begin(run: dict[str, Any]) -> dict[str, Any]:
    """Let the node begin a run that was published to it; return the secret arguments."""
    [job] = run["jobs"]
    return dict(executing.begin(run["node"], job, run["arguments"][1])["arguments"])


def finish(run: dict[str, Any], state: str = "done", code: int = 0) -> None:
    """Let the node report how a run ended."""
    told = {
        "job": run["jobs"][0],
        "attempt": 1,
        "state": state,
        "exit_code": code,
        "lines": 1,
        "head": ["x"],
        "tail": [],
    }
    runs.result(run["id"], f"jid-{run['id']}", run["node"], told, code == 0, code)


def everything() -> str:
    """All rows of the tables that must not hold a secret."""
    return str(
        [list(table.select().dicts()) for table in (jobs.Job, outputs.JobLine, audit.Audit, challenges.Challenge)]
    )


def said(action: str) -> list[audit.Audit]:
    """The audit's rows about an action, oldest first."""
    return list(audit.Audit.select().where(audit.Audit.action == action).order_by(audit.Audit.at))


def link(id: str, account: str, team: str = TEAM) -> None:
    """Link a chat user to an account."""
    with database.transaction():
        chat_people.put(team, id, account, time.time())


def telephone(id: str = ANN, email: str = "ann@example.org") -> pyotp.TOTP:
    """Link a chat user to an account whose second factor is on; return what shows its codes. The next code is that of NOW."""
    account = owner(email)
    link(id, account)
    second_factor.begin(account, PASSWORD)
    waiting = second_factor.pending(account)
    assert waiting is not None
    made = pyotp.TOTP(waiting["secret"])
    second_factor.turn_on(account, made.at(NOW, counter_offset=-1))
    return made


NOW = int(time.time()) // 30 * 30 + 15


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock for codes."""
    monkeypatch.setattr(codes, "time", SimpleNamespace(time=lambda: NOW))


def later() -> None:
    """Let every challenge expire."""
    with database.transaction():
        challenges.Challenge.update(expires_at=1.0).execute()
