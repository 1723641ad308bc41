"""Who may ask for which command, with which arguments, on which nodes, and where; what is not granted is denied.

A user is an authenticated identity, never a name: a chat user's team and user id (`T01/U02`), or an account's e-mail
address. A role has users, groups and grants. A command is allowed if one grant fits its name, channel and arguments. It
may run on the nodes of all grants that fit; the asker's own selector can only narrow them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from pillar_service.core.meeseeks import templates
from pillar_service.core.nodes.selectors import AnyOf, Selector, any_of
from pillar_service.core.people.agents import AccountState

CHAT_USER = re.compile(r"[TE][A-Z0-9]{2,20}/[UW][A-Z0-9]{2,20}", re.ASCII)
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}", re.ASCII)
NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)

ANY, DIRECT = "any", "direct"
"""Words for channels: any channel; a direct message with the bot."""

CHANNEL_WORDS = {ANY: "any channel", DIRECT: "direct messages"}

User = str
"""`TEAM/USER`, or an account's e-mail address in lower case."""


class Reason(StrEnum):
    """The reason for a decision; the later it comes here, the closer the asker was to a grant."""

    SUSPENDED = "suspended"
    NO_ROLE = "no_role"
    COMMAND = "command"
    CHANNEL = "channel"
    ARGUMENT = "argument"
    GRANTED = "granted"


STAGES = tuple(Reason)


@dataclass(frozen=True)
class Caller:
    """Who asks: a chat user (``team`` and ``user``, empty if none) and the account linked to them, if any.

    ``state`` is the account's; None if there is no account. ``email`` only counts if it ``is_proved``: otherwise
    anybody could register an address that a role names, and get the role.
    """

    team: str = ""
    user: str = ""
    email: str | None = None
    state: AccountState | None = None
    is_proved: bool = False

    @property
    def users(self) -> frozenset[User]:
        """The names under which a role may list them."""
        chat = {f"{self.team}/{self.user}"} if self.team and self.user else set()
        return frozenset(chat | ({self.email.lower()} if self.email and self._counts else set()))

    @property
    def _counts(self) -> bool:
        return self.is_proved and self.state is not None

    @property
    def lacks(self) -> str | None:
        """Why their account's address gives them no role, as a sentence; None if it does, or there is none."""
        if not self.email or self.state is None or self.is_proved:
            return None
        return f"{self.email} is not verified: it gives you no role."

    def __str__(self) -> str:
        return " = ".join(sorted(self.users)) or "nobody"


@dataclass(frozen=True)
class Grant:
    """One thing that a role may do.

    ``commands`` are names in which `*` and `?` match anything but a dot; ``arguments`` are regular expressions that
    must match the whole argument, by its name; ``channels`` are `any`, `direct`, or ids of channels.
    """

    commands: tuple[str, ...]
    selector: Selector
    channels: tuple[str, ...]
    arguments: Mapping[str, str] = field(default_factory=dict)

    def stage(self, command: str, arguments: Mapping[str, Any] | None, channel: str) -> Reason:
        """GRANTED, or the first thing that does not fit. Without ``arguments`` (None), they are taken to fit."""
        if not any(fits(pattern, command) for pattern in self.commands):
            return Reason.COMMAND
        if ANY not in self.channels and channel not in self.channels:
            return Reason.CHANNEL
        return Reason.GRANTED if arguments is None or self._takes(arguments) else Reason.ARGUMENT

    def _takes(self, arguments: Mapping[str, Any]) -> bool:
        given = {name: arguments.get(name) for name in self.arguments}
        return all(
            given[name] is not None and re.fullmatch(pattern, templates.written(given[name])) is not None
            for name, pattern in self.arguments.items()
        )

    def __str__(self) -> str:
        where = ", ".join(CHANNEL_WORDS.get(channel, channel) for channel in self.channels) or "no channel"
        matched = "".join(f", where {name} matches {pattern}" for name, pattern in sorted(self.arguments.items()))
        return f"{_listed(self.commands)} on {str(self.selector) or 'every node'} in {where}{matched}"


