"""Salt's known faults, each attacked for real on a master with the shipped configuration and the guard.

Tests look both at the answer to the attack and at what it left on the master. They also do what an honest node does, so
that a refusal can't come from a master that refuses everything.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import salt.config
import salt.payload
import salt.utils.event
import salt.utils.jid
import salt.wheel
from daemons import Service, running, until
from lying_node import LyingNode, Wire
from salt_daemons import TOP, Master

MARK = "saltcellar-was-here"
VICTIM = "victim"


@pytest.fixture(scope="module")
def master(cellar: Path, service: Service) -> Iterator[Master]:
    """This module's own master: the lying nodes are not nodes of the service."""
    with running(Master(cellar / "m", service.url, service.token_file, name="attacked")) as master:
        yield master


@pytest.fixture(scope="module")
def wire(master: Master) -> Wire:
    """Someone who can reach the master's port but has no key."""
    wire = Wire(master)

    def answers() -> bool:
        try:
            return wire.clear(cmd="ping") == {"cmd": "ping"}
        except TimeoutError:
            return False

    until(answers, 60, "the master answers")
    return wire


@pytest.fixture(scope="module")
def liar(cellar: Path, master: Master, wire: Wire) -> LyingNode:
    """An accepted node that lies."""
    return LyingNode(cellar, "liar", master)


@pytest.fixture(scope="module")
def victim(cellar: Path, master: Master, wire: Wire) -> LyingNode:
    """An accepted node that others lie about."""
    return LyingNode(cellar, VICTIM, master)


@pytest.fixture
def heard(master: Master) -> Iterator[Callable[[], list[str]]]:
    """Every tag on the master's bus since the test began; fires an event itself and reads up to that."""
    opts = salt.config.master_config(str(master.etc / "master"))
    with salt.utils.event.get_event("master", opts=opts, listen=True) as bus:
        bus.connect_pub(timeout=5)

        def tags() -> list[str]:
            bus.fire_event({}, "test/over")
            events = iter(lambda: (bus.get_event(wait=10, full=True) or {"tag": "test/over"})["tag"], "test/over")
            return list(events)

        yield tags


def opts(master: Master) -> dict[str, Any]:
    """The master's configuration."""
    return dict(salt.config.master_config(str(master.etc / "master"))) | {"config_dir": str(master.etc)}


def written(master: Master) -> str:
    """The paths of all files in the master's folder that have MARK in their name."""
    return "\n".join(str(path) for path in master.folder.rglob("*") if MARK in path.name)


def returned(master: Master, jid: str) -> dict[str, Any]:
    """What the job cache holds for a job, by node."""
    folder = Path(salt.utils.jid.jid_dir(jid, str(master.folder / "cache" / "jobs"), "sha256"))
    files = folder.glob("*/return.p")
    return {file.parent.name: salt.payload.loads(file.read_bytes())["return"] for file in files}


def new_jid(master: Master) -> str:
    """A jid made as the dispatcher makes it."""
    return str(salt.utils.jid.gen_jid(opts(master)))


@pytest.mark.parametrize(
    "cmd",
    ["_prep_auth_info", "_send_pub", "_prep_pub", "_prep_jid", "_send_ssh_pub", "connect", "destroy", "process_token"],
)
def test_nobody_calls_what_is_not_exposed(cmd: str, wire: Wire, master: Master) -> None:
    """CVE-2020-11651: `_prep_auth_info` told anybody the root key, `_send_pub` published for anybody."""
    told = wire.clear(cmd=cmd, fun="test.ping", tgt="*", arg=[], jid="20990101000000000000", user="root")
    assert told == {}
    assert next((master.folder / "cache").glob(".root_key")).read_text() not in json.dumps(told, default=str)


@pytest.mark.parametrize("cmd", ["runner", "wheel", "publish"])
@pytest.mark.parametrize(
    "who",
    [
        {"user": "root"},
        {"user": "root", "key": ""},
        {"user": "root", "key": "wrong"},
        {"user": "sudo_root", "key": "wrong"},
        {"eauth": "auto", "username": "root", "password": "x"},
        {"eauth": "pam", "username": "root", "password": ""},
        {"eauth": "pki", "username": "liar", "password": "x"},
        {"token": "0" * 64},
        {"token": "../../.root_key"},
    ],
    ids=lambda who: "-".join(f"{name}={value[:12]}" for name, value in who.items()),
)
def test_nobody_publishes_or_runs_anything_from_outside(cmd: str, who: dict[str, str], wire: Wire) -> None:
    """CVE-2020-11651, CVE-2021-25281, CVE-2021-3144, CVE-2022-22941, CVE-2024-38825: without root's key nothing runs."""
    fun = {"runner": "test.arg", "wheel": "key.list_all", "publish": "test.ping"}[cmd]
    load = {"cmd": cmd, "fun": fun, "tgt": "*", "arg": [], "kwarg": {}, "user": "root", "ret": "", "jid": ""} | who
    if cmd == "publish":
        load["kwargs"] = {name: value for name, value in who.items() if name not in {"user", "key"}}
    told = wire.clear(**load)
    assert "Authentication" in str(told.get("error")) or told == {}, told


