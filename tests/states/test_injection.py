"""No value of a pillar becomes a state, a key or a path."""

import functools

import pytest
import salt.client
import salt.config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from masterless import Node, bot_entry

BOT = "1f3a9c2e5b7d9e0f"
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
FIELDS = ["name", "host", "state", "purge", "port", "image", "memory_mb", "allow_private", "seeds", "import"]


@pytest.fixture(scope="module")
def lowstates(engine, salt_cache, tmp_path_factory):
    """The states that Salt's own renderers make of bots, without running one."""
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
    return rendered({BOT: bot_entry("my"), "f" * 16: bot_entry("other")})


def check(rendered, field, value):
    entry = bot_entry("my")
    entry[field] = value
    found = rendered({BOT: entry, "f" * 16: bot_entry("other")})
    whole = expected(rendered)
    others = [state for state in whole if not state[0].startswith((BOT, "pub image"))]
    assert [state for state in found if not state[0].startswith((BOT, "pub image"))] == others
    own = [state for state in found if state[0].startswith(BOT)]
    allowed = {"dir", "config", "container", "alive", "pillar", "imported", "stopped", "gone"}
    assert own
    assert len(own) <= 4
    assert {state[0].removeprefix(f"{BOT} ") for state in own} <= allowed


@pytest.mark.parametrize("field", FIELDS)
def test_fixed_corpus(lowstates, field):
    for value in HOSTILE:
        check(lowstates, field, value)
    check(lowstates, "seeds", [value for value in HOSTILE if isinstance(value, str)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(FIELDS), value=st.text(max_size=300))
def test_any_text(lowstates, field, value):
    check(lowstates, field, value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(alphabet=st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=300))
def test_any_printable_text_stays_one_value(lowstates, value):
    check(lowstates, "seeds", [value])


@pytest.mark.parametrize("key", [value for value in HOSTILE if isinstance(value, str) and value])
def test_hostile_ids_are_refused(lowstates, key):
    found = lowstates({key: bot_entry("my"), "f" * 16: bot_entry("other")})
    others = [state for state in expected(lowstates) if not state[0].startswith(BOT)]
    assert [state for state in found if state[1] != "pub" or state[2] != "refused"] == others