@dataclass(frozen=True)
class Role:
    """A role's users, listed singly and by groups, and what they may do."""

    name: str
    users: frozenset[User] = frozenset()
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Whether it is allowed, the reason in one sentence, the nodes on which it may run, and the roles that allow it."""

    allowed: bool
    why: str
    selector: AnyOf
    reason: Reason
    roles: tuple[str, ...] = ()

    def nodes(self, asked: Selector, known: Mapping[str, Mapping[str, str]]) -> list[str]:
        """The ids of the known nodes (id -> labels) that match both the asker's selector and the decision's, sorted."""
        return sorted(node for node, labels in known.items() if asked.matches(labels) and self.selector.matches(labels))


@dataclass(frozen=True)
class Policy:
    """All roles and groups."""

    roles: tuple[Role, ...] = ()
    groups: Mapping[str, frozenset[User]] = field(default_factory=dict)

    def of(self, who: Caller) -> list[Role]:
        """The roles of a caller, whatever the state of their account."""
        return [role for role in self.roles if who.users & self.users(role)]

    def users(self, role: Role) -> frozenset[User]:
        """All users of a role."""
        return role.users.union(*(self.groups.get(group, frozenset()) for group in role.groups))

    def holds(self, who: Caller, role: str) -> bool:
        """Whether a caller may act in a role: they have it, and are not suspended."""
        return not suspended(who) and any(known.name == role for known in self.of(who))

    def decide(self, who: Caller, command: str, arguments: Mapping[str, Any] | None, channel: str) -> Decision:
        """Whether a caller may run a command (or has a privilege, such as `meeseeks.audit`) with these checked arguments.

        ``channel`` is a channel's id, `direct`, or empty outside of chat. Without ``arguments`` (None), it is whether
        there are any with which they may run it, as for the list of commands in help.
        """
        if suspended(who):
            return _denied(
                Reason.SUSPENDED, "Your account is suspended: you can't ask for anything until it is resumed."
            )
        tried = [
            (role, grant, grant.stage(command, arguments, channel)) for role in self.of(who) for grant in role.grants
        ]
        granted = [(role, grant) for role, grant, stage in tried if stage is Reason.GRANTED]
        if not granted:
            furthest = max((STAGES.index(stage) for _, _, stage in tried), default=STAGES.index(Reason.NO_ROLE))
            return _denied(STAGES[furthest], _WHY[STAGES[furthest]].format(command=command))
        roles = tuple(sorted({role.name for role, _ in granted}))
        nodes = any_of(grant.selector for _, grant in granted)
        return Decision(True, f"{command} is granted by the role {' and '.join(roles)}.", nodes, Reason.GRANTED, roles)

    def explain(
        self, who: Caller, command: str, arguments: Mapping[str, Any] | None, channel: str, asked: Selector
    ) -> list[str]:
        """The decision and each grant that was considered, one line each; no argument's value is repeated."""
        decision = self.decide(who, command, arguments, channel)
        roles = self.of(who)
        lines = [f"{'allowed' if decision.allowed else 'denied'}: {decision.why}"]
        lines.append(f"who: {who}, {who.state or 'without an account'}; roles: {_listed(role.name for role in roles)}")
        lines.extend([who.lacks] if who.lacks else [])
        for role in roles:
            groups = [group for group in role.groups if who.users & self.groups.get(group, frozenset())]
            lines.append(f"role {role.name}, by {_listed([f'group {group}' for group in groups] or ['name'])}")
            lines.extend(f"  {grant}: {_FIT[grant.stage(command, arguments, channel)]}" for grant in role.grants)
        if decision.allowed:
            lines.append(f"nodes: of those with {asked or 'any labels'}, those with {decision.selector}")
        return lines


def suspended(who: Caller) -> bool:
    """Whether a caller's account is suspended."""
    return who.state is not None and who.state is not AccountState.ACTIVE


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[^.]*").replace(r"\?", "[^.]"))


def fits(pattern: str, command: str) -> bool:
    """Whether a grant's pattern of command names (`kube-*`) matches a command."""
    return _glob(pattern).fullmatch(command) is not None


def _denied(reason: Reason, why: str) -> Decision:
    return Decision(False, why, any_of(()), reason)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


_WHY = {
    Reason.NO_ROLE: "No role names you: ask an operator to put you into one.",
    Reason.COMMAND: "None of your roles may run {command}: 'help' lists what you may run.",
    Reason.CHANNEL: "You may not run {command} here: ask in a channel or direct message where you may.",
    Reason.ARGUMENT: "You may run {command}, but not with these arguments.",
}

_FIT = {
    Reason.COMMAND: "other commands",
    Reason.CHANNEL: "not in this channel",
    Reason.ARGUMENT: "not with these arguments",
    Reason.GRANTED: "fits",
}
