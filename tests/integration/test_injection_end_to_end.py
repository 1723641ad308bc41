"""Hostile words at salt-run and at the private app are refused in one sentence or kept literally, but never acted upon."""

import secrets
from pathlib import Path

import pytest
from campaigns import let_go, person, poured

from pillar_service.core.errors import Invalid, NotFound

ACCOUNT = "hostile@example.org"
NODE = "cellar-1"
MARK = f"evil{secrets.token_hex(4)}"
"""What hostile words must never create: a file, state or container with this in its name."""

HOSTILE = {
    "newline": f"x\n{MARK}:\n  test.nop",
    "carriage return": f"x\r\n- name: {MARK}",
    "jinja": "{{ salt['cmd.run']('touch /tmp/" + MARK + "') }}",
    "jinja block": "{% for i in range(9) %}" + MARK + "{{ i }}: test.nop\n{% endfor %}",
    "yaml tag": f"!!python/object/apply:os.system ['touch /tmp/{MARK}']",
    "yaml anchor": f"&a [*a, {MARK}]",
    "yaml mapping": "{" + MARK + ": cmd.run}",
    "yaml list": f"[{MARK}]",
    "path": f"../../../../tmp/{MARK}",
    "absolute path": f"/tmp/{MARK}",
    "look-alike": "mу",
    "full width": "ｍｙ",
    "line separator": f"x\u2028{MARK}: test.nop",
    "right to left": f"\u202e{MARK}",
    "10 kB": "a" * 10_240,
    "quotes": f"'\"`$(touch /tmp/{MARK})`;touch /tmp/{MARK}",
    "empty": "",
    "blank": " ",
    "option": "--help",
    "upper case": "MY",
}
ONLY_JSON = {
    "nul": f"x\x00{MARK}",
    "surrogate": "\ud800",
    "none": None,
    "list": [MARK],
    "mapping": {MARK: 1},
    "true": True,
}
"""What cannot be said on a command line."""

TEXTS = {
    "jinja": "{{ 7 * 7 }} {% raw %} {# x #}",
    "yaml tag": "!!python/object/apply:os.system ['id']",
    "yaml": "- a: b, {c: d} & *e | f > g # h",
    "quotes": "'single' \"double\" `back` $(id) ; | & \\ \\n",
    "path": "../../etc/passwd",
    "letters": "Ελληνικά 日本語 🦀 mу",
    "html": "<script>alert(1)</script>",
}
"""Ordinary text for people, however strange it looks."""


@pytest.fixture(scope="module")
def bot(client, cellar_1):
    """A standing bot, so that there are states that could be changed."""
    (bot,) = poured(client, ["stands"], ACCOUNT, NODE)
    yield bot
    let_go(client, [found["id"] for found in client.agents(type="bot", account=ACCOUNT)])


def states(master):
    """The states that the node would apply now."""
    return sorted((one["__id__"], one["state"], one["fun"]) for one in master.salt(NODE, "state.show_low_sls", "pubs"))


@pytest.fixture(scope="module")
def _nothing_more(master, client, cellar, engine, bot):
    """Nothing asked for in this module may have created a state, file or container."""
    before, there = states(master), {agent["id"] for agent in client.agents()}
    yield
    assert {agent["id"] for agent in client.agents()} == there
    assert states(master) == before
    for folder in (cellar, Path("/tmp")):
        assert not list(folder.glob(f"**/*{MARK}*" if folder == cellar else f"*{MARK}*"))
    assert not [one.name for one in engine.containers.list(all=True, ignore_removed=True) if MARK in one.name]


def is_a_sentence(said):
    """Whether a person can read it: one short line that ends like a sentence, without a traceback."""
    return said.isprintable() and len(said) < 400 and said.endswith((".", ")")) and "Traceback" not in said


@pytest.mark.usefixtures("_nothing_more")
@pytest.mark.parametrize("word", [word for word in HOSTILE if word not in ("empty", "option")])
def test_salt_run_refuses_it_as_a_name(master, word):
    code, told = master.run("bots.create", HOSTILE[word], f"account={ACCOUNT}")
    assert code == 1, told
    assert set(told) == {"error", "retcode"}, told
    assert is_a_sentence(told["error"]), told


@pytest.mark.usefixtures("_nothing_more")
@pytest.mark.parametrize("word", [*HOSTILE, *ONLY_JSON])
def test_the_private_app_refuses_it(client, word):
    value = (HOSTILE | ONLY_JSON)[word]
    good = {"type": "bot", "name": "never", "account": ACCOUNT, "node": NODE}
    refused = [good | {"name": value}, *([good | {"node": value}] if value is not None else [])]
    refused += [good | {"memory_mb": value}] if value is not None else []
    refused += [good | {"account": value}, good | {"import": value or "x"}, {"type": "person", "email": value}]
    for told in refused:
        with pytest.raises((Invalid, NotFound)) as error:
            client.create_agent(told)
        assert is_a_sentence(str(error.value)), str(error.value)


@pytest.mark.usefixtures("_nothing_more")
@pytest.mark.parametrize("word", ["newline", "line separator", "right to left", "10 kB", "nul"])
def test_text_that_is_not_one_line_is_refused(client, bot, word):
    value = (HOSTILE | ONLY_JSON)[word]
    for ask in (
        lambda: client.create_agent({"type": "bot", "name": "never", "account": ACCOUNT, "description": value}),
        lambda: client.submit("bots.invite", bot, {"note": value}),
        lambda: client.submit("bots.revoke", bot, {"invite": value}),
        lambda: client.submit(value, bot, {}),
        lambda: client.submit("bots.logs", bot, {"lines": value}),
        lambda: client.submit("bots.logs", bot, {value: 1}),
    ):
        with pytest.raises(Invalid) as error:
            ask()
        assert is_a_sentence(str(error.value)), str(error.value)


@pytest.mark.usefixtures("_nothing_more")
def test_ordinary_text_is_kept_literally_whatever_it_looks_like(master, client, bot):
    for text in TEXTS.values():
        code, invite = master.run("bots.invite", bot, f"note={text}")
        assert code == 0, invite
        assert invite["note"] == text
        assert client.change_agent(bot, {"description": text})["agent"]["description"] == text
        assert client.agent(bot)["description"] == text
    code, listed = master.run("bots.invites", bot)
    assert code == 0
    assert {invite["note"] for invite in listed} == set(TEXTS.values())


def test_a_description_that_looks_like_a_program_adds_no_state(master, client, engine, bot):
    text = TEXTS["jinja"]
    code, made = master.run(
        "bots.create", "described", f"account={person(client, ACCOUNT)}", f"node={NODE}", f"description={text}"
    )
    assert code == 0, made
    assert made["description"] == text
    own = {id.removeprefix(f"{made['id']} ") for id, _, _ in states(master) if id.startswith(made["id"])}
    assert own == {id.removeprefix(f"{bot} ") for id, _, _ in states(master) if id.startswith(bot)}
    assert text not in str(master.salt(NODE, "state.show_low_sls", "pubs"))
    let_go(client, [made["id"]])
