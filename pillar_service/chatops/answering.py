"""Answers to what a job waits for: a confirmation, a code, an approval."""

from pillar_service.chatops import asking, following, modals
from pillar_service.chatops.facts import Pressed, Submitted
from pillar_service.core.errors import SaltcellarError
from pillar_service.usecases.chat import conversations, outbox, watching
from pillar_service.usecases.meeseeks import challenges, people

TITLE = "One-time code"


def pressed(pressed: Pressed, kind: str, is_yes: bool) -> None:
    """Handle a button of a job's question (`confirm`, `approve`, `code`); raises the use cases' errors."""
    who = asking.asker(pressed.person, pressed.channel, pressed.is_direct)
    if kind == "confirm":
        challenges.confirm(who, pressed.value, is_yes)
    elif kind == "approve":
        challenges.vote(who, pressed.value, is_yes)
    else:
        _ask_for_code(pressed)
    following.at_once(pressed.value)


def _ask_for_code(pressed: Pressed) -> None:
    seen = watching.seen(pressed.value)
    command = seen.command if seen is not None else "It"
    outbox.modal(
        pressed.trigger, modals.code(command, pressed.value), pressed.channel, pressed.person.user, asking.LATE
    )


def code(submitted: Submitted) -> None:
    """Handle a code; the window, which is still open, then says whether it was correct."""
    job = submitted.about
    where = next((one.channel for one in conversations.of_job(job)), "")
    who = people.asker(submitted.person.team, submitted.person.user, where)
    try:
        challenges.code(who, job, submitted.values.get(modals.CODE, "").strip())
        told = "Thank you: your code is correct."
    except SaltcellarError as error:
        told = error.sentence
    outbox.view(submitted.view, modals.note(TITLE, told))
    following.at_once(job)
