"""`commands.yaml`: every command, made from its shape."""

import re
from dataclasses import replace
from typing import Any

from pillar_service.catalogue import parameters, running
from pillar_service.catalogue.messages import messages
from pillar_service.catalogue.shapes import ApprovalShape, CommandShape
from pillar_service.catalogue.shaping import mapping, only, shaped
from pillar_service.core import durations, names
from pillar_service.core.errors import SaltcellarError
from pillar_service.core.jobs.jobs import NORMAL
from pillar_service.core.meeseeks import catalogue, patterns, typed
from pillar_service.core.meeseeks.catalogue import LONGEST_S, Approval, Command, Limits, Output, Requires
from pillar_service.core.meeseeks.runs import Action, Function, Runner, Runs, Script
from pillar_service.core.nodes import governors, selectors
from pillar_service.core.nodes.selectors import EVERYTHING, Selector
from pillar_service.documents.faults import Faults, Path

TEST = "test"


def read(value: Any, faults: Faults) -> dict[str, Command]:
    """The commands by name, without those that have a fault; each fault is noted."""
    told = mapping(value, (), faults, "This file")
    only(told, ("commands",), faults)
    entries = mapping(told.get("commands"), ("commands",), faults, "commands")
    made = [_command(name, body, ("commands", name), faults) for name, body in entries.items()]
    commands = {one.name: one for one in made if one is not None}
    return commands | {one.name: one for one in map(_tested, commands.values()) if one is not None}


def _command(name: str, body: Any, at: Path, faults: Faults) -> Command | None:
    before = len(faults.found)
    if not names.SHORT_NAME.fullmatch(name) or name in catalogue.BUILT_IN:
        faults.add(
            at,
            f"{names.shown(name)} can't be a command's name: use a-z, 0-9 and hyphens, and none of the bot's own words.",
        )
    shape = shaped(CommandShape, body, at, faults)
    runs = running.runs(shape, at, faults) if shape else None
    if shape is None or runs is None:
        return None
    command = _built(name, shape, runs, at, faults)
    running.check_places(runs, command.parameters, shape, at, faults)
    if len(faults.found) == before:
        for number, example in enumerate(command.examples):
            _check_example(command, example, (*at, "examples", number), faults)
    return command if len(faults.found) == before else None


def _built(name: str, shape: CommandShape, runs: Runs, at: Path, faults: Faults) -> Command:
    return Command(
        name,
        shape.summary,
        runs,
        help=shape.help.strip(),
        examples=tuple(shape.examples),
        parameters=parameters.read(shape.parameters, (*at, "parameters"), faults),
        where=running.where(shape, runs, at, faults),
        selector=_selector(shape.selector, (*at, "selector"), faults),
        needs=tuple(shape.needs),
        timeout_s=_timeout(shape.timeout, (*at, "timeout"), faults),
        concurrency=shape.concurrency,
        governor=_governor(shape.governor, runs, (*at, "governor"), faults),
        retry_safe=shape.retry_safe,
        requires=_requires(shape.require, runs, (*at, "require"), faults),
        preview=_preview(name, shape, runs, (*at, "preview"), faults),
        messages=messages(shape.messages, (*at, "messages"), faults),
        output=_output(shape, (*at, "output", "redact"), faults),
        limits=Limits(**shape.limits.model_dump()),
        user=_user(shape.user, runs, (*at, "user"), faults),
        priority=_priority(shape.priority, (*at, "priority"), faults),
        hidden=shape.hidden,
    )


def _selector(text: str, at: Path, faults: Faults) -> Selector:
    with faults.at(at):
        return selectors.parse(text)
    return EVERYTHING


def _timeout(given: Any, at: Path, faults: Faults) -> int:
    with faults.at(at):
        length_s = durations.seconds(given, "timeout")
        if 1 <= length_s <= LONGEST_S:
            return length_s
        faults.add(at, "The timeout must be from 1s to 1d.")
    return LONGEST_S


def _user(name: str, runs: Runs, at: Path, faults: Faults) -> str:
    if isinstance(runs, Function) and name != "root":
        faults.add(
            at, f"A function runs as the minion's user: write 'user: root', or use a script, which can run as {name}."
        )
    return name


def _governor(name: str | None, runs: Runs, at: Path, faults: Faults) -> str | None:
    if name is not None and isinstance(runs, Action | Runner):
        faults.add(at, "Only what a node starts can have a governor: a script, a program or a function.")
    with faults.at(at):
        return None if name is None else governors.name(name)
    return None


def _output(shape: CommandShape, at: Path, faults: Faults) -> Output:
    for number, pattern in enumerate(shape.output.redact):
        wrong = patterns.fault(pattern)
        if wrong:
            faults.add((*at, number), f"{names.shown(pattern)} {wrong}.")
        elif re.fullmatch(pattern, ""):
            faults.add(
                (*at, number),
                f"{names.shown(pattern)} also matches empty text: write a pattern for what is to be hidden.",
            )
    return Output(shape.output.private, shape.output.file, tuple(shape.output.redact))


def _priority(word: str, at: Path, faults: Faults) -> int:
    if word not in catalogue.PRIORITIES:
        faults.add(at, f"{names.shown(word)} is not a priority; use one of: {', '.join(catalogue.PRIORITIES)}.")
    return catalogue.PRIORITIES.get(word, NORMAL)


def _requires(given: list[Any], runs: Runs, at: Path, faults: Faults) -> Requires:
    approval = None
    for number, one in enumerate(given):
        if isinstance(one, dict) and list(one) == ["approval"]:
            shape = shaped(ApprovalShape, one["approval"], (*at, number, "approval"), faults)
            approval = Approval(**shape.model_dump()) if shape else None
        elif one not in ("confirm", "otp"):
            faults.add(
                (*at, number),
                f"{names.shown(one)} can't be required; use one of: confirm, otp, approval: {{role, count, minutes}}.",
            )
    if len({str(one) for one in given}) < len(given):
        faults.add(at, "Each can be required only once.")
    if approval and isinstance(runs, Script) and runs.sha256 is None:
        faults.add(at, "What others approve must be what runs: add the script's sha256, as `sha256sum` prints it.")
    return Requires("confirm" in given, "otp" in given, approval)


def _preview(name: str, shape: CommandShape, runs: Runs, at: Path, faults: Faults) -> str | None:
    if shape.preview != TEST:
        return shape.preview
    if not isinstance(runs, Function) or TEST in runs.keywords:
        faults.add(at, "'preview: test' is only for a function that takes test=True and is not already called with it.")
    return f"{name}{catalogue.PREVIEW}"


def _tested(command: Command) -> Command | None:
    if command.preview != f"{command.name}{catalogue.PREVIEW}" or not isinstance(command.runs, Function):
        return None
    runs = replace(command.runs, keywords={**command.runs.keywords, TEST: True})
    return replace(
        command, name=command.preview, runs=runs, preview=None, requires=Requires(), hidden=True, retry_safe=True
    )


def _check_example(command: Command, example: str, at: Path, faults: Faults) -> None:
    try:
        line = typed.read(example, lambda name: command.flags)
        if line.command != command.name:
            faults.add(at, f"This is an example of {names.shown(line.command)}, not of {command.name}.")
        command.checked(command.bound(line.positional, line.named))
    except SaltcellarError as error:
        faults.add(at, f"This example would be refused: {error.sentence}")
