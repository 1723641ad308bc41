"""A bot in the pillar becomes a living pub, and nothing is done twice."""

import json
import stat

from masterless import changed, failed

from pillar_service.core.jobs import outcomes

SEED = f"net:pub.example:8008~shs:{'A' * 43}="


def test_pours_a_pub_and_changes_nothing_the_second_time(node):
    bot = node.add("my", memory_mb=128)

    poured = node.apply()

    assert failed(poured) == {}
    told = poured[f"{bot} alive"]["pub"]
    assert told["pub_id"].endswith("=.ed25519")
    assert set(told) == {"pub_id", "sequence", "version", "peers", "follows"}
    assert changed(node.apply()) == {}
    planned = node.apply("test=True")
    assert changed(planned) == {}
    assert {state["result"] for state in planned.values()} == {True}


def test_the_container_is_held_tight(node):
    bot = node.add("my", memory_mb=128, seeds=[SEED])

    assert failed(node.apply()) == {}

    container = node.container(bot)
    assert container.attrs["RestartCount"] == 0
    host = container.attrs["HostConfig"]
    assert container.name == f"my-{bot}"
    assert host["Memory"] == host["MemorySwap"] == 128 << 20
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Init"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] == "saltcellar"
    port = node.bots[bot]["port"]
    assert host["PortBindings"] == {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port)}]}
    labels = {key: value for key, value in container.labels.items() if key.startswith("saltcellar.")}
    labels.pop("saltcellar.source")
    assert len(labels.pop("saltcellar.told")) == 64
    assert labels == {
        "saltcellar.node": node.id,
        "saltcellar.bot": bot,
        "saltcellar.name": "my",
        "saltcellar.host": "127.0.0.1",
    }
    folder = (node.data / "bots" / bot).stat()
    assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode)) == (1000, 1000, 0o700)
    config = node.data / "configs" / f"{bot}.json"
    assert config.stat().st_uid == 0
    written = json.loads(config.read_text())
    assert written["connections"]["incoming"]["net"][0]["port"] == port
    assert written["seeds"] == [SEED]
    assert container.exec_run("sh -c 'echo > /home/node/.ssb/config'").exit_code != 0


def test_a_plan_is_true_and_does_nothing(node):
    bot = node.add()

    plan = node.apply("test=True")

    assert failed(plan) == {}
    assert {key for key, state in plan.items() if state["result"] is None} >= {
        f"{bot} {part}" for part in ("dir", "config", "container", "alive")
    }
    assert node.container(bot) is None
    assert not node.data.exists()


def test_stops_and_starts_the_same_pub(node):
    bot = node.add()
    before = node.apply()[f"{bot} alive"]["pub"]["pub_id"]

    node.change(bot, state="stopped")
    stopped = node.apply()
    assert failed(stopped) == {}
    assert node.container(bot).status == "exited"
    assert changed(node.apply()) == {}

    node.change(bot, state="running")
    started = node.apply()
    assert started[f"{bot} alive"]["pub"]["pub_id"] == before
    assert started[f"{bot} container"]["changes"]["state"] == {"old": "stopped", "new": "running"}


def test_stopped_before_it_ever_ran_makes_nothing(node):
    bot = node.add(state="stopped")
    assert changed(node.apply()).keys() <= {"masterless states", "pubs directories", "pubs network"}
    assert node.container(bot) is None


def test_a_changed_configuration_reaches_the_pub_and_keeps_its_identity(node):
    bot, other = node.add("one"), node.add("two")
    before = node.apply()
    untouched = node.container(other).id

    node.change(bot, host="pub.example.org", memory_mb=160)
    plan = node.apply("test=True")
    assert plan[f"{bot} container"]["result"] is None
    after = node.apply()

    assert set(changed(after)) == {f"{bot} config", f"{bot} container"}
    assert after[f"{bot} alive"]["pub"]["pub_id"] == before[f"{bot} alive"]["pub"]["pub_id"]
    assert node.call("pubs.info", bot)["external"] == "pub.example.org"
    assert node.container(bot).attrs["HostConfig"]["Memory"] == 160 << 20
    assert node.container(other).id == untouched


def test_a_configuration_written_over_by_hand_is_put_right_in_the_pub_too(node):
    bot = node.add()
    node.apply()
    first = node.container(bot).id
    (node.data / "configs" / f"{bot}.json").write_text("{}")

    assert failed(node.apply()) == {}

    assert node.container(bot).id != first
    assert node.call("pubs.info", bot)["external"] == "127.0.0.1"


def test_a_return_is_split_per_bot_as_the_service_does(node):
    bot = node.add()
    returned = node.call("state.apply", "pubs")
    outcome = outcomes.of_bot(returned, bot)
    assert outcome.succeeded
    assert outcome.result["pub_id"].endswith(".ed25519")
