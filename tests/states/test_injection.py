"""No value of a pillar becomes a state, a key or a path."""

import functools

import pytest
import salt.client
import salt.config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from masterless import Node, bot_entry

BOT, OTHER = "1f3a9c2e5b7d9e0f", "f" * 16
ALLOWED = {"identity", "dir", "config", "container", "alive", "pillar", "imported", "stopped", "gone"}
"""The ids of a bot's states, without the bot's id in front."""

HOSTILE = [
    "x\nevil:\n  cmd.run:\n    - name: touch /tmp/evil",
    "x\r\n- name: evil",
    "{{ salt['cmd.run']('touch /tmp/evil') }}",
    "{% for i in range(9) %}evil{{ i }}: test.nop\n{% endfor %}",
    "{# x #}",
    "!!python/object/apply:os.system ['touch /tmp/evil']",
    "&a *a",
    "'\"`$(touch /tmp/evil)`",
    "../../../../etc/passwd",
    "mу",
    "\u2028evil: test.nop",
    "\u0085evil",
    "\ufeff",
    "\U0001f980",
    "\ud800",
    "\x00\x07",
    "---\n...",
    "#!py\ndef run(): return {}",
    "a" * 10_240,
    "",
    None,
    [],
    {"evil": "cmd.run"},
    True,
    -1,
    10**30,
]
FIELDS = ["name", "host", "state", "purge", "port", "image", "memory_mb", "allow_private", "seeds", "import", "pub_id"]


@pytest.fixture(scope="module")
def lowstates(engine, salt_cache, tmp_path_factory):
    """The states that Salt's renderers make of these bots; none is run."""
    folder = tmp_path_factory.mktemp("injection")
    node = Node(folder, salt_cache, None)
    opts = salt.config.minion_config(str(folder / "minion"))
    caller = salt.client.Caller(mopts=opts)

    def rendered(bots):
        pillar = {"saltcellar": {"node": node.id, "service": node.service, "bots": bots}}
        low = caller.cmd("state.show_low_sls", "pubs", pillar=pillar)
        assert all(isinstance(state, dict) for state in low), low
        return sorted((state["__id__"], state["state"], state["fun"]) for state in low)

    return rendered


@functools.cache
def expected(rendered):
    return rendered({BOT: bot_entry("my"), OTHER: bot_entry("other")})


def check(rendered, wrong):
    """Puts each (field, value) into a bot of its own, adds a bot without a fault, and renders them all at once."""
    bots = {f"{n:016x}": bot_entry(f"my{n}") | {field: value} for n, (field, value) in enumerate(wrong)}
    found = rendered(bots | {OTHER: bot_entry("other")})
    whole = [state for state in expected(rendered) if not state[0].startswith((BOT, "pub image"))]
    assert [state for state in found if not state[0].startswith((*bots, "pub image"))] == whole
    for bot, told in zip(bots, wrong, strict=True):
        own = {state[0].removeprefix(f"{bot} ") for state in found if state[0].startswith(bot)}
        assert 0 < len(own) <= 4, told
        assert own <= ALLOWED, told


@pytest.mark.parametrize("field", FIELDS)
def test_fixed_corpus(lowstates, field):
    check(lowstates, [(field, value) for value in HOSTILE])


def test_many_hostile_values_in_one_list(lowstates):
    check(lowstates, [("seeds", [value for value in HOSTILE if isinstance(value, str)])])


wrong_text = st.tuples(st.sampled_from(FIELDS), st.text(max_size=300))
printable = st.text(alphabet=st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=300)
wrong_seed = st.tuples(st.just("seeds"), st.lists(printable, min_size=1, max_size=1))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wrong=st.lists(wrong_text | wrong_seed, min_size=1, max_size=30))
def test_any_text(lowstates, wrong):
    check(lowstates, wrong)


def test_hostile_ids_are_refused(lowstates):
    keys = [value for value in HOSTILE if isinstance(value, str) and value]
    for some in (keys, *([key] for key in keys[:3])):  # All at once, and some alone, so that no other can hide them.
        found = lowstates({key: bot_entry("my") for key in some} | {OTHER: bot_entry("other")})
        others = [state for state in expected(lowstates) if not state[0].startswith(BOT)]
        assert [state for state in found if state[1] != "pub" or state[2] != "refused"] == others
        assert len([state for state in found if state[2] == "refused"]) >= len(some)
