"""What a minion returned, read for one bot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pillar_service.core.jobs import faults
from pillar_service.core.jobs.jobs import Reason
from pillar_service.core.names import ID


@dataclass(frozen=True)
class Outcome:
    """How a run ended for one bot: whether it worked, the sentence when it did not, what came back when it did.

    ``again`` says that nothing failed, but that it is to be tried again, and why: what the node applied was older than
    what was asked for, or it has not begun.
    """

    succeeded: bool
    error: str | None = None
    result: Any = field(default_factory=dict)
    again: Reason | None = None


NOT_BEGUN = "not_begun"
"""The state of an outcome that says that this attempt ran nothing there (pillar_service/node/executor/outcomes.py)."""

NOTICE = "pubs notice"
"""The id of the state that says that the node's pillar was a last known good copy (states/pubs/init.sls)."""

COPY = "The service did not answer the master, and the node applied the last known good copy of its pillar: try again."
NOT_KNOWN = "The node's state run did not know the bot: its pillar is older than the bot. Try again."


SAID = ("__id__", "__run_num__", "result", "comment", "pub")
"""All of a state's return that an outcome is read from."""


def essence(returned: Any) -> Any:
    """A return with as much of a state run as an outcome is read from: changes, times and files are left out."""
    if not isinstance(returned, Mapping) or not returned or not all(_is_state(state) for state in returned.values()):
        return returned
    return {str(key): {name: state[name] for name in SAID if name in state} for key, state in returned.items()}


def of_call(returned: object, success: bool, retcode: int) -> Outcome:
    """The outcome of a plain function. A function that failed returns its sentence as text and a code that is not 0."""
    if success and retcode == 0:
        return Outcome(True, result=returned)
    return Outcome(False, error=faults.sentence(_sentence_in(str(returned))))


def _sentence_in(text: str) -> str:
    return text.removeprefix("ERROR: ").removeprefix("Error running ").strip()


def of_command(returned: object, success: bool, retcode: int) -> Outcome:
    """The outcome of a command of the catalogue: an object with ``state`` and, where it failed, ``error``.

    What ran and failed brings its result, too: its output is why somebody asked.
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
    """The outcome of a state run for one bot: its own states and those that belong to no bot must all have passed.

    ``returned`` is the minion's return: a dict of states, or (nothing was applied) a list of error strings.
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
    """The id of the bot that a state belongs to (its first word), or None for a state of the whole node."""
    first = state_id.partition(" ")[0]
    return first if ID.fullmatch(first) else None


def _concerns(state_id: str, bot_id: str) -> bool:
    return owner(state_id) in (None, bot_id)


def _telling(failed: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The failure that caused the others: the first to run that is not merely a failed requisite."""
    ordered = sorted(failed, key=number)
    causes = [state for state in ordered if not str(state.get("comment", "")).startswith("One or more requisite")]
    return (causes or ordered)[0]


def number(state: Mapping[str, Any]) -> int:
    """Which of the run's states it was."""
    told = state.get("__run_num__")
    return told if isinstance(told, int) else 0  # it is the node's word, and may be anything


def _told(own: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What the pub told of itself once it was alive (its id, version, sequence, …)."""
    for state in own:
        if isinstance(state.get("pub"), Mapping):
            return dict(state["pub"])
    return {}
