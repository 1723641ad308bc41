"""All faults in the files are reported at once, each with file and line; compared word by word, so that none gets lost."""

from pathlib import Path

import pytest

from pillar_service.catalogue import load
from pillar_service.core.errors import Invalid

COMMANDS = "commands: {disk: {summary: s, program: [df], parameters: {at: {kind: int, unused: yes}}}}\n"
ROLES = "roles: {operator: {grants: [{commands: ['*'], selector: any, channels: [any]}]}}\n"
PERSONAS = "default: boring\npersonas: {boring: {title: B}}\n"


def told(folder: Path, commands: str = COMMANDS, roles: str = ROLES, personas: str = PERSONAS) -> list[str]:
    """The faults of a folder with these files."""
    for name, text in (("commands", commands), ("roles", roles), ("personas", personas)):
        (folder / f"{name}.yaml").write_text(text)
    try:
        load(folder)
    except Invalid as error:
        return error.sentence.split("\n")
    return []


def test_good_files_have_no_fault(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_a_choice_may_be_as_long_as_a_menu_shows_it(tmp_path: Path) -> None:
    assert (
        told(tmp_path, command(PROGRAM + f"parameters:\n  a: {{kind: enum, choices: [b, {'c' * 75}], unused: yes}}"))
        == []
    )


def command(body: str, name: str = "thing") -> str:
    """A file with one command; its body begins on line 3, after a summary."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"commands:\n  {name}:\n{lines}    summary: s\n"


PROGRAM = "program: [df]\n"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("", "2: A command runs exactly one of"),
        (PROGRAM + "runner: {name: a.b}", "2: A command runs exactly one of"),
        (PROGRAM + "sumary: x", "4: 'sumary' is unknown here; use one of: summary, help, examples, parameters,"),
        (PROGRAM + "limits: {memory: 5}", "4: 'memory' is unknown here; use one of: memory_mb, cpu_s, processes, file_mb."),
        (PROGRAM + "parameters:\n  a: {knd: int}", "5: 'knd' is unknown here; use one of: kind, help, required,"),
        (PROGRAM + "parameters:\n  a: {kind: integer}", "5: 'integer' is not a kind; use one of: string, int, enum,"),
        (PROGRAM + "parameters:\n  a:\n    kind: enum\n    choices: [yes, no]", "7: item 1 of choices must be a text"),
        (
            PROGRAM + f"parameters:\n  a: {{kind: enum, choices: [b, {'c' * 76}], unused: yes}}",
            f"5: The parameter a: the choice '{'c' * 49}… (78 characters) is too long for a menu: use at most 75 characters.",
        ),
        (PROGRAM + f"parameters:\n  a: {{kind: enum, choices: [{'😀' * 38}], unused: yes}}", "5: The parameter a: the choice"),
        (PROGRAM + "parameters:\n  a: {kind: enum, choices: [b, c, b], unused: yes}", "5: The parameter a: the choice"),
        (PROGRAM + "parameters:\n  a: {}", "5: Nothing uses a: name it as '{a}', or say unused: yes."),
        (PROGRAM + "parameters:\n  A: {unused: yes}", "5: The parameter A: 'A' can't be a parameter's name"),
        (PROGRAM + "parameters:\n  a: {pattern: '(', unused: yes}", "5: The parameter a: the pattern is no"),
        (PROGRAM + "parameters:\n  a: {kind: duration, least: soon, unused: yes}", "5: The length of time must be written as"),
        (PROGRAM + "parameters:\n  a: {kind: secret, default: hush, unused: yes}", "5: The parameter a: a secret can't have a"),
        ("program: [df, '{x}']", "2: '{x}' is not a parameter of this command; it has: none."),
        ("program: [df, '{']", "2: '{' has a single brace at character 1"),
        ("program: ['{x}']\nparameters: {x: {}}", "3: The program itself can't contain a placeholder."),
        ("program: [bash, -c, ls]", "3: bash would run whatever it is given: write a script."),
        ("program: [/usr/bin/env, ls]", "3: /usr/bin/env would run whatever it is given: write a script."),
        ("program: df -h", "3: program must be a list, not 'df -h'."),
        ("program: []", "3: program has too few items: it needs at least 1."),
        ("function: {name: cmd.run, arguments: [ls]}", "3: cmd.run would run whatever it is given"),
        ("function: {name: disk.usage}", "2: A function runs as the minion's user: write 'user: root', or use a script"),
        ("function: {name: disk.usage}\nuser: www-data", "4: A function runs as the minion's user"),
        ("function: {name: state.single}", "3: state.single would run whatever it is given"),
        ("function: {name: 'os.system;x'}", "3: name can't be 'os.system;x'"),
        (
            "function: {name: disk.usage, arguments: [[1]]}",
            "3: Arguments and keywords must be texts, whole numbers, yes or no.",
        ),
        ("runner: {name: salt.cmd}", "3: salt.cmd would run whatever it is given"),
        ("runner: {name: bots.list}\nwhere: all", "4: This can't run on 'all'"),
        ("runner: {name: a.b, arguments: ['{x}']}\nparameters:\n  x: {kind: secret}", "5: x can't be secret: only a script"),
        (
            "action: bots.invite\nparameters:\n  bot: {kind: bot, required: yes}\n  note: {kind: secret}",
            "6: note can't be secret: only a script, a program or a function is given secrets, so use one",
        ),
        ("script: {source: 'http://x/y', interpreter: bash}", "3: source can't be 'http://x/y'"),
        ("script: {source: 'salt://../x', interpreter: bash}", "3: source can't be 'salt://../x'"),
        ("script: {source: 'salt://a/../../x', interpreter: bash}", "3: A script's source may not lead out of its folder."),
        ("script: {source: 'salt://a', interpreter: 'bash -c'}", "3: interpreter can't be 'bash -c'"),
        ("script: {interpreter: bash}", "3: source is missing here."),
        ("script: {source: 'salt://a', interpreter: bash, sha256: abc}", "3: sha256 can't be 'abc'"),
        (
            "script: {source: 'salt://a', interpreter: bash}\nrequire: [approval: {role: approver}]",
            "4: What others approve must be what runs: add the script's sha256",
        ),
        ("action: bots.restrt", "3: 'bots.restrt' is not an action of a bot; the actions are: bots.start,"),
        (
            "action: bots.purge",
            "3: 'bots.purge' can't be asked for here (use DELETE /agents/<id>?purge=true); the actions are:",
        ),
        ("action: bots.create", "3: 'bots.create' can't be asked for here (use POST /agents); the actions are:"),
        ("action: bots.restart", "2: An action needs a required parameter bot, of kind bot."),
        ("action: bots.restart\nparameters:\n  bot: {kind: bot, required: yes}\n  x: {}", "6: bots.restart takes no x"),
        (PROGRAM + "where: everywhere", "4: where can't be 'everywhere': it must be one of 'none', 'one', 'any' or 'all'."),
        (PROGRAM + "where: none", "4: This can't run on 'none'"),
        (PROGRAM + "selector: 'a=='\ntimeout: 0s", "5: The timeout must be from 1s to 1d."),
        (PROGRAM + "selector: 'a=*'", "4: The selector 'a=*' is wrong at character 3"),
        (PROGRAM + "timeout: 90 seconds", "4: The timeout must be written as '90s'"),
        (PROGRAM + "timeout: 1:30", "4: '1:30' is read as int: put it in quotes if you mean a text."),
        (PROGRAM + "concurrency: 0", "4: concurrency must be at least 1, not 0."),
        (PROGRAM + "concurrency: '5'", "4: concurrency must be a whole number, not '5'."),
        (PROGRAM + "retry_safe: maybe", "4: retry_safe must be yes or no, not 'maybe'."),
        (PROGRAM + "require: [confrm]", "4: 'confrm' can't be required; use one of: confirm, otp, approval"),
        (PROGRAM + "require: [confirm, confirm]", "4: Each can be required only once."),
        (PROGRAM + "require:\n- approval: {role: nobody}", "4: There is no role 'nobody'; there are: operator."),
        (PROGRAM + "require:\n- approval: {role: operator, count: 0}", "5: count must be at least 1, not 0."),
        (PROGRAM + "preview: test", "4: 'preview: test' is only for a function"),
        (PROGRAM + "preview: nothing", "4: There is no command 'nothing' to preview with: name one, or write 'test'."),
        (
            PROGRAM + "preview: thing",
            "4: thing can't be a preview: it must run on a node, and have no requirements or preview itself.",
        ),
        (PROGRAM + "messages: {dne: [x]}", "4: 'dne' is not a moment; use one of: greeting,"),
        (PROGRAM + "messages: {done: []}", "4: done needs at least one sentence."),
        (PROGRAM + "messages: {done: ['{usr}']}", "4: '{usr}' is not known at that moment; use one of: command, job,"),
        (PROGRAM + "output: {redact: ['(']}", "4: '(' is not a regular expression"),
        (PROGRAM + "output: {redact: ['x*']}", "4: 'x*' also matches empty text"),
        (PROGRAM + "priority: high", "4: 'high' is not a priority; use one of: urgent, normal, low."),
        (PROGRAM + "user: 'root; x'", "4: user can't be 'root; x'"),
        (PROGRAM + "needs: ['a b']", "4: item 1 of needs can't be 'a b'"),
        (PROGRAM + "examples:\n- thing\n- thing x", "6: This example would be refused: 'x' is one argument too many"),
        (PROGRAM + "examples:\n- other", "5: This is an example of 'other', not of thing."),
        (PROGRAM + "summary: 5\n", "4: summary must be a text, not 5: put quotes around it."),
        (PROGRAM + "help: null", "4: help must be a text, not None"),
        (PROGRAM + "help: 2026-01-01", "4: '2026-01-01' is read as timestamp: put it in quotes"),
        (PROGRAM + "program: [ls]", "4: 'program' is here twice: keep one."),
        (PROGRAM + "<<: {help: x}", "4: A key must be a plain word"),
    ],
)  # fmt: skip
def test_a_fault_of_a_command_is_told_with_its_line(tmp_path: Path, body: str, fault: str) -> None:
    found = told(
        tmp_path, command(body), "roles: {operator: {grants: [{commands: ['*'], selector: any, channels: [any]}]}}"
    )
    assert any(one.startswith(f"commands.yaml:{fault}") for one in found), found


@pytest.mark.parametrize("name", ["help", "Thing", "a_b", "a.b", "-a", "a" * 41, "'*'", "kill"])
def test_a_command_may_not_be_called_anything(tmp_path: Path, name: str) -> None:
    found = told(tmp_path, command(PROGRAM, name))
    assert any("commands.yaml:2: " in one and "can't be a command's name" in one for one in found), found


GRANT = "roles:\n  r:\n    grants:\n    - "


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rles: {}", "1: 'rles' is unknown here; use one of: groups, roles."),
        ("roles: []", "1: roles must be keys with values, not []."),
        ("[]", "1: This file must be keys with values, not []."),
        ("groups:\n  g: ann", "2: A group is a list of users"),
        ("groups:\n  g:\n  - ann", "3: 'ann' is not a user: write Slack's ids as 'T01ABC/U02DEF', or an e-mail address."),
        ("groups:\n  g:\n  - '@ann'", "3: '@ann' is not a user"),
        ("groups:\n  g:\n  - U02DEF", "3: 'U02DEF' is not a user"),
        ("groups:\n  G: []", "2: 'G' can't be a name"),
        ("roles:\n  r:\n    users: [ann]", "3: 'ann' is not a user"),
        ("roles:\n  r:\n    groups: [g]", "3: There is no group 'g'; there are: none."),
        ("roles:\n  r:\n    grant: []", "3: 'grant' is unknown here; use one of: users, groups, grants."),
        (GRANT + "{selector: any, channels: [any]}", "4: commands is missing here."),
        (GRANT + "{commands: [disk], channels: [any]}", "4: selector is missing here."),
        (GRANT + "{commands: [disk], selector: any}", "4: channels is missing here."),
        (GRANT + "{commands: [], selector: any, channels: [any]}", "4: commands has too few items: it needs at least 1."),
        (GRANT + "{commands: [disk], selector: '', channels: [any]}", "4: Say which nodes"),
        (GRANT + "{commands: [disk], selector: 'a b', channels: [any]}", "4: The selector 'a b' is wrong"),
        (GRANT + "commands: [disk]\n      selector: any\n      channels: [all]", "6: 'all' is not a channel"),
        (GRANT + "{commands: [disk], selector: any, channels: ['#ops']}", "4: '#ops' is not a channel"),
        (GRANT + "{commands: [dsk], selector: any, channels: [any]}", "4: 'dsk' matches no command"),
        (GRANT + "{commands: ['kube-*'], selector: any, channels: [any]}", "4: 'kube-*' matches no command"),
        (GRANT + "{commands: [meeseeks.adit], selector: any, channels: [any]}", "4: 'meeseeks.adit' matches no"),
        (GRANT + "{commands: [disk], selector: any, channels: [any], arguments: {at: '('}}", "4: '(' is not a regular"),
        (GRANT + "{commands: [disk], selector: any, channels: [any], arguments: {b: x}}", "4: No command of this grant takes"),
    ],
)  # fmt: skip
def test_a_fault_of_the_roles_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    found = told(tmp_path, roles=text)
    assert any(one.startswith(f"roles.yaml:{fault}") for one in found), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("personas: {b: {title: B}}", "1: None is not a persona; there are: b."),
        ("default: c\npersonas: {b: {title: B}}", "1: 'c' is not a persona; there are: b."),
        ("default: b\npersonas:\n  b: {}", "3: title is missing here."),
        ("default: b\npersonas:\n  b: {title: B, icon: smile}", "3: icon can't be 'smile'"),
        (
            "default: b\npersonas:\n  b:\n    title: B\n    messages:\n      done:\n      - '{'",
            "7: '{' has a single brace",
        ),
        ("default: b\npersonas: {b: {title: B}}\nchannels: {'#ops': b}", "3: '#ops' is not a channel"),
        ("default: b\npersonas: {b: {title: B}}\nchannels:\n  C01ABC: c", "4: 'c' is not a persona"),
    ],
)
def test_a_fault_of_the_personas_is_told_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    found = told(tmp_path, personas=text)
    assert any(one.startswith(f"personas.yaml:{fault}") for one in found), found


def test_every_fault_is_told_at_once_in_order(tmp_path: Path) -> None:
    commands = (
        command(PROGRAM + "sumary: x\ntimeout: soon") + "  good: {summary: s, program: [df]}\n  bad: {summary: 5}\n"
    )
    found = told(tmp_path, commands, "roles:\n  r: {users: [ann]}\n", "default: b\n")
    assert [one.split(": ")[0] for one in found] == [
        "commands.yaml:4",
        "commands.yaml:8",
        "roles.yaml:2",
        "personas.yaml:1",
    ]


def test_a_command_with_a_fault_is_still_known_to_the_roles(tmp_path: Path) -> None:
    roles = GRANT + "{commands: [disk], selector: any, channels: [any], arguments: {a: b}}"
    found = told(tmp_path, command("", "disk"), roles)
    assert [one.split(":")[0] for one in found] == ["commands.yaml"]


def test_a_hundred_faults_are_enough(tmp_path: Path) -> None:
    found = told(tmp_path, "commands:\n" + "".join(f"  c{number}: {{}}\n" for number in range(300)))
    assert len(found) == 101
    assert found[-1] == "… and 200 more."


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"commands\.yaml:1: This file can't be read"):
        load(tmp_path)
