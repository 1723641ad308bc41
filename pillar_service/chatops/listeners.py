"""Turns what people do in Slack into use cases, and their results into messages. An error becomes a sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pillar_service.chatops import answering, asking, facts, messages, modals, sentences, words
from pillar_service.chatops.blocks import message, section
from pillar_service.chatops.deliveries import Delivery, Payload
from pillar_service.chatops.facts import Person, Pressed, Said, Submitted
from pillar_service.core.errors import SaltcellarError, Unavailable
from pillar_service.core.meeseeks.catalogue import Catalogue
from pillar_service.usecases.chat import outbox, watching
from pillar_service.usecases.meeseeks import aliases, catalogue

SORRY = "Something went wrong on our side: it is in the log. Ask again, or tell an operator."
CHECKING = "One moment: your code is being checked."


class Listeners:
    """Listens to what people do."""

    def __init__(self) -> None:
        self._known = Catalogue({})

    def said(self, said: Said) -> None:
        """Handle a message to the bot: empty, a word of ours, or a command."""
        self._remember()
        error = _tried(lambda: _hear(said))
        if error is not None:
            words.reply(said, _refusal(said.channel, error, said.person, _command(said)))

    def pressed(self, pressed: Pressed) -> None:
        """Handle the choice of a task, or an answer to a job's question."""
        self._remember()
        kind, _, rest = pressed.action.partition(":")
        if kind in ("pick", "pick-from"):
            error = _tried(lambda: asking.picked(pressed))
        elif kind in ("confirm", "approve", "code"):
            error = _tried(lambda: answering.pressed(pressed, kind, rest.startswith("yes:")))
        else:
            return
        if error is not None:
            seen = watching.seen(pressed.value) if kind not in ("pick", "pick-from") else None
            body = _refusal(pressed.channel, error, pressed.person, seen.command if seen else pressed.value)
            outbox.whisper(pressed.channel, pressed.person.user, body, pressed.thread)

    def submitted(self, submitted: Submitted) -> None:
        """Handle a submitted window."""
        self._remember()
        if submitted.callback == "code":
            answering.code(submitted)
        elif submitted.callback == "arguments":
            error = _tried(lambda: asking.filled(submitted))
            if error is not None:
                about = json.loads(submitted.about)
                body = _refusal(about["channel"], error, submitted.person, about["command"])
                outbox.whisper(about["channel"], submitted.person.user, body, about["thread"])

    def answer(self, delivery: Delivery) -> dict[str, Any] | None:
        """The immediate answer to a submitted window, only from memory: wrong arguments keep it open."""
        if delivery.kind != "view_submission" or not isinstance(delivery.payload.get("view"), dict):
            return None
        submitted = facts.submitted(delivery.payload)
        if submitted.callback == "code":
            return {"response_action": "update", "view": modals.note(answering.TITLE, CHECKING)}
        command = self._known.commands.get(_about(submitted).get("command", ""))
        if submitted.callback != "arguments" or command is None:
            return None
        wrong = asking.faults(command, dict(submitted.values))
        return modals.errors(wrong) if wrong else None

    def _remember(self) -> None:
        self._known = catalogue.current().catalogue

    def apologise(self, payload: Payload) -> None:
        """Tell whoever sent this that it failed for good."""
        said = facts.commanded(payload) if "command" in payload else None
        said = facts.said(payload) if payload.get("type") == "event_callback" else said
        if said is not None:
            words.reply(said, messages.said(SORRY))
            return
        pressed = facts.pressed(payload)
        if pressed is not None:
            outbox.whisper(pressed.channel, pressed.person.user, messages.said(SORRY), pressed.thread)
        elif payload.get("type") == "view_submission":
            _apologise_for(facts.submitted(payload))


def _apologise_for(submitted: Submitted) -> None:
    about = _about(submitted)
    if submitted.callback == "code":  # the window is still open, and says that the code is being checked
        outbox.view(submitted.view, modals.note(answering.TITLE, SORRY))
    elif "channel" in about:
        outbox.whisper(about["channel"], submitted.person.user, messages.said(SORRY), about["thread"])


def _hear(said: Said) -> None:
    if not said.text:
        asking.greet(said)
        return
    who = asking.asker(said.person, said.channel, said.is_direct)
    said = replace(said, text=aliases.expanded(who, said.text))
    answers = words.handler(said.text)
    if answers is not None:
        words.answer(said, answers)
    else:
        asking.typed(said)


def _about(submitted: Submitted) -> dict[str, Any]:
    try:
        found = json.loads(submitted.about)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _tried(work: Callable[[], None]) -> SaltcellarError | None:
    try:
        work()
    except Unavailable:
        raise  # the drain tries again
    except SaltcellarError as error:
        return error
    return None


def _command(said: Said) -> str:
    """The first word, with an alias expanded."""
    who = asking.asker(said.person, said.channel, said.is_direct)
    return (aliases.expanded(who, said.text).split() or [""])[0].lower()


def _refusal(channel: str, error: SaltcellarError, person: Person, command: str) -> dict[str, Any]:
    told = sentences.refusal(sentences.persona(channel), error, command, person.user)
    return message(told, section(told))
