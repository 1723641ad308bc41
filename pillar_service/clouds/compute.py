"""Machines made through libcloud, at any provider that it knows."""

import inspect
from typing import Any
from urllib.parse import urlsplit

from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, StorageVolumeState

from pillar_service.clouds.provider import Account, Machine
from pillar_service.clouds.saying import sentences
from pillar_service.core.errors import Invalid, NotFound, Unavailable
from pillar_service.core.nodes.machine_orders import Wish

TIMEOUT_S = 20
USER_DATA = ("ex_userdata", "ex_user_data")
"""What libcloud's drivers call the user data of a new machine."""

GOING = (NodeState.STOPPING, NodeState.TERMINATED)
ATTACHED = (StorageVolumeState.INUSE, StorageVolumeState.ATTACHING)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def connection(url: str) -> dict[str, Any]:
    """The arguments that tell a driver where its API answers; raises Invalid for an address that would expose the secret."""
    if not url:
        return {}
    where = urlsplit(url)
    if not where.hostname or (where.scheme != "https" and (where.scheme != "http" or where.hostname not in LOOPBACK)):
        raise Invalid("CELLAR_CLOUD_URL must be an address that begins with https://.")
    secure = where.scheme == "https"
    return {"host": where.hostname, "port": where.port or (443 if secure else 80), "secure": secure}


class Compute:
    """A provider by its libcloud driver, which starts what it makes at once and takes the user data with it."""

    def __init__(self, account: Account, device: str) -> None:
        self._account, self._device = account, device
        with sentences(account):
            self._driver = self._made(connection(account.url))

    def _made(self, where: dict[str, Any]) -> Any:
        try:
            driver = get_driver(self._account.provider)
        except (AttributeError, ImportError) as error:
            raise Invalid(
                f"libcloud knows no provider {self._account.provider!r:.40}: correct CELLAR_CLOUD."
            ) from error
        takes = inspect.signature(driver.__init__).parameters
        zone = {"region": self._account.zone} if "region" in takes and self._account.zone else {}
        secret = {"secret": self._account.secret} if "secret" in takes else {}
        return driver(self._account.key, **secret, **zone, **where)

    def machines(self, tag: str) -> list[Machine]:
        with sentences(self._account):
            return [self._machine(node) for node in self._nodes(tag) if node.state != NodeState.TERMINATED]

    def _nodes(self, tag: str) -> list[Any]:
        return [node for node in self._driver.list_nodes() if node.name == tag]

    def _machine(self, node: Any) -> Machine:
        address = next(iter(node.public_ips or node.private_ips or ()), None)
        return Machine(str(node.id), address, self._has_run(node), node.state in GOING, node)

    def _has_run(self, node: Any) -> bool:
        return True

    def make(self, wish: Wish, user_data: str) -> Machine:
        with sentences(self._account):
            size, image = self._size(wish.size), self._image(wish.image)
            return self._machine(self._create(wish, size, image, user_data))

    def _create(self, wish: Wish, size: Any, image: Any, user_data: str) -> Any:
        takes = inspect.signature(self._driver.create_node).parameters
        word = next((word for word in USER_DATA if word in takes), None)
        if word is None:
            raise Invalid(
                f"libcloud can't pass user data to machines of {self._account.provider}, so they can't enrol."
            )
        more = {word: user_data} | self._located(takes)
        return self._driver.create_node(name=wish.tag, size=size, image=image, **more)

    def _located(self, takes: Any) -> dict[str, Any]:
        zone = self._account.zone
        if not zone or "location" not in takes or "region" in inspect.signature(self._driver.__init__).parameters:
            return {}
        return {"location": self._named(self._driver.list_locations(), zone, "location")}

    def _size(self, id: str) -> Any:
        return self._named(self._driver.list_sizes(), id, "size")

    def _image(self, id: str) -> Any:
        try:
            return self._driver.get_image(id)
        except NotImplementedError:
            return self._named(self._driver.list_images(), id, "image")

    def _named(self, known: list[Any], id: str, what: str) -> Any:
        for one in known:
            if id in (str(one.id), one.name):
                return one
        raise Invalid(f"{self._account.provider} has no {what} {id!r:.60}: correct it, then finish this order.")

    def start(self, machine: Machine, wish: Wish, user_data: str | None) -> None:
        with sentences(self._account):
            if wish.volume_gb and machine.handle.state != NodeState.RUNNING:
                raise Unavailable("The machine is not running yet: it gets its volume once it is.")
            volume = self._volume(wish)
            if volume is not None and volume.state == StorageVolumeState.CREATING:
                raise Unavailable("The volume is still being made: the machine gets it once it is ready.")
            if volume is not None and volume.state not in ATTACHED:
                self._driver.attach_volume(machine.handle, volume, device=self._device)

    def _volume(self, wish: Wish) -> Any:
        """The volume of a wish, made if there is none; None if no volume is wished for."""
        if not wish.volume_gb:
            return None
        there = self._volumes(wish.tag)
        if there:
            return there[0]
        located = self._located(inspect.signature(self._driver.create_volume).parameters)
        return self._driver.create_volume(size=wish.volume_gb, name=wish.tag, **located)

    def _volumes(self, tag: str) -> list[Any]:
        try:
            return [volume for volume in self._driver.list_volumes() if volume.name == tag]
        except NotImplementedError:  # the provider has no volumes, or libcloud does not know them
            return []

    def destroy(self, machine: Machine) -> None:
        try:
            with sentences(self._account):
                self._driver.destroy_node(machine.handle)
        except NotFound:
            return

    def destroy_volumes(self, tag: str) -> int:
        with sentences(self._account):
            there = self._volumes(tag)
        for volume in there:
            try:
                with sentences(self._account):
                    self._driver.destroy_volume(volume)
            except NotFound:
                continue
        return len(there)
