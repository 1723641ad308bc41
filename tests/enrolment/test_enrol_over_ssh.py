"""nodes.enrol with a real sshd, the system's ssh, and the service's own enrol.sh."""

import contextlib
import importlib.util
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from machine import TOP, Machine
from sshd import Sshd

from pillar_service.master import ssh
from pillar_service.master.client import Client

GOT_IN = "no Python 3.11"
"""enrol.sh's error after `no_python`: proof that somebody was let in, without waiting for a whole enrolment."""

NOT_ROOT = '#!/bin/sh\n[ "${1:-}" = -u ] && echo 1000\n'


@pytest.fixture
def sshd(machine: Machine, tmp_path: Path) -> Iterator[Sshd]:
    """The machine's SSH server; programs in the machine's folder ``bin`` come first on its PATH."""
    told = machine.environment | {"PATH": f"{machine.bin}:{os.environ['PATH']}"}
    del told["CELLAR_ENROL_NAME"]
    made = Sshd(tmp_path / "ssh", told)
    made.start()
    yield made
    made.daemon.stop()


@pytest.fixture
def heard(machine: Machine) -> Iterator[None]:
    """Lets the service count each new node as heard of at once."""
    machine.happens(
        "CREATE TRIGGER heard AFTER INSERT ON node BEGIN UPDATE node SET last_seen = 4e9 WHERE id = NEW.id; END"
    )
    yield
    machine.happens("DROP TRIGGER heard")


def no_python(machine: Machine) -> None:
    """Makes enrol.sh fail early."""
    machine.python.write_text("#!/bin/sh\nexit 1\n")


def enrol(machine: Machine, sshd: Sshd, **changed: Any) -> dict[str, Any]:
    """Runs the runner; returns its result."""
    spec = importlib.util.spec_from_file_location("runner_nodes", TOP / "runners/nodes_enrolment.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    runner.__opts__ = {"saltcellar": {"url": machine.service.url, "token_file": str(machine.service.token_file)}}
    told = {"account": "ann@example.org", "name": machine.name, "user": sshd.user, "port": sshd.port}
    told |= {"identity": str(sshd.key), "known_hosts": str(sshd.known_hosts), "environment": "prd", "wait": 300}
    return runner.enrol(**{"host": "127.0.0.1"} | told | changed)


def usable(machine: Machine) -> set[str]:
    """The ids of usable tokens."""
    return {str(one["id"]) for one in machine.operator.enrolment_tokens() if one["state"] == "open"}


def fault(machine: Machine, sshd: Sshd, **changed: Any) -> str:
    """Runs the runner, which must fail and leave no usable token; returns its sentence."""
    before = usable(machine)
    told = enrol(machine, sshd, **changed)
    assert told.get("retcode") == 1, told
    assert "\n" not in told["error"]
    assert usable(machine) == before
    return str(told["error"])


def look(seen: set[str], done: threading.Event) -> None:
    """Collects all command lines of this machine until done."""
    while not done.wait(0.02):
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))


