"""All combinations of role, command, selector, channel, argument and user's state, compared with an independent oracle."""

import itertools
import re
from typing import Any

import pytest

from pillar_service.core.meeseeks.catalogue import PRIVILEGES
from pillar_service.core.meeseeks.roles import Caller, Grant, Policy, Reason, Role, fits
from pillar_service.core.nodes.selectors import EVERYTHING, parse
from pillar_service.core.people.agents import AccountState

ANN, BOB = "T01/U01", "bob@example.org"

NODES = {
    "p1": {"environment": "prd"},
    "p2": {"environment": "prd", "gpu": ""},
    "s1": {"environment": "stg"},
    "n1": {},
}

GRANTS: list[dict[str, Any]] = [
    {"commands": ["*"], "selector": "", "channels": ["any"], "arguments": {}},
    {"commands": ["restart-*"], "selector": "environment=prd", "channels": ["direct"], "arguments": {}},
    {
        "commands": ["disk", "meeseeks.audit"],
        "selector": "environment!=prd",
        "channels": ["C01", "direct"],
        "arguments": {},
    },
    {"commands": ["restart-bot"], "selector": "gpu", "channels": ["C01"], "arguments": {"bot": "my.*"}},
    {
        "commands": ["*"],
        "selector": "environment=stg",
        "channels": ["any"],
        "arguments": {"bot": "my", "lines": "[0-9]"},
    },
]

ROLES: dict[str, dict[str, Any]] = {
    "one": {"users": [ANN], "groups": [], "grants": [0]},
    "two": {"users": [], "groups": ["team"], "grants": [1, 2]},
    "three": {"users": [ANN], "groups": ["team"], "grants": [2, 3]},
    "four": {"users": [BOB], "groups": [], "grants": [1, 4]},
    "empty": {"users": [ANN, BOB], "groups": ["team"], "grants": []},
    "nobody": {"users": [], "groups": [], "grants": [0]},
}

GROUPS = {"team": [ANN, BOB], "idle": []}

CALLERS = [
    Caller("T01", "U01"),
    Caller("T01", "U01", "bob@example.org", AccountState.ACTIVE, True),
    Caller("T01", "U01", "bob@example.org", AccountState.SUSPENDED, True),
    Caller("T02", "U01"),  # the same user id in another team
    Caller("T01", "U09", "BOB@example.org", AccountState.ACTIVE, True),
    Caller("T01", "U09", "bob@example.org", AccountState.ACTIVE),  # has not proved that the address is theirs
    Caller("T01", "U09", "bob@example.org", None, True),  # no account has this address
    Caller(email="bob@example.org", state=AccountState.ACTIVE, is_proved=True),
    Caller(email="bob@example.org", state=AccountState.SUSPENDED, is_proved=True),
    Caller(email="T01/U01", state=AccountState.ACTIVE, is_proved=True),
    Caller(),
]

COMMANDS = ["restart-bot", "restart-all", "disk", "meeseeks.audit", "meeseeks.kill", ""]
CHANNELS = ["direct", "C01", "C02", "", "*"]
ARGUMENTS: list[dict[str, Any] | None] = [
    None, {}, {"bot": None}, {"bot": "my"}, {"bot": "my.x", "lines": 5}, {"bot": "my", "lines": 5}, {"bot": "xmy", "lines": 55},
]  # fmt: skip
SOME = [
    (),
    ("one",),
    ("two",),
    ("three",),
    ("four",),
    ("empty",),
    ("nobody",),
    ("two", "four"),
    ("three", "four"),
    tuple(ROLES),
]


def policy(names: tuple[str, ...]) -> Policy:
    made = [
        Grant(tuple(one["commands"]), parse(one["selector"]), tuple(one["channels"]), one["arguments"])
        for one in GRANTS
    ]
    roles = [
        Role(name, frozenset(told["users"]), tuple(told["groups"]), tuple(made[number] for number in told["grants"]))
        for name, told in ((name, ROLES[name]) for name in names)
    ]
    return Policy(tuple(roles), {name: frozenset(users) for name, users in GROUPS.items()})


MEANS = {
    "": lambda labels: True,
    "environment=prd": lambda labels: labels.get("environment") == "prd",
    "environment!=prd": lambda labels: labels.get("environment") != "prd",
    "environment=stg": lambda labels: labels.get("environment") == "stg",
    "gpu": lambda labels: "gpu" in labels,
}

GLOBS = {"*": lambda name: "." not in name, "restart-*": lambda name: name in ("restart-bot", "restart-all")}


def oracle(
    names: tuple[str, ...], who: Caller, command: str, arguments: dict[str, Any] | None, channel: str
) -> set[str]:
    """The nodes on which it is allowed, computed with strings and dictionaries only."""
    if who.state == "suspended":
        return set()
    counts = who.state == "active" and who.is_proved
    known_as = [f"{who.team}/{who.user}"] + ([(who.email or "").lower()] if counts else [])
    nodes: set[str] = set()
    for told in (ROLES[name] for name in names):
        members = told["users"] + [user for group in told["groups"] for user in GROUPS[group]]
        if not any(user in members for user in known_as):
            continue
        for grant in (GRANTS[number] for number in told["grants"]):
            if not any(GLOBS[glob](command) if glob in GLOBS else glob == command for glob in grant["commands"]):
                continue
            if "any" not in grant["channels"] and channel not in grant["channels"]:
                continue
            if arguments is not None and not all(
                arguments.get(name) is not None and re.compile(f"^(?:{pattern})$").match(str(arguments[name]))
                for name, pattern in grant["arguments"].items()
            ):
                continue
            nodes |= {node for node, labels in NODES.items() if MEANS[grant["selector"]](labels)}
    return nodes