@pytest.mark.parametrize(
    ("fun", "given", "said"),
    [
        ("file_roots.read", {"path": "../pillar_service/__init__.py"}, "[]"),
        ("file_roots.write", {"path": f"../{MARK}", "data": "x"}, "Invalid path"),
        ("pillar_roots.write", {"path": f"../{MARK}", "data": "x"}, "is not present"),
        ("config.update_config", {"file_name": f"../../{MARK}", "yaml_contents": {"a": 1}}, "Invalid path"),
    ],
)
def test_no_wheel_leaves_its_roots(fun: str, given: dict[str, Any], said: str, master: Master, wire: Wire) -> None:
    """CVE-2020-11652, CVE-2021-25282: they can't be called from outside, and root's own calls can't leave their folders."""
    assert "Authentication" in str(wire.clear(cmd="wheel", fun=fun, user="root", kwarg=given, **given))
    assert said in str(salt.wheel.WheelClient(opts(master)).cmd(fun, kwarg=given, print_event=False))
    assert written(master) == ""
    assert not Path(TOP, MARK).exists()


def test_no_token_is_read_from_elsewhere(wire: Wire, master: Master) -> None:
    """CVE-2020-11652: `get_token` could read any file that the master can read."""
    (master.folder / "cache" / "tokens").mkdir(exist_ok=True)
    for token in ("../.root_key", str(master.folder / "cache" / ".root_key"), "../../pki/master.pem", "", None):
        assert wire.clear(cmd="get_token", token=token) in ({}, False, "Some exception handling minion payload"), token
    assert not wire.clear(cmd="mk_token", eauth="auto", username="root", password="x")


@pytest.mark.parametrize("version", [0, 1, 2, "0", None, -1])
def test_no_older_protocol_is_spoken(version: Any, wire: Wire, liar: LyingNode) -> None:
    """CVE-2025-62349, CVE-2022-22935: an older version of the protocol evades the checks of the newer one."""
    key = (liar.keys / "minion.pub").read_text()
    asked = {"enc": "clear", "load": {"cmd": "_auth", "id": "liar", "pub": key}}
    told = wire.send(asked if version is None else asked | {"version": version})
    assert told == "bad load"
    load = liar.load("_master_opts")
    sealed = liar.auth.crypticle.dumps(load)  # As in those versions, with the secret that all nodes share.
    assert wire.send({"enc": "aes", "load": sealed, "version": version or 0}) == "bad load"


def test_no_key_is_accepted_on_sight(wire: Wire, victim: LyingNode, master: Master) -> None:
    """Another key for an accepted name is denied, and a stranger's key stays pending."""
    other = (master.keys / "saltcellar.pub").read_text()
    for name in (VICTIM, "stranger"):
        told = wire.clear(
            cmd="_auth", id=name, pub=other, nonce="n", enc_algo="OAEP-SHA224", sig_algo="PKCS1v15-SHA224"
        )
        assert "aes" not in json.dumps(told, default=repr), told
    accepted = {path.name for path in (master.keys / "minions").iterdir()}
    assert "stranger" not in accepted
    assert isinstance(wire.clear(cmd="_auth", id="../../../etc", pub=other), str)


def test_a_node_is_heard_as_itself_alone(liar: LyingNode, victim: LyingNode) -> None:
    """CVE-2024-38822: methods that did not check the token let one minion speak as another."""
    assert liar.says("_master_opts")["renderer"]
    stolen = [
        liar.sealed(liar.load("_master_opts", id=VICTIM)),
        liar.sealed(liar.load("_master_opts", id=VICTIM), id=VICTIM),
        liar.sealed(liar.load("_master_opts", id=VICTIM, tok=victim.auth.gen_token(b"salt"))),
        liar.sealed(liar.load("_master_opts", tok=victim.auth.gen_token(b"salt"))),
        liar.sealed(liar.load("_master_opts", tok=b"")),
        liar.sealed({name: said for name, said in liar.load("_master_opts").items() if name != "tok"}),
        victim.sealed(liar.load("_master_opts", id=VICTIM)),
        liar.sealed(liar.load("_master_opts", id="../../liar"), id="../../liar"),
        liar.sealed(liar.load("_master_opts", id="liar\0"), id="liar\0"),
    ]
    for number, payload in enumerate(stolen):
        told = liar.send(payload)
        assert isinstance(told, str), (number, told)
        assert told.startswith(("bad load", "Some exception")), (number, told)


