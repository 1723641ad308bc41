"""Asking for a command in chat, by a typed line, a choice or a window; then the conversation that shows the job."""

import json
from typing import Any

from pillar_service.chatops import following, messages, modals, sentences
from pillar_service.chatops.facts import DIRECT, Person, Pressed, Said, Submitted
from pillar_service.core.chat.personas import Moment
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.meeseeks.catalogue import Action, Command, Where
from pillar_service.core.nodes import selectors
from pillar_service.usecases.chat import conversations, outbox, turns
from pillar_service.usecases.meeseeks import asking, catalogue, people
from pillar_service.usecases.meeseeks.asker import Asker
from pillar_service.usecases.meeseeks.asking import Wish

LATE = "That took too long for Slack to open a window: try again."
HINT = (
    "Or write it in one line, such as `restart-bot my.butt.nz -l environment=prd`; `help restart-bot` tells you more."
)


def asker(person: Person, channel: str, is_direct: bool) -> Asker:
    """Who asks, and where."""
    return people.asker(person.team, person.user, DIRECT if is_direct else channel)


def greet(said: Said) -> None:
    """Say hello, with what they may ask for here."""
    these = [(one.name, one.summary) for one in asking.tasks(asker(said.person, said.channel, said.is_direct))]
    hello = sentences.sentence(sentences.persona(said.channel), Moment.GREETING, user=said.person.user)
    hint = HINT if these else f"There is nothing you may ask for here. You are {said.person.team}/{said.person.user}."
    body = messages.tasks(hello, these, hint)
    if said.thread is None:
        outbox.whisper(said.channel, said.person.user, body)
    else:
        outbox.post(said.channel, body, said.thread, said.person.user)


def typed(said: Said) -> None:
    """Handle a line that is a command; a bare command that needs arguments gets a window, or a button for one."""
    who = asker(said.person, said.channel, said.is_direct)
    known = catalogue.current().catalogue
    command = known.commands.get(said.text.lower())
    if command is None or not any(one.required for one in command.parameters):
        begin(who, said.person, said.channel, said.thread, asking.read(who, said.text))
    elif said.trigger:
        about = {"command": command.name, "channel": said.channel, "thread": None}
        window(command, about, said.trigger, said.channel, said.person.user)
    else:
        asked = f"{command.name} needs arguments: write {command.usage}, or press Choose."
        body = messages.tasks(asked, [(command.name, command.summary)])
        outbox.post(said.channel, body, said.thread, said.person.user)


def begin(who: Asker, person: Person, channel: str, thread: str | None, wanted: Wish) -> None:
    """Make a job of a wish, and the conversation that shows it."""
    job, shown = asking.ask_shown(who, wanted, turns.new_id())
    preview = shown["id"] if shown else None
    speaker = sentences.persona(channel)
    id = conversations.begin(person.team, channel, thread, person.user, speaker.name, job["id"], preview)
    following.follow(conversations.find(id))


def picked(pressed: Pressed) -> None:
    """Handle the choice of a task: open a window for its arguments, or make the job at once if it takes none."""
    command = catalogue.current().catalogue.command(pressed.value)
    if _is_plain(command):
        who = asker(pressed.person, pressed.channel, pressed.is_direct)
        wanted = asking.wish(who, command.name, {})
        begin(who, pressed.person, pressed.channel, pressed.below, wanted)
        return
    about = {"command": command.name, "channel": pressed.channel, "thread": pressed.below}
    window(command, about, pressed.trigger, pressed.channel, pressed.person.user)


def _is_plain(command: Command) -> bool:
    return not any(not one.immutable for one in command.parameters) and command.where in (Where.NONE, Where.ALL)


def window(command: Command, about: dict[str, Any], trigger: str, channel: str, user: str) -> None:
    """Open the window for a command's arguments."""
    is_placed = command.where is not Where.NONE and not isinstance(command.runs, Action)
    view = modals.arguments(
        command.name, command.help or command.summary, command.parameters, json.dumps(about), is_placed
    )
    outbox.modal(trigger, view, channel, user, LATE)


def filled(submitted: Submitted) -> None:
    """Handle a submitted window with arguments."""
    about, given = json.loads(submitted.about), dict(submitted.values)
    selector = selectors.parse(given.pop(modals.SELECTOR, "") or "")
    channel, thread = str(about["channel"]), about["thread"]
    who = asker(submitted.person, channel, channel.startswith("D"))
    begin(who, submitted.person, channel, thread, asking.wish(who, about["command"], given, selector))


def faults(command: Command, values: dict[str, str]) -> dict[str, str]:
    """What is wrong with the inputs, by block id; only from the catalogue in memory."""
    found = {}
    for one in command.parameters:
        try:
            one.checked(values.get(one.name))
        except SaltcellarError as error:
            found[one.name] = str(error)
    try:
        selectors.parse(values.get(modals.SELECTOR, ""))
    except SaltcellarError as error:
        found[modals.SELECTOR] = str(error)
    return found