@contextlib.contextmanager
def commands_seen() -> Iterator[set[str]]:
    """Collects all command lines meanwhile."""
    seen: set[str] = set()
    done = threading.Event()
    looking = threading.Thread(target=look, args=(seen, done))
    looking.start()
    try:
        yield seen
    finally:
        done.set()
        looking.join()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secret of each token that is made; it is kept nowhere else."""
    made: list[str] = []
    original = Client.enrolment_token

    def noted(client: Client, told: Any) -> Any:
        token = original(client, told)
        made.append(token["secret"])
        return token

    monkeypatch.setattr(Client, "enrolment_token", noted)
    return made


@pytest.mark.usefixtures("heard")
def test_a_machine_becomes_a_node_and_stays_one(
    machine: Machine, sshd: Sshd, secrets: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with commands_seen() as seen:
        told = enrol(machine, sshd)
    shown = capfd.readouterr().err
    assert told.get("changed") is True, told
    node = told["node"]
    assert node.startswith(f"{machine.name}.")
    assert f"is enrolled as the node {node}" in told["said"]
    assert machine.key_state(node) == "accepted"
    assert next(one["labels"] for one in machine.operator.nodes() if one["id"] == node) == {"environment": "prd"}
    assert any("exec sh -s" in line for line in seen), "it looked"
    files = [path for path in (*machine.root.rglob("*"), *machine.service.folder.glob("*.out")) if path.is_file()]
    written = "".join(path.read_text(errors="replace") for path in files)
    assert secrets[0] not in "".join(seen) + sshd.log() + written + str(told) + shown
    for step in ("checks whether", "runs enrol.sh", "  software ", "  started ", "waits until the service"):
        assert f"127.0.0.1: {step}" in shown, shown

    runs, tokens = machine.sh(f"{machine.launcher} status").stdout, machine.operator.enrolment_tokens()
    again = enrol(machine, sshd, known_hosts=None, fingerprint=sshd.fingerprint)
    assert (again.get("node"), again.get("changed")) == (node, False), again
    assert "already" in again["said"]
    assert machine.sh(f"{machine.launcher} status").stdout == runs, "it was not even restarted"
    assert machine.operator.enrolment_tokens() == tokens

    (machine.root / "etc/saltcellar/pki/minion.pub").write_text("the key of another machine")
    no_python(machine)
    assert GOT_IN in fault(machine, sshd), "a name alone makes no node"


def test_an_unknown_or_another_host_key_is_refused(machine: Machine, sshd: Sshd, tmp_path: Path) -> None:
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.touch()
    unknown = fault(machine, sshd, known_hosts=str(empty))
    assert "is not known" in unknown
    assert f"give fingerprint={sshd.fingerprint}" in unknown
    key = Path(f"{sshd.new_key('other_key')}.pub").read_text()
    other.write_text(f"[127.0.0.1]:{sshd.port} {key}")
    assert "is not the one that is known" in fault(machine, sshd, known_hosts=str(other))
    wrong = fault(machine, sshd, known_hosts=None, fingerprint="SHA256:" + "A" * 43)
    assert f"but {sshd.fingerprint}" in wrong
    assert empty.read_text() == ""
    assert "Accepted publickey" not in sshd.log(), "and nobody got in"


def test_a_machine_that_is_not_reached_is_said(machine: Machine, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no machine called nowhere.invalid" in fault(machine, sshd, host="nowhere.invalid")
    assert "refuses connections" in fault(machine, sshd, port=9)
    monkeypatch.setitem(ssh.OPTIONS, "ConnectTimeout", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not answer in time" in fault(machine, sshd, port=silent.getsockname()[1])
    assert "is not a machine's name" in fault(machine, sshd, host="-oProxyCommand=id")
    assert "wait is a number" in fault(machine, sshd, wait="soon")
    assert "There is no file" in fault(machine, sshd, identity="/nowhere/key")
    assert machine.left() == []


def test_a_key_that_does_not_fit_is_said_and_the_agent_s_fits(
    machine: Machine, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "none of the keys" in fault(machine, sshd, identity=str(sshd.new_key("stranger")))
    closed = sshd.folder / "closed"
    closed.write_bytes(sshd.key.read_bytes())
    closed.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "pass phrase", "-f", closed], check=True, capture_output=True)
    assert "one with a pass phrase needs the agent" in fault(machine, sshd, identity=str(closed))
    no_python(machine)
    agent = f"{sshd.folder}/agent"
    running = subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL)
    try:
        while not Path(agent).exists():
            time.sleep(0.02)
        monkeypatch.setenv("SSH_AUTH_SOCK", agent)
        assert "none of the keys" in fault(machine, sshd, identity=None)
        subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
        assert GOT_IN in fault(machine, sshd, identity=None)
    finally:
        running.terminate()
        running.wait()


def test_who_is_not_root_needs_a_sudo_that_asks_nothing(machine: Machine, sshd: Sshd) -> None:
    no_python(machine)
    (machine.bin / "id").write_text(NOT_ROOT)
    (machine.bin / "id").chmod(0o755)
    sudo = machine.bin / "sudo"
    for program, said in (
        ("echo 'sudo: a password is required' >&2; exit 1", "for a password"),
        ("echo 'sudo: no valid sudoers sources found, quitting' >&2; exit 1", "no valid sudoers"),
        ('[ "$1" = -n ] && shift && exec "$@"', GOT_IN),
    ):
        sudo.write_text(f"#!/bin/sh\n{program}\n")
        sudo.chmod(0o755)
        assert said in fault(machine, sshd)


def test_what_the_script_says_is_told(machine: Machine, sshd: Sshd) -> None:
    no_python(machine)
    failed = fault(machine, sshd)
    assert "enrol.sh failed" in failed
    assert GOT_IN in failed
    assert machine.left() == []


def test_a_service_that_the_machine_can_not_reach_is_said(machine: Machine, sshd: Sshd) -> None:
    curl = machine.bin / "curl"
    curl.write_text("#!/bin/sh\necho 'curl: (7) Failed to connect' >&2\nexit 7\n")
    curl.chmod(0o755)
    said = fault(machine, sshd)
    assert "can't fetch http" in said
    assert "Failed to connect" in said


def test_what_a_machine_says_does_nothing_here(
    machine: Machine, sshd: Sshd, secrets: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """A machine knows its token and may print it, write without end, or send control sequences to the terminal."""
    curl = machine.bin / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\033[31m\\n" "$CELLAR_ENROL_TOKEN" >&2\nexit 7\n')
    curl.chmod(0o755)
    told = fault(machine, sshd)
    shown = capfd.readouterr().err
    assert "…" in shown
    assert "…" in told
    assert secrets[0] not in told + shown
    assert "\033" not in told + shown
    curl.write_text(f"#!/bin/sh\nyes {'y' * 400} >&2\n")
    assert "says too much" in fault(machine, sshd)


def test_a_script_that_hangs_is_given_up(machine: Machine, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillar_service.master.enrolling.WAIT_S", (1.0, 7200.0))
    curl = machine.bin / "curl"
    curl.write_text("#!/bin/sh\nexec sleep 20\n")
    curl.chmod(0o755)
    assert "was not done within" in fault(machine, sshd, wait=1)
