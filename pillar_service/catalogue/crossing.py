"""Checks across the files: what one file names, another must have."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path as File
from typing import Any

from pillar_service.core import names
from pillar_service.core.meeseeks import roles
from pillar_service.core.meeseeks.catalogue import PRIVILEGES, Command
from pillar_service.core.meeseeks.roles import Grant, Policy
from pillar_service.core.meeseeks.runs import Action, Runner, Script
from pillar_service.documents.faults import Faults, Path


def check_commands(
    commands: Mapping[str, Command], declared: Collection[str], given_roles: Collection[str], faults: Faults
) -> None:
    """Note each approval by an unknown role, and each preview by a command that can't be one."""
    for command in commands.values():
        at = ("commands", command.name)
        approval = command.requires.approval
        if approval and approval.role not in given_roles:
            faults.add(
                (*at, "require"),
                f"There is no role {names.shown(approval.role)}; there are: {', '.join(sorted(given_roles)) or 'none'}.",
            )
        if command.preview and (command.preview in commands or command.preview not in declared):
            _check_preview(command, commands.get(command.preview), (*at, "preview"), faults)


def check_grants(policy: Policy, commands: Mapping[str, Command], declared: Mapping[str, Any], faults: Faults) -> None:
    """Note each grant of an unknown command, and each pattern for an argument that no command of the grant takes."""
    for role in policy.roles:
        for number, grant in enumerate(role.grants):
            at = ("roles", role.name, "grants", number)
            for index, pattern in enumerate(grant.commands):
                if not any(roles.fits(pattern, name) for name in (*declared, *PRIVILEGES)):
                    faults.add((*at, "commands", index), f"{names.shown(pattern)} matches no command in commands.yaml.")
            _check_arguments(grant, commands, declared, (*at, "arguments"), faults)


def check_scripts(commands: Mapping[str, Command], states: File, faults: Faults) -> None:
    """Note each script that is missing in the folder of states, or is another than the catalogue names."""
    for command in commands.values():
        why = _fault_of_script(command.runs, states) if isinstance(command.runs, Script) else None
        if why is not None:
            faults.add(("commands", command.name, "script"), why)


def _fault_of_script(script: Script, states: File) -> str | None:
    file = states / script.source.removeprefix("salt://")
    if not file.is_file():
        return f"There is no script {script.source} in {states.name}/."
    if script.sha256 is None:
        return None
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    return None if found == script.sha256 else f"{script.source} has the sha256 {found}, not the one given here."


def _check_preview(command: Command, preview: Command | None, at: Path, faults: Faults) -> None:
    if preview is None:
        faults.add(
            at, f"There is no command {names.shown(command.preview)} to preview with: name one, or write 'test'."
        )
        return
    if isinstance(preview.runs, Action | Runner) or preview.requires or preview.preview:
        faults.add(
            at, f"{preview.name} can't be a preview: it must run on a node, and have no requirements or preview itself."
        )
    for name in sorted(set(preview.named) - set(command.named)):
        faults.add(at, f"{preview.name} takes {name}, which {command.name} does not.")


def _check_arguments(
    grant: Grant, commands: Mapping[str, Command], declared: Mapping[str, Any], at: Path, faults: Faults
) -> None:
    meant = [name for name in declared if any(roles.fits(pattern, name) for pattern in grant.commands)]
    if not all(name in commands for name in meant):
        return  # one of them has a fault itself, so what it takes is unknown
    for name in grant.arguments:
        if not any(name in commands[one].named for one in meant):
            faults.add((*at, name), f"No command of this grant takes {names.shown(name)}, so it would grant nothing.")
