"""Who asks for a command, and from where."""

from dataclasses import dataclass

from pillar_service.core.meeseeks.roles import Caller, Decision, Reason
from pillar_service.core.nodes.selectors import EVERYTHING, any_of


@dataclass(frozen=True)
class Asker:
    """Somebody who was authenticated: ``actor`` for jobs and the audit, ``caller`` for the roles.

    Without a caller it is an operator at the master's command line, who may do everything. ``channel`` is where they
    asked: a channel's id, `direct`, or empty.
    """

    actor: str
    caller: Caller | None = None
    channel: str = ""


def of_chat(team: str, user: str) -> str:
    """The actor of a chat user."""
    return f"chat:{team}/{user}"


OPERATOR = Decision(True, "Operators at the master may run everything.", any_of([EVERYTHING]), Reason.GRANTED)
