"""Starting, stopping, crashing, hanging, and what the log says about it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from pillar_service.node import pulses


@pytest.fixture
def own_pub(new_pub):
    pub = new_pub().start()
    pub.wait_up()
    yield pub
    pub.container.remove(force=True)


def own_mib(pub):
    # Without page cache, which is charged to the first container that reads node's libraries. Names of cgroup v1 and v2.
    stats = pub.container.stats(stream=False)["memory_stats"]["stats"]
    return stats.get("total_rss", stats.get("anon")) / 2**20


def peak_mib(pub):
    status = Path(f"/proc/{pub.node_pid()}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def seen_by_the_node(pub):
    pub.container.reload()
    return pulses.health(pub.container.attrs)


def test_pub_becomes_healthy_and_is_small(own_pub, wait_until):
    wait_until(lambda: seen_by_the_node(own_pub) == "healthy", 25)
    assert 5 < own_mib(own_pub) < 40


def test_stop_is_quick_and_clean(own_pub):
    start = time.monotonic()
    own_pub.container.stop(timeout=10)
    assert time.monotonic() - start < 2
    assert own_pub.state()["ExitCode"] == 0
    assert "stopping on SIGTERM" in own_pub.logs()


# The image's own health check, run more often.
OFTEN = {"interval": 2 * 10**9, "timeout": 5 * 10**9, "retries": 2, "start_period": 10**9}
CLOSE_THE_PORT = """
require('/pub/start.js')
const { Server } = require('net')
const doors = () => process._getActiveHandles().filter((it) => it instanceof Server && it.address().port)
process.on('SIGUSR2', () => doors().forEach((door) => door.close()))
"""


@pytest.mark.slow
def test_hung_pub_is_unhealthy_until_it_goes_on(new_pub, wait_until):
    pub = new_pub().start(healthcheck=OFTEN)
    wait_until(lambda: pub.health() == "healthy", 20)
    os.kill(pub.node_pid(), signal.SIGSTOP)
    wait_until(lambda: pub.health() == "unhealthy", 40)
    os.kill(pub.node_pid(), signal.SIGCONT)
    wait_until(lambda: pub.health() == "healthy", 20)


@pytest.mark.slow
def test_pub_with_a_closed_port_is_unhealthy(new_pub, wait_until):
    pub = new_pub().start(healthcheck=OFTEN, command=["node", "-e", CLOSE_THE_PORT])
    wait_until(lambda: pub.health() == "healthy", 20)
    os.kill(pub.node_pid(), signal.SIGUSR2)
    wait_until(lambda: pub.health() == "unhealthy", 40)
    assert pub.is_up()


@pytest.mark.slow
def test_a_pulse_that_stops_is_seen_by_the_node_before_docker_looks(new_pub, wait_until):
    pub = new_pub().start(command=["node", "-e", CLOSE_THE_PORT])
    wait_until(lambda: seen_by_the_node(pub) == "healthy", 20)
    os.kill(pub.node_pid(), signal.SIGUSR2)
    wait_until(lambda: seen_by_the_node(pub) == "unhealthy", 60)
    assert pub.is_up()
    assert pub.health() == "starting"


def test_killed_pub_comes_back_as_itself(own_pub, wait_until):
    before, invite = own_pub.get("/info"), own_pub.invite(7, "kept")
    os.kill(own_pub.node_pid(), signal.SIGKILL)
    wait_until(lambda: own_pub.state()["Running"] and own_pub.container.attrs["RestartCount"] == 1, 20)
    assert own_pub.wait_up()["id"] == before["id"]
    assert own_pub.entry(invite)["note"] == "kept"


def test_restart_keeps_identity_ledger_and_messages(own_pub, new_peer):
    ann, bob, invite = new_peer(), new_peer(), own_pub.invite(2)
    assert "error" not in ann("accept", invite["code"], "publish", "before the restart")[-1]
    before, ledger = own_pub.get("/info"), own_pub.get("/invites")
    own_pub.container.remove(force=True)
    after = own_pub.start().wait_up()
    kept = ("id", "sequence", "follows", "feeds")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert own_pub.get("/invites") == ledger
    ann_id = ann.id
    lines = bob("accept", invite["code"], "follow", ann_id, "wait", "before the restart", ann_id)
    assert "error" not in lines[-1]


def test_limit_of_memory_stands_200_messages_and_several_peers(own_pub, new_peer):
    peers, invite = [new_peer() for _ in range(3)], own_pub.invite(3)
    runs = [peer.begin("accept", invite["code"], "many", 200, "flood", "stay", 1) for peer in peers]
    said = [peer.end(run)[-1] for peer, run in zip(peers, runs, strict=True)]
    assert [line["command"] for line in said if "error" not in line] == ["stay"] * 3
    assert own_pub.state()["OOMKilled"] is False
    assert own_pub.container.attrs["RestartCount"] == 0
    assert own_pub.get("/info")["feeds"] == 4
    assert peak_mib(own_pub) < 160


def test_two_pubs_on_one_bridge_do_not_find_each_other(new_pub):
    pubs = [new_pub(), new_pub()]
    for pub in pubs:
        pub.write_config(gossip={"local": True}, local=True)
        pub.start().wait_up()
    time.sleep(4)
    for pub in pubs:
        assert pub.get("/peers") == []
        udp = pub.container.exec_run(["cat", "/proc/net/udp"]).output.decode().splitlines()
        assert len(udp) == 1, udp


def test_socket_left_by_a_crash_is_taken_over(new_pub):
    pub = new_pub()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(pub.data / "control.sock"))
    assert pub.start().wait_up()["sequence"] == 0


def test_second_pub_on_the_same_data_does_not_run(own_pub, new_pub):
    second = new_pub()
    second.data = own_pub.data
    second.start(restart_policy={"Name": "no"})
    assert second.container.wait(timeout=20)["StatusCode"] == 1
    assert own_pub.get("/invites") == []


def test_exception_is_logged_and_ends_the_pub(new_pub):
    pub = new_pub()
    pub.start(
        restart_policy={"Name": "no"},
        command=[
            "node",
            "-e",
            "setTimeout(() => { throw new Error('bang') }, 1500); require('/pub/start.js')",
        ],
    )
    assert pub.container.wait(timeout=20)["StatusCode"] == 1
    assert "bang" in pub.logs()


def refused(pub):
    pub.start(restart_policy={"Name": "no"})
    assert pub.container.wait(timeout=20)["StatusCode"] == 78
    return pub.logs()


@pytest.mark.parametrize("text", [None, "{", "{}", '{"connections": {"incoming": {"net": [{"port": 1}]}}}'])
def test_config_that_cannot_be_used_is_named(new_pub, text):
    pub = new_pub()
    (pub.data / "config").unlink()
    if text is not None:
        (pub.data / "config").write_text(text)
    assert "/home/node/.ssb/config" in refused(pub)


def test_secret_without_its_messages_is_refused(own_pub, new_pub):
    own_pub.container.stop(timeout=5)
    copy = new_pub()
    secret = copy.data / "secret"
    secret.write_bytes((own_pub.data / "secret").read_bytes())
    os.chown(secret, 1000, 1000)
    assert "Import flume/log.offset" in refused(copy)
    assert not (copy.data / "flume").exists()


def as_told(pub, pub_id):
    """Write the pub's identity into its configuration, as its node does."""
    pub.write_config(saltcellar={"name": "my", "pub_id": pub_id})
    return pub