def test_what_was_said_long_ago_is_not_heard_again(liar: LyingNode) -> None:
    """CVE-2024-38823: a recorded request stayed valid for ever."""
    assert liar.says("_master_opts", ts=int(time.time()) - 600)["renderer"], "a clock may be ten minutes wrong"
    assert liar.says("_master_opts", ts=int(time.time()) - 3600) == "bad load"


def test_no_node_returns_as_another(liar: LyingNode, victim: LyingNode, master: Master) -> None:
    """CVE-2024-38822, and what Salt 3008.3 still leaves open: ``resource_id`` and ``_syndic_return`` rename the node."""
    jid = new_jid(master)
    forged = {"jid": jid, "fun": "test.ping", "fun_args": [], "return": MARK, "retcode": 0, "success": True}
    liar.says("_return", resource_id=VICTIM, **forged)
    liar.says(
        "_syndic_return", load=[{"id": "liar", "jid": jid, "fun": "test.ping", "return": {VICTIM: {"return": MARK}}}]
    )
    liar.says("_syndic_return", id="liar", jid=jid, fun="test.ping", **{"return": {VICTIM: {"return": MARK}}})
    assert returned(master, jid) == {}
    victim.says("_return", **forged | {"return": "told by itself"})
    own = new_jid(master)
    liar.says("_return", **forged | {"jid": own})
    until(lambda: returned(master, jid) == {VICTIM: "told by itself"}, 10, "the victim returned for itself")
    until(lambda: returned(master, own) == {"liar": MARK}, 10, "the liar may return for itself")


@pytest.mark.parametrize(
    "tag",
    [
        f"salt/job/20990101000000000000/ret/{VICTIM}",
        f"salt/job/20990101000000000000/prog/{VICTIM}/1",
        f"salt/minion/{VICTIM}/start",
        f"salt/beacon/{VICTIM}/pub_health/",
        "salt/run/20990101000000000000/ret",
        "salt/wheel/20990101000000000000/ret",
        "salt/auth",
        "salt/key",
        "salt/presence/change",
        "salt/stats",
        "salt/cluster/peer",
        "cluster/peer/join",
        "rotate_cluster_aes_key",
        "minion/refresh/victim",
        "20990101000000000000",
        "",
    ],
)
def test_no_node_fires_events_about_others(tag: str, liar: LyingNode, heard: Callable[[], list[str]]) -> None:
    """CVE-2025-22236, CVE-2025-22239: any minion could put any event on the master's bus."""
    data = {"id": VICTIM, "jid": "20990101000000000000", "return": MARK}
    liar.says("_minion_event", tag=tag, data=data, pretag=None)
    liar.says("_minion_event", events=[{"tag": tag, "data": data}])
    liar.says("_minion_event", events=[{"tag": tag, "data": data}], pretag="salt")
    liar.says("_minion_event", tag="salt/beacon/liar/own/", data={"x": 1}, pretag=None)
    assert [one for one in heard() if one != "salt/auth" or tag == one] == ["salt/beacon/liar/own/"]


def test_no_event_says_which_nodes_a_job_has(liar: LyingNode, master: Master) -> None:
    """An event with ``minions`` could change whom a job was published to (salt.utils.job.store_minions)."""
    jid = new_jid(master)
    liar.says("_return", jid=jid, fun="test.ping", **{"return": True})
    liar.says("_minion_event", events=[{"tag": "org.example.x", "data": {"jid": jid, "minions": [MARK]}}])
    assert MARK not in str(master.run("jobs.list_job", jid))
    assert [path for path in master.folder.rglob(".minions*") if MARK.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    "path", [["..", "..", MARK], [f"../../{MARK}"], ["/tmp", MARK], [MARK], [f"a/../../../{MARK}"]]
)
def test_no_file_is_left_on_the_master(path: list[str], liar: LyingNode, master: Master) -> None:
    """CVE-2024-38824: `_file_recv` could write outside the minion's folder; here it writes nothing."""
    told = liar.says("_file_recv", path=path, loc=0, data=b"x", size=1)
    assert not told
    assert written(master) == ""
    assert not Path("/tmp", MARK).exists()


