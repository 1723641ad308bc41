"""Scaleway by libcloud's driver, and what that driver lacks: today's zones, user data, a second volume.

A server is made, gets its volume and its user data, and only then runs; so one that has not run is known to be
half-made.
"""

import json
import sys
from typing import Any

from libcloud.compute.drivers.scaleway import ScalewayConnection, ScalewayNodeDriver
from libcloud.compute.types import NodeState

from pillar_service.clouds.compute import TIMEOUT_S, Compute
from pillar_service.clouds.provider import Machine
from pillar_service.clouds.saying import sentences
from pillar_service.core.errors import Invalid
from pillar_service.core.nodes.machine_orders import Wish

HOST = "api.scaleway.com"
MOST_PAGES = 20
PER_PAGE = 100


class _Connection(ScalewayConnection):
    """Allows requests of another type than JSON; `connection` has checked before that the address is safe."""

    allow_insecure = True

    def add_default_headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {**super().add_default_headers({}), **headers}


class _Driver(ScalewayNodeDriver):
    connectionCls = _Connection  # noqa: N815  (libcloud's name)

    def _action(self, server_id: str, action: str, region: Any = None) -> bool:
        # libcloud starts what it makes at once, but ours has neither its volume nor its user data by then.
        return True if action == "poweron" else bool(super()._action(server_id, action, region))

    def ex_start(self, node: Any) -> None:
        super()._action(node.id, "poweron")

    def ex_named(self, what: str, name: str) -> list[dict[str, Any]]:
        """The servers or volumes of exactly that name; Scaleway's own filter also finds longer names."""
        found = self.connection.request(f"/{what}", params={"name": name, "per_page": PER_PAGE}).object[what]
        return [one for one in found if one["name"] == name]

    def ex_size(self, id: str) -> Any:
        """A size, or None if there is none of that name; libcloud can't join the pages of a mapping."""
        for page in range(1, MOST_PAGES):
            asked = {"per_page": PER_PAGE, "page": page}
            servers = self.connection.request("/products/servers", params=asked).object["servers"]
            if id in servers:
                size = self._to_size(id, servers[id], {"availability": ""})
                # Without local volumes the API gives no limit, which libcloud would take for 0 GB.
                size.extra["max_disk"] = size.extra["max_disk"] or sys.maxsize
                return size
            if not servers:
                break
        return None

    def ex_change(self, node: Any, told: dict[str, Any]) -> None:
        self.connection.request(f"/servers/{node.id}", method="PATCH", data=json.dumps(told))

    def ex_user_data(self, node: Any, text: str) -> None:
        headers = {"Content-Type": "text/plain"}
        address = f"/servers/{node.id}/user_data/cloud-init"
        self.connection.request(address, method="PATCH", data=text, headers=headers)

    def destroy_node(self, node: Any) -> bool:
        if node.state not in (NodeState.STOPPED, None):
            return bool(super().destroy_node(node))
        # Only a running server can be terminated. A stopped one's volumes would stay: under our tag they are found and
        # go later.
        for volume in node.extra["volumes"].values():
            told = json.dumps({"name": node.name})
            self.connection.request(f"/volumes/{volume['id']}", method="PATCH", data=told)
        return bool(self.connection.request(f"/servers/{node.id}", method="DELETE").success())


class Scaleway(Compute):
    """Machines at Scaleway."""

    def _made(self, where: dict[str, Any]) -> Any:
        account = self._account
        if not account.zone:
            raise Invalid("Scaleway's machines need a zone: set CELLAR_CLOUD_ZONE, for example to fr-par-1.")
        driver = _Driver(account.key, account.secret, **({"host": HOST} | where), timeout=TIMEOUT_S)
        driver.connection.request_path = f"/instance/v1/zones/{account.zone}"
        return driver

    def _nodes(self, tag: str) -> list[Any]:
        return [self._driver._to_node(server) for server in self._driver.ex_named("servers", tag)]

    def _volumes(self, tag: str) -> list[Any]:
        return [self._driver._to_volume(volume) for volume in self._driver.ex_named("volumes", tag)]

    def _has_run(self, node: Any) -> bool:
        return bool(node.state != NodeState.STOPPED)

    def _size(self, id: str) -> Any:
        return self._driver.ex_size(id) or self._named([], id, "size")

    def _create(self, wish: Wish, size: Any, image: Any, user_data: str) -> Any:
        return self._driver.create_node(wish.tag, size, image, ex_tags=["saltcellar"])

    def start(self, machine: Machine, wish: Wish, user_data: str | None) -> None:
        with sentences(self._account):
            if machine.has_run or user_data is None:
                return
            node, volumes = machine.handle, dict(machine.handle.extra["volumes"])
            volume = self._volume(wish)
            if volume is not None and volume.id not in {one["id"] for one in volumes.values()}:
                volumes["1"] = {"id": volume.id, "name": volume.name}
            named = {slot: {"id": one["id"], "name": one["name"]} for slot, one in volumes.items()}
            self._driver.ex_change(node, {"volumes": named, "dynamic_ip_required": True})
            self._driver.ex_user_data(node, user_data)
            self._driver.ex_start(node)
