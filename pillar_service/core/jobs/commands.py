"""The commands that a job may carry out: what each runs on a node, for how long, and whether it is safe to run twice."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core import names
from pillar_service.core.bots import exports
from pillar_service.core.bots.moves import VACATE
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes.pillar import ONLY

Check = Callable[[object], Any]

CONVERGE = "state.apply"
"""The Salt function that makes a node match its pillar."""


FETCHING_S = 900
"""The timeout in seconds of whatever starts a pub: Docker may have to be installed, and the image fetched over a slow line."""


def applies_states(function: str) -> bool:
    """Whether a Salt function applies states; a node runs only one of those at a time."""
    return function.startswith("state.")


@dataclass(frozen=True)
class Command:
    """One thing that can be asked of a bot.

    ``function`` and ``leading`` are the Salt function and its first arguments. A command that converges applies states,
    only to the bots that it is asked for; ``converging`` says so where another function applies them (a plan's
    command). Any other command is called with the bot's id, followed by the checked arguments in the order of
    ``arguments``.
    """

    name: str
    function: str
    leading: tuple[str, ...] = ()
    arguments: Mapping[str, tuple[Any, Check]] = field(default_factory=dict)
    timeout_s: int = 60
    retry_safe: bool = False
    converging: bool = False

    @property
    def converges(self) -> bool:
        """Whether it applies states; a node runs only one such command at a time."""
        return self.converging or self.function == CONVERGE

    def keywords(self, bots: Iterable[str]) -> dict[str, Any]:
        """Keyword arguments for a Salt run about these bots.

        A state run waits for up to ten others on its node instead of failing at once. The bots are named in the run's
        own pillar, which only selects them: what each bot should be comes from the service alone.
        """
        if not self.converges:
            return {}
        return {"queue": 10, "pillar": {ONLY: sorted(bots)}}

    def checked(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The arguments, checked and with defaults; raises Invalid for an unknown or invalid one."""
        unknown = sorted(set(given) - set(self.arguments))
        if unknown:
            known = ", ".join(self.arguments) or "none"
            raise Invalid(f"{self.name} takes no argument {names.shown(unknown[0])}; it takes: {known}.")
        return {key: check(given.get(key, default)) for key, (default, check) in self.arguments.items()}


def _uses(value: object) -> int:
    return names.whole_number(value, "number of uses", 1, 1000)


def _note(value: object) -> str:
    return names.text(value, "note", names.NOTE_LENGTH)


def _lines(value: object) -> int:
    return names.whole_number(value, "number of lines", 1, 1000)


def _kind(value: object) -> str:
    return str(exports.kind(value))


def _invite(value: object) -> str:
    if names.is_pub_id(value):
        return value
    raise Invalid(f"{names.shown(value)} is not an invite's id: take it from the list of invites ('@….ed25519').")


def _converge(name: str, sls: str = "pubs", timeout_s: int = 180) -> Command:
    # Applying states twice ends where applying them once does.
    return Command(name, CONVERGE, (sls,), timeout_s=timeout_s, retry_safe=True)


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        _converge("bots.create", timeout_s=FETCHING_S),
        _converge("bots.start", timeout_s=FETCHING_S),
        _converge("bots.stop"),
        _converge("bots.upgrade", timeout_s=FETCHING_S),
        _converge("bots.delete"),
        _converge("bots.bring_back", timeout_s=FETCHING_S),
        _converge("bots.purge"),
        _converge(VACATE),
        _converge("bots.import", timeout_s=900),
        # All bots share the image, but a rebuild for one bot restarts no other: those take it when they are poured next.
        _converge("bots.rebuild", sls="pubs.rebuild", timeout_s=900),
        Command("bots.restart", "pubs.restart", timeout_s=90),
        Command("bots.invite", "pubs.invite", arguments={"uses": (1, _uses), "note": ("", _note)}),
        Command("bots.invites", "pubs.invites", retry_safe=True),
        Command("bots.revoke", "pubs.revoke", arguments={"invite": (None, _invite)}, retry_safe=True),
        Command(
            "bots.export",
            "pubs.export",
            arguments={"kind": (str(exports.Kind.EVERYTHING), _kind)},
            timeout_s=900,
            retry_safe=True,
        ),
        Command("bots.logs", "pubs.logs", arguments={"lines": (100, _lines)}, retry_safe=True),
    )
}


WISHES = frozenset(
    f"bots.{wish}" for wish in ("create", "import", "start", "stop", "upgrade", "delete", "bring_back", "purge")
)
"""Commands that change what a bot should be: the change stays even if their job is cancelled."""

ELSEWHERE = {
    "bots.create": "POST /agents",
    "bots.import": "POST /agents with 'import'",
    "bots.delete": "DELETE /agents/<id>",
    "bots.bring_back": "the page of your bots",
    "bots.purge": "DELETE /agents/<id>?purge=true",
    VACATE: "salt-run nodes.drain",
}
"""Commands that can't be submitted as a job of a bot, and where to ask for them instead."""

OF_CHAT = frozenset(COMMANDS) - frozenset(ELSEWHERE) | {"bots.delete", "bots.bring_back"}
"""Commands that an action of the catalogue may run: each needs a bot, and nothing else but arguments."""

AGAIN: Mapping[str, str | None] = {
    "bots.create": "bots.start",
    "bots.import": "bots.start",
    "bots.bring_back": "bots.start",
    "bots.delete": None,
    "bots.purge": None,
    VACATE: None,
    "bots.export": None,
}
"""The command that tries a failed one again, if it is another one; None: it must be asked for anew."""


def again(name: str) -> str | None:
    """The command that tries this one again; None if a person must ask for it anew (and confirm it)."""
    return AGAIN.get(name, name)


def command(name: object) -> Command:
    """The command of that name; raises Invalid for an unknown one."""
    if isinstance(name, str) and name in COMMANDS:
        return COMMANDS[name]
    raise Invalid(f"There is no command {names.shown(name)}; use one of: {', '.join(COMMANDS)}.")