def test_pub_whose_identity_is_gone_makes_no_other(own_pub, new_pub):
    known, empty = own_pub.get("/info")["id"], new_pub()
    assert f"should be {known}, but no identity is there" in refused(as_told(empty, known))
    empty.container.remove()
    (empty.data / "unpublished").write_text("")
    (empty.data / "secret").write_text('{"curve": "ed255')
    assert f"should be {known}" in refused(empty)
    assert (empty.data / "secret").read_text() == '{"curve": "ed255'


def test_pub_with_the_data_of_another_does_not_start(own_pub):
    known = own_pub.get("/info")["id"]
    own_pub.container.remove(force=True)
    other = "@" + "A" * 43 + "=.ed25519"
    assert f"should be {other}, but it is {known}" in refused(as_told(own_pub, other))
    own_pub.container.remove()
    assert as_told(own_pub, known).start().wait_up()["id"] == known


def test_secret_that_was_cut_off_at_the_first_start_is_made_anew(new_pub):
    pub = new_pub()
    for name, text in (("unpublished", ""), ("secret", '{"curve": "ed255')):
        (pub.data / name).write_text(text)
        os.chown(pub.data / name, 1000, 1000)
    assert pub.start().wait_up()["id"]


def test_log_tells_no_secret(own_pub, new_peer):
    invite = own_pub.invite()
    assert "error" not in new_peer()("use", invite["code"])[0]
    own_pub.restart()
    secret = (own_pub.data / "secret").read_text().split('"private": "')[1].split('"')[0]
    log = own_pub.logs()
    assert "control: ready" in log
    assert secret[:40] not in log
    assert invite["code"].split("~")[1] not in log


@pytest.fixture
def small_disk(new_pub):
    """A pub whose data directory is a file system of 6 MB."""
    pub = new_pub()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6M,uid=1000,gid=1000", "image-test", pub.data], check=True)
    pub.write_config()
    yield pub
    pub.container.remove(force=True)
    subprocess.run(["umount", pub.data], check=True)


def test_full_disk_refuses_and_loses_nothing(small_disk):
    small_disk.start().wait_up()
    kept = small_disk.invite(1, "before")
    fill = small_disk.data / "fill"
    with pytest.raises(OSError, match="No space"):
        fill.write_bytes(bytes(6 * 2**20))
    with fill.open("ab", buffering=0) as rest, contextlib.suppress(OSError):
        while rest.write(bytes(64)):
            pass
    status, answer = small_disk.ask("POST", "/invites", {"uses": 1, "note": "x" * 200})
    assert (status, answer["error"]) == (507, "The disk of this pub is full: make room, then try again.")
    assert [entry["id"] for entry in small_disk.get("/invites")] == [kept["id"]]
    fill.unlink()
    after = small_disk.invite(1, "after")
    small_disk.restart()
    assert [entry["id"] for entry in small_disk.get("/invites")] == [kept["id"], after["id"]]