@pytest.mark.parametrize("names", SOME, ids="-".join)
def test_each_decision_is_that_of_the_oracle(names: tuple[str, ...]) -> None:
    made, allowed = policy(names), 0
    for who, command, arguments, channel in itertools.product(CALLERS, COMMANDS, ARGUMENTS, CHANNELS):
        decision = made.decide(who, command, arguments, channel)
        case = (names, str(who), command, arguments, channel)
        assert set(decision.nodes(EVERYTHING, NODES)) == oracle(names, who, command, arguments, channel), case
        assert decision.allowed is (decision.reason is Reason.GRANTED) is bool(decision.roles), case
        assert decision.allowed or not decision.selector.selectors, case
        assert decision.why.endswith("."), case
        allowed += decision.allowed
    assert (allowed > 0) is (names not in ((), ("empty",), ("nobody",)))


def test_the_asker_can_only_narrow() -> None:
    decision = policy(("two", "three")).decide(Caller("T01", "U01"), "disk", {}, "direct")
    assert decision.nodes(EVERYTHING, NODES) == ["n1", "s1"]
    assert decision.nodes(parse("environment=stg"), NODES) == ["s1"]
    assert decision.nodes(parse("environment=prd"), NODES) == []


def test_two_grants_reach_the_nodes_of_either() -> None:
    who = Caller("T01", "U01", BOB, AccountState.ACTIVE, True)
    decision = policy(("two", "four")).decide(who, "restart-bot", {"bot": "my", "lines": 5}, "direct")
    assert decision.nodes(EVERYTHING, NODES) == ["p1", "p2", "s1"]
    assert decision.roles == ("four", "two")


@pytest.mark.parametrize(
    ("who", "command", "arguments", "channel", "reason"),
    [
        (
            Caller("T01", "U01", BOB, AccountState.SUSPENDED, True),
            "restart-bot",
            {"bot": "my"},
            "C01",
            Reason.SUSPENDED,
        ),
        (Caller("T09", "U01"), "restart-bot", {"bot": "my"}, "C01", Reason.NO_ROLE),
        (Caller("T01", "U01"), "kube-pods", {}, "C01", Reason.COMMAND),
        (Caller("T01", "U01"), "restart-bot", {"bot": "my"}, "C02", Reason.CHANNEL),
        (Caller("T01", "U01"), "restart-bot", {"bot": "other"}, "C01", Reason.ARGUMENT),
        (Caller("T01", "U01"), "restart-bot", {"bot": "my\n"}, "C01", Reason.ARGUMENT),
        (Caller("T01", "U01"), "restart-bot", {"bot": "my"}, "C01", Reason.GRANTED),
    ],
)
def test_the_one_reason_is_the_closest_that_somebody_came(
    who: Caller, command: str, arguments: dict[str, Any], channel: str, reason: Reason
) -> None:
    made = policy(("three",))
    assert made.decide(who, command, arguments, channel).reason is reason
    lines = made.explain(who, command, arguments, channel, parse("environment=prd"))
    assert lines[0].startswith("allowed: " if reason is Reason.GRANTED else "denied: ")
    assert any(line.endswith(": fits") for line in lines) is (reason in (Reason.GRANTED, Reason.SUSPENDED))
    assert not any("other" in line and "bot is like" not in line and "commands" not in line for line in lines)


def test_a_star_never_means_a_privilege() -> None:
    assert not any(fits("*", privilege) or fits("*-*", privilege) for privilege in PRIVILEGES)
    assert all(fits("meeseeks.*", privilege) for privilege in PRIVILEGES)
    assert not fits("meeseeks.*", "restart-bot")
    assert not fits("r.*", "restart-bot")


@pytest.mark.parametrize(
    ("arguments", "allowed"), [({}, False), ({"bot": None}, False), ({"bot": ""}, True), ({"bot": True}, True)]
)
def test_an_argument_that_was_not_given_fits_no_pattern(arguments: dict[str, Any], allowed: bool) -> None:
    grant = Grant(("*",), EVERYTHING, ("any",), {"bot": ".*"})
    made = Policy((Role("r", frozenset({ANN}), (), (grant,)),))
    assert made.decide(Caller("T01", "U01"), "disk", arguments, "C01").allowed is allowed


def test_a_suspended_approver_holds_no_role() -> None:
    made = policy(("four",))
    assert made.holds(Caller(email=BOB, state=AccountState.ACTIVE, is_proved=True), "four")
    assert not made.holds(Caller(email=BOB, state=AccountState.SUSPENDED, is_proved=True), "four")
    assert not made.holds(Caller("T01", "U01"), "four")
    assert not made.holds(Caller(email=BOB, state=AccountState.ACTIVE, is_proved=True), "five")
