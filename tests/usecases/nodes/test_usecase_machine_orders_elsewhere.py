"""Machines at other providers, with libcloud's own driver for tests."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from enrolling import enrol, master_is_there
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.compute.base import NodeDriver, StorageVolume
from libcloud.compute.drivers.dummy import DummyNodeDriver
from libcloud.compute.providers import set_driver
from libcloud.compute.types import NodeState, StorageVolumeState

from pillar_service.clouds.compute import connection
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes import machine_orders as rules
from pillar_service.usecases.nodes import building, machine_orders


class Remembering(DummyNodeDriver):
    """The dummy driver, extended to keep names and to have user data and volumes, as other drivers do."""

    volumes: list[StorageVolume]

    def __init__(self, creds: str) -> None:
        super().__init__(creds)
        self.volumes, self.raises = [], []

    def list_nodes(self) -> list[Any]:
        if self.raises:
            raise self.raises.pop()
        return list(super().list_nodes())

    def create_node(self, name: str, size: Any, image: Any, ex_userdata: str) -> Any:
        made = super().create_node(name, size, image)
        made.name, made.state, made.extra = name, NodeState.PENDING, {"user_data": ex_userdata, "size": size.name}
        return made

    def create_volume(self, size: int, name: str, location: Any = None, snapshot: Any = None) -> StorageVolume:
        made = StorageVolume(str(len(self.volumes)), name, size, self, state=StorageVolumeState.AVAILABLE)
        self.volumes.append(made)
        return made

    def list_volumes(self) -> list[StorageVolume]:
        return list(self.volumes)

    def attach_volume(self, node: Any, volume: StorageVolume, device: str | None = None) -> bool:
        if volume.state == StorageVolumeState.CREATING:
            raise BaseHTTPError(400, "IncorrectState: it is not 'available'.")
        assert (node.state, volume.state, device) == (NodeState.RUNNING, StorageVolumeState.AVAILABLE, "/dev/vdb")
        volume.state = StorageVolumeState.INUSE
        return True

    def destroy_volume(self, volume: StorageVolume) -> bool:
        self.volumes.remove(volume)
        return True


set_driver("remembering", __name__, "Remembering")


@pytest.fixture
def provider(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the place's provider."""

    def choose(name: str) -> None:
        told = {"": name, "_KEY": "0", "_SECRET": "a-secret", "_SIZE": "Small", "_IMAGE": "1"}
        for word, value in told.items():
            monkeypatch.setenv(f"CELLAR_CLOUD{word}", value)
        service()
        building._asked.cache_clear()
        master_is_there()

    return choose


def driver() -> Any:
    order = machine_orders.listed()[0]
    return building._cloud(machine_orders.found(order["id"]))._driver


def ordered() -> str:
    return str(machine_orders.create("test", "rack-1", volume_gb=5)["id"])


def go(at: float = 0.0) -> None:
    while building.step(time.time() + at):
        pass


def test_a_machine_is_made_gets_its_volume_when_it_runs_enrols_and_goes(provider):
    provider("remembering")
    id = ordered()
    go()
    assert machine_orders.show(id)["state"] == "making"
    assert "is not running yet" in machine_orders.show(id)["fault"]
    node = driver().nl[-1]
    assert (node.name, node.extra["size"]) == (f"saltcellar-{id}", "Small")
    node.state = NodeState.RUNNING
    go(10)
    assert (machine_orders.show(id)["state"], len(driver().nl), len(driver().volumes)) == ("booting", 3, 1)
    [token] = re.findall(r"CELLAR_ENROL_TOKEN=(\S+)", node.extra["user_data"])
    enrol(token, "rack-1")
    go(20)
    assert machine_orders.show(id)["state"] == "enrolled"
    machine_orders.retire("test", "rack-1")
    for at in (20, 30, rules.SETTLE_S + 60):
        go(at)
    assert machine_orders.show(id)["state"] == "retired"
    assert [one.name for one in driver().nl] == ["dummy-1", "dummy-2"]  # They are somebody else's.
    assert driver().volumes == []


def test_a_driver_that_gives_no_user_data_makes_nothing(provider):
    provider("dummy")
    id = ordered()
    go()
    assert machine_orders.show(id)["state"] == "failed"
    assert "can't pass user data" in machine_orders.show(id)["fault"]
    assert len(driver().nl) == 2


def test_a_provider_that_nobody_knows_is_told(provider):
    provider("nobody")
    id = ordered()
    go()
    assert "libcloud knows no provider 'nobody'" in machine_orders.show(id)["fault"]


@pytest.mark.parametrize(
    ("error", "state", "sentence"),
    [
        (InvalidCredsError("bad a-secret"), "failed", "refuses our key"),
        (LibcloudError("no a-secret for you"), "failed", "refused the request: no (hidden) for you"),
        (KeyError("message"), "asked", "does not answer, or not as it should (KeyError)"),
        (Exception("a-secret"), "asked", "(Exception)"),
        (TimeoutError(), "asked", "(TimeoutError)"),
    ],
)
def test_what_a_library_raises_is_told_without_the_secret(provider, caplog, error, state, sentence):
    provider("remembering")
    id = ordered()
    driver().raises.append(error)
    go()
    told = machine_orders.show(id)
    assert (told["state"], sentence in told["fault"]) == (state, True), told
    assert "a-secret" not in told["fault"] + caplog.text


def test_the_secret_never_goes_over_a_wire_that_others_can_read():
    assert connection("https://api.example.org") == {"host": "api.example.org", "port": 443, "secure": True}
    assert connection("http://127.0.0.1:81")["secure"] is False
    for address in ("http://api.example.org", "ftp://api.example.org", "api.example.org", "https://"):
        with pytest.raises(Invalid, match="https://"):
            connection(address)


def test_a_provider_without_volumes_lets_its_machines_go(provider, monkeypatch):
    provider("remembering")
    id = str(machine_orders.create("test", "rack-1", volume_gb=0)["id"])
    monkeypatch.setattr(Remembering, "list_volumes", NodeDriver.list_volumes)
    go()
    machine_orders.retire("test", "rack-1")
    for at in (10, rules.SETTLE_S + 60):
        go(at)
    assert (machine_orders.show(id)["state"], len(driver().nl)) == ("retired", 2)


def test_a_volume_that_is_still_being_made_is_waited_for(provider, monkeypatch):
    provider("remembering")
    id = ordered()
    go()
    driver().nl[-1].state = NodeState.RUNNING
    slow = StorageVolume("9", f"saltcellar-{id}", 5, driver(), state=StorageVolumeState.CREATING)
    monkeypatch.setattr(driver(), "create_volume", lambda **_: driver().volumes.append(slow) or slow)
    go(10)
    assert (machine_orders.show(id)["state"], len(driver().volumes)) == ("making", 1)
    slow.state = StorageVolumeState.AVAILABLE
    go(30)
    assert (machine_orders.show(id)["state"], slow.state) == ("booting", StorageVolumeState.INUSE)
