"""The beacon as Salt's own loader gives it to a minion."""

import shutil
from pathlib import Path

import pytest
import salt.beacons
import salt.config
import salt.loader

BEACONS = Path(__file__).resolve().parents[2] / "beacons"


@pytest.fixture
def opts(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = dict(salt.config.minion_config(None))
    found |= {
        "id": "beacon-test",
        "root_dir": str(tmp_path),
        "cachedir": str(tmp_path / "cache"),
        "extension_modules": str(tmp_path / "extmods"),
        "saltcellar": {"data": str(tmp_path / "data")},
        "pillar": {
            "saltcellar": {"node": "beacon-test", "service": {"url": "http://127.0.0.1:9", "token": "t"}, "bots": {}}
        },
    }
    shutil.copytree(BEACONS, tmp_path / "extmods" / "beacons")
    return found


@pytest.fixture
def config():
    return {"pub_health": [{"heartbeat": 60}]}


@pytest.fixture
def beacons(opts):
    return salt.beacons.Beacon(opts, salt.loader.minion_mods(opts))


def test_fires_a_cloudevent_that_names_docker_as_down(beacons, config):
    (fired,) = beacons.process(config, {})
    assert fired["tag"] == "salt/beacon/beacon-test/pub_health/report"
    event = fired["data"]["event"]
    assert event["specversion"] == "1.0"
    assert event["type"] == "nz.butt.saltcellar.pub.health"
    assert event["source"] == "beacon-test"
    assert event["data"]["bots"] == []
    assert "Docker is not answering" in event["data"]["node"]["error"]


def test_is_quiet_until_the_heartbeat(beacons, config):
    assert beacons.process(config, {})
    assert beacons.process(config, {}) == []
    assert beacons.process(config, {}) == []


def test_a_refresh_loads_no_other_beacon_into_the_minion(opts, config):
    opts["beacons"] = config | {"bundled": [{"interval": 5}]}
    beacons = salt.beacons.Beacon(opts, salt.loader.minion_mods(opts))
    beacons.process(opts["beacons"], {})
    beacons.close_beacons()
    assert beacons.beacons.loaded_modules == {"pub_health", "bundled"}


@pytest.mark.parametrize("heartbeat", [0, -1, "soon", True, None])
def test_a_heartbeat_that_is_none_is_refused(beacons, config, heartbeat):
    config["pub_health"][0]["heartbeat"] = heartbeat
    assert beacons.process(config, {}) == []
    valid, why = beacons.beacons["pub_health.validate"](config["pub_health"])
    assert not valid
    assert "heartbeat" in why
