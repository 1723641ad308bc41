"""What a command runs, made from its shape: exactly one thing, never a shell, and all its arguments are used."""

from collections.abc import Iterator
from typing import Any

from pillar_service.catalogue.shapes import CallShape, CommandShape
from pillar_service.core import names
from pillar_service.core.jobs import commands
from pillar_service.core.meeseeks import templates
from pillar_service.core.meeseeks.parameters import Kind, Parameter
from pillar_service.core.meeseeks.runs import Action, Arguments, Function, Runner, Runs, Script, Where, templates_of
from pillar_service.documents.faults import Faults, Path

WAYS = ("script", "program", "function", "runner", "action")

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "env", "sudo", "su", "xargs"})
"""Programs that run whatever they are given as arguments."""

RUN_ANYTHING = frozenset(
    {"cmd", "cmdmod", "salt", "ssh", "saltutil", "publish", "module", "state.single", "state.high", "state.low"}
)
"""Salt modules and functions that run whatever they are given."""


def runs(shape: CommandShape, at: Path, faults: Faults) -> Runs | None:
    """What the command runs; None, with the fault noted, if it does not run exactly one thing."""
    given = [way for way in WAYS if getattr(shape, way) is not None]
    if len(given) != 1:
        faults.add(at, f"A command runs exactly one of {', '.join(WAYS)}; here it has {', '.join(given) or 'none'}.")
        return None
    made = _made(shape)
    for sentence in _faults(made):
        faults.add((*at, given[0]), sentence)
    return made


def where(shape: CommandShape, what: Runs, at: Path, faults: Faults) -> Where:
    """On how many nodes it runs: as the file says; by default a runner on none, anything else on one."""
    usual = Where.NONE if isinstance(what, Runner) else Where.ONE
    chosen = shape.where or usual
    wrong = {Runner: chosen is not Where.NONE, Action: chosen is not Where.ONE}.get(type(what), chosen is Where.NONE)
    if wrong:
        faults.add(
            (*at, "where"),
            f"This can't run on '{chosen}': a runner runs on none, an action on one, anything else on one, any or all.",
        )
    return chosen


def check_places(what: Runs, parameters: tuple[Parameter, ...], shape: CommandShape, at: Path, faults: Faults) -> None:
    """Note each placeholder that names no parameter, and each parameter that nothing uses."""
    if isinstance(what, Action | Runner):
        _check_secrets(parameters, at, faults)
    if isinstance(what, Action):
        _check_action(what, parameters, at, faults)
        return
    used: set[str] = set()
    for template in templates_of(what):
        with faults.at(at):
            used |= templates.places(template)
    for name in sorted(used - set(shape.parameters)):
        known = ", ".join(shape.parameters) or "none"
        faults.add(at, f"'{{{name}}}' is not a parameter of this command; it has: {known}.")
    for parameter in parameters:
        is_needless = parameter.kind is Kind.NODE or shape.parameters[parameter.name].unused
        if parameter.name not in used and not is_needless:
            told = f"Nothing uses {parameter.name}: name it as '{{{parameter.name}}}', or say unused: yes."
            faults.add((*at, "parameters", parameter.name), told)


def _check_secrets(parameters: tuple[Parameter, ...], at: Path, faults: Faults) -> None:
    for parameter in parameters:
        if parameter.secret:
            faults.add(
                (*at, "parameters", parameter.name),
                f"{parameter.name} can't be secret: only a script, a program or a function is given secrets, so use one of "
                "these.",
            )


def _check_action(what: Action, parameters: tuple[Parameter, ...], at: Path, faults: Faults) -> None:
    if not any(one.name == "bot" and one.kind is Kind.BOT and one.required for one in parameters):
        faults.add(at, "An action needs a required parameter bot, of kind bot.")
    known = commands.COMMANDS[what.command].arguments if what.command in commands.COMMANDS else {}
    for parameter in parameters:
        if parameter.name != "bot" and parameter.name not in known:
            taken = ", ".join(known) or "none"
            faults.add(
                (*at, "parameters", parameter.name), f"{what.command} takes no {parameter.name}; it takes: {taken}."
            )


def _made(shape: CommandShape) -> Runs:
    if shape.script:
        its = shape.script
        return Script(its.source, its.interpreter, tuple(its.arguments), its.sha256)
    if shape.program:
        return Arguments(tuple(shape.program))
    if shape.function:
        return Function(shape.function.name, tuple(shape.function.arguments), shape.function.keywords)
    return _runner(shape.runner) if shape.runner else Action(str(shape.action))


def _runner(shape: CallShape) -> Runner:
    return Runner(shape.name, tuple(shape.arguments), shape.keywords)


def _faults(what: Runs) -> Iterator[str]:
    if isinstance(what, Action) and what.command not in commands.OF_CHAT:
        there = ", ".join(one for one in commands.COMMANDS if one in commands.OF_CHAT)
        elsewhere = commands.ELSEWHERE.get(what.command)
        why = f"can't be asked for here (use {elsewhere})" if elsewhere else "is not an action of a bot"
        yield f"{names.shown(what.command)} {why}; the actions are: {there}."
    if isinstance(what, Script) and ".." in what.source:
        yield "A script's source may not lead out of its folder."
    if isinstance(what, Arguments):
        yield from _faults_of_program(what.argv[0])
    if isinstance(what, Function | Runner):
        if {what.name, what.name.split(".")[0]} & RUN_ANYTHING:
            yield f"{what.name} would run whatever it is given: write a program, or a script."
        if not all(_scalar(one) for one in (*what.arguments, *what.keywords.values())):
            yield "Arguments and keywords must be texts, whole numbers, yes or no."


def _faults_of_program(program: str) -> Iterator[str]:
    if "{" in program:
        yield "The program itself can't contain a placeholder."
    if program.rsplit("/", 1)[-1] in SHELLS:
        yield f"{program} would run whatever it is given: write a script."


def _scalar(value: Any) -> bool:
    return isinstance(value, str | int)