@pytest.mark.parametrize(
    "path", ["../pki/master.pem", "/etc/shadow", "../../../../../../etc/shadow", "pubs/../../setup.cfg"]
)
def test_no_file_outside_of_the_states_is_served(path: str, liar: LyingNode) -> None:
    """CVE-2024-22232: a crafted path could leave the file roots."""
    assert "pub" in liar.says("_serve_file", path="pubs/init.sls", saltenv="base", loc=0)["data"]
    for saltenv in ("base", "..", "/", "../../.."):
        told = liar.says("_serve_file", path=path, saltenv=saltenv, loc=0)
        assert not (told or {}).get("data"), told
        assert not (liar.says("_file_find", path=path, saltenv=saltenv) or {}).get("path")


@pytest.mark.parametrize(
    "asked",
    [
        {"ext": {"git": f"x --upload-pack=touch${{IFS}}/tmp/{MARK} ssh://x"}},
        {"ext": {"virtkey": {}}, "extra_minion_data": {"vm": MARK}},
        {"ext": {"cmd_yaml": f"touch /tmp/{MARK}"}},
        {"pillarenv": f"../../{MARK}"},
        {"saltenv": f"../../{MARK}"},
        {"pillar_override": {"x": {"__cli": MARK}}, "pillarenv": f"/tmp/{MARK}"},
    ],
    ids=str,
)
def test_no_pillar_runs_or_writes_anything(asked: dict[str, Any], liar: LyingNode, master: Master) -> None:
    """CVE-2025-22237, -22238, -22241: on-demand pillars ran git, and the minion could choose the name of the cache's file."""
    load = {"grains": {"id": VICTIM, "os": "Debian"}, "saltenv": "base", "pillarenv": None, "ver": "2", "ext": None}
    liar.says("_pillar", **load | asked)
    assert written(master) == ""
    assert not Path("/tmp", MARK).exists()


def test_a_pillar_is_sealed_for_the_node_that_asks(liar: LyingNode, victim: LyingNode) -> None:
    """Whatever its grains say, the answer's key is encrypted for the authenticated id, and signed with the request's nonce."""
    load = {"grains": {"id": VICTIM}, "saltenv": "base", "pillarenv": None, "ver": "2"}
    told = liar.send(liar.sealed(liar.load("_pillar", **load)))
    own = liar.auth.get_keys()
    key = own.decrypt(told["key"], "OAEP-SHA224")
    assert VICTIM.encode() not in salt.crypt.Crypticle(liar.opts, key.decode()).loads(told["pillar"])["data"]
    with pytest.raises(Exception, match=r"(?i)decrypt"):
        victim.auth.get_keys().decrypt(told["key"], "OAEP-SHA224")


@pytest.mark.parametrize(
    "cmd", ["minion_pub", "minion_publish", "minion_runner", "pub_ret", "revoke_auth", "_mine_get"]
)
def test_no_node_acts_on_others(cmd: str, liar: LyingNode, master: Master, heard: Callable[[], list[str]]) -> None:
    """CVE-2025-22236, CVE-2025-22242: no publishing to others, no runners, other jobs' returns, keys or other nodes' mines."""
    said = {
        "fun": "test.ping",
        "arg": [],
        "tgt": "*",
        "ret": "",
        "tmo": 5,
        "jid": "../../.root_key",
        "tgt_type": "glob",
    }
    assert liar.says(cmd, **said) == {}
    assert not [tag for tag in heard() if tag.startswith(("salt/job", "salt/run"))]
    assert (master.keys / "minions" / "liar").exists()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        [],
        {},
        {"enc": "aes"},
        {"enc": "aes", "load": b"x", "version": 3},
        {"enc": "clear", "load": 1, "version": 3},
    ],
    ids=str,
)
def test_nonsense_leaves_the_master_answering(payload: Any, wire: Wire, liar: LyingNode) -> None:
    """CVE-2023-20897: a malformed request could keep a worker busy for ever."""
    with contextlib.suppress(TimeoutError):
        wire.send(payload)
    for _ in range(5):
        assert wire.clear(cmd="ping") == {"cmd": "ping"}
    assert liar.says("_master_opts")["renderer"]


def test_what_is_published_bears_the_masters_signature(master: Master) -> None:
    """CVE-2022-22934, CVE-2022-22936: every node has the secret that publishes are encrypted with, so they must be signed."""
    went = opts(master)
    assert (went["sign_pub_messages"], went["publish_signing_algorithm"]) == (True, "PKCS1v15-SHA224")
