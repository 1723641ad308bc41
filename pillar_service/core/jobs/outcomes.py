"""A minion's return, read for one bot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core.jobs import faults
from pillar_service.core.jobs.jobs import Reason
from pillar_service.core.names import ID


@dataclass(frozen=True)
class Outcome:
    """How a run ended for one bot: whether it succeeded, the sentence if it did not, and what it returned.

    ``again`` is set if nothing failed, but the job should be tried again, and says why: the node applied something
    older than what was asked for, or the run has not begun.
    """

    succeeded: bool
    error: str | None = None
    result: Any = field(default_factory=dict)
    again: Reason | None = None


NOT_BEGUN = "not_begun"
"""The state in an outcome of an attempt that ran nothing on the node (pillar_service/node/executor/outcomes.py)."""

NOTICE = "pubs notice"
"""The id of the state which says that the node used its last known good copy of the pillar (states/pubs/init.sls)."""

COPY = "The service did not answer the master, and the node applied the last known good copy of its pillar: try again."
NOT_KNOWN = "The node's state run did not know the bot: its pillar is older than the bot. Try again."


SAID = ("__id__", "__run_num__", "result", "comment", "pub")
"""The keys of a state's return that are needed to read an outcome."""


def essence(returned: Any) -> Any:
    """A minion's return, reduced in a state run to what is needed to read an outcome: without changes, times and files."""
    if not isinstance(returned, Mapping) or not returned or not all(_is_state(state) for state in returned.values()):
        return returned
    return {str(key): {name: state[name] for name in SAID if name in state} for key, state in returned.items()}


def of_call(returned: object, success: bool, retcode: int) -> Outcome:
    """The outcome of a plain function. A function that failed returns its sentence as text, and a code other than 0."""
    if success and retcode == 0:
        return Outcome(True, result=returned)
    return Outcome(False, error=faults.sentence(_sentence_in(str(returned))))


def _sentence_in(text: str) -> str:
    return text.removeprefix("ERROR: ").removeprefix("Error running ").strip()


def of_command(returned: object, success: bool, retcode: int) -> Outcome:
    """The outcome of a catalogue command, which returns an object with ``state`` and, if it failed, ``error``.

    A command that ran and failed keeps its result, too: its output is what somebody asked for.
    """
    if not isinstance(returned, Mapping) or not isinstance(returned.get("state"), str):
        return of_call(returned, success, retcode)
    if returned["state"] == "done" and success and retcode == 0:
        return Outcome(True, result=dict(returned))
    if returned["state"] == NOT_BEGUN:
        return Outcome(False, error=faults.sentence(str(returned.get("error"))), again=Reason.NOT_BEGUN)
    said = returned.get("error") or f"It ended with the exit code {returned.get('exit_code')}."
    return Outcome(False, error=faults.sentence(str(said)), result=dict(returned))


def of_bot(returned: object, bot_id: str) -> Outcome:
    """The outcome of a state run for one bot: the bot's own states and those of the whole node must have passed.

    ``returned`` is the minion's return: a dict of states, or, if nothing was applied, a list of error strings.
    """
    if not isinstance(returned, Mapping) or not all(_is_state(state) for state in returned.values()):
        return Outcome(False, error=faults.sentence(_errors_in(returned)))
    concerned = [state for state in returned.values() if _concerns(str(state.get("__id__", "")), bot_id)]
    failed = [state for state in concerned if state.get("result") is False]
    own = [state for state in concerned if str(state.get("__id__", "")).startswith(bot_id)]
    if failed:
        return Outcome(False, error=faults.sentence(str(_telling(failed).get("comment") or "A state failed.")))
    if any(state.get("__id__") == NOTICE for state in concerned):
        return Outcome(False, error=COPY, again=Reason.OLD_PILLAR)
    return Outcome(True, result=_told(own)) if own else Outcome(False, error=NOT_KNOWN, again=Reason.OLD_PILLAR)


def _is_state(state: object) -> bool:
    return isinstance(state, Mapping) and "result" in state


def _errors_in(returned: object) -> str:
    if isinstance(returned, list):
        return " ".join(str(error) for error in returned)
    return str(returned)


def owner(state_id: str) -> str | None:
    """The id of the bot that a state belongs to (its first word); None for a state of the whole node."""
    first = state_id.partition(" ")[0]
    return first if ID.fullmatch(first) else None


def _concerns(state_id: str, bot_id: str) -> bool:
    return owner(state_id) in (None, bot_id)


def _telling(failed: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The failure that caused the others: the first to run that is not just a failed requisite."""
    ordered = sorted(failed, key=number)
    causes = [state for state in ordered if not str(state.get("comment", "")).startswith("One or more requisite")]
    return (causes or ordered)[0]


def number(state: Mapping[str, Any]) -> int:
    """The position of a state in its run."""
    told = state.get("__run_num__")
    return told if isinstance(told, int) else 0  # the node says it, so it may be anything


def _told(own: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What the pub reported about itself once it was alive (its id, version, sequence, …)."""
    for state in own:
        if isinstance(state.get("pub"), Mapping):
            return dict(state["pub"])
    return {}
