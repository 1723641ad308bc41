"""The pub's image: if the engine lacks it and the place hands it out, it is fetched once, checked and loaded."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pillar_service.core.errors import Failed, SaltcellarError, Unavailable
from pillar_service.core.jobs import faults
from pillar_service.core.nodes import bundles
from pillar_service.node import containers, disk, locks
from pillar_service.node.door import Door
from pillar_service.node.paths import Home
from pillar_service.node.told import Told

PATIENCE_S = 600.0
"""Seconds for the whole fetch, so that whoever waits for the state run learns why it failed; the next run goes on there."""
LOAD_S = 600.0
"""Seconds that Docker may be silent while it unpacks, perhaps onto an SD card."""
QUIET_S, PAUSE_S = 120.0, 2.0
"""Seconds without progress before a fetch fails (the place may be busy with others), and seconds until the next try."""


@dataclass(frozen=True)
class Source:
    """The place as a source of the image, as the pillar of the node ``node`` describes it."""

    home: Home
    node: str
    told: Told
    patience_s: float = PATIENCE_S
    quiet_s: float = QUIET_S
    pause_s: float = PAUSE_S

    def offers(self, tag: str) -> bool:
        """Whether the place hands out exactly this image, for this machine's processor."""
        if self.told.image is None or self.told.image["tag"] != tag:
            return False
        with containers.engine() as client:
            return bool(client.version()["Arch"] == self.told.image["architecture"])

    def bring(self) -> dict[str, Any]:
        """Fetch and load the image; returns what changed, which is nothing if another run was faster.

        Raises Full, Unavailable, Failed or the error that the service named.
        """
        image, until = self.told.image or {}, time.monotonic() + self.patience_s
        with _written(), _alone(self.home.images, until):
            with containers.engine() as client:
                if containers.has_image(client, image["tag"]):
                    return {}
            _load(self.fetched(until), image["tag"])
        return {image["tag"]: {"old": None, "new": image["id"]}}

    def fetched(self, until: float) -> Path:
        """Fetch the image's tar and check it; ``until``: monotonic seconds. Raises like ``bring``, and OSError."""
        image = self.told.image or {}
        file = self.home.images / f"{image['sha256']}.tar"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _tidy(file)
        with file.open("ab") as opened:
            self._fill(opened, image, until)
        _check(file, image["sha256"])
        return file

    def _fill(self, file: IO[bytes], image: Mapping[str, Any], until: float) -> None:
        """Fetch into a file, going on after the part that an earlier fetch left."""
        door, size, last = Door(self.told.service), image["size"], time.monotonic()
        if file.tell() > size:
            file.truncate(0)
            file.seek(0)
        if lacks := size - file.tell():
            disk.require_room(self.home.images, lacks, "The pub's image", "start the bot again")
        while (had := file.tell()) < size:
            try:
                door.image(image["sha256"], file, size, until)
            except Unavailable as error:
                now, pause_s = time.monotonic(), self.pause_s
                if file.tell() == had:
                    pause_s = error.retry_after_s or self.pause_s
                else:
                    last = now
                if now + pause_s > min(until, last + self.quiet_s):
                    raise _broke_off(error, file.tell(), size) from error
                time.sleep(pause_s)


def nowhere(tag: str, node: str, is_built: bool) -> str:
    """What whoever is responsible for the node can do if the place has no image; ``is_built``: `bots.rebuild` can build it."""
    if bundles.account_of(node):
        way = BUILT_BY_PAGE if is_built else NEWEST_BY_PAGE
        return (
            f"The pub's image {tag} is not on this machine, and the place hands out none that runs here: press {way}, or ask "
            "whoever runs the place."
        )
    return f"The pub's image {tag} is not on the node: {faults.BUILD_IT if is_built else faults.LOAD_IT}."


BUILT_BY_PAGE = "rebuild on the bot's page, which builds it on the machine from Debian's and npm's packages"
NEWEST_BY_PAGE = "upgrade on the bot's page, which takes the newest image"


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failed(f"The pub's image could not be kept on this node: {error.strerror or error}.") from error


@contextlib.contextmanager
def _alone(folder: Path, until: float) -> Iterator[None]:
    """Hold the lock under which an image is fetched on this node; waits for it, and raises Unavailable after ``until``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        while not locks.taken(lock):
            if time.monotonic() > until:
                raise Unavailable(
                    "The pub's image is already being fetched on this node for something else: try again."
                )
            time.sleep(0.2)
        yield


def _tidy(file: Path) -> None:
    """Delete what is left of other images, which nobody will go on with."""
    for other in file.parent.glob("*.tar"):
        if other != file:
            other.unlink()


def _broke_off(error: SaltcellarError, got: int, size: int) -> Unavailable:
    return Unavailable(
        f"The pub's image could not be fetched from the place. {error.sentence} {_mb(got)} of {_mb(size)} MB are here: start "
        "the bot again to go on from there."
    )


def _mb(size: int) -> int:
    return size // 1_000_000


def _check(file: Path, sha256: str) -> None:
    with file.open("rb") as opened:
        found = disk.sha256(opened)
    if found != sha256:
        file.unlink()
        raise Failed("The pub's image is not the one that was announced (another SHA-256): start the bot again.")


def _load(file: Path, tag: str) -> None:
    with containers.engine(timeout_s=LOAD_S) as client:
        with file.open("rb") as opened:
            said = list(client.load_image(opened, quiet=True))
        if wrong := next((one["error"] for one in said if "error" in one), None):
            raise Failed(f"Docker could not load the pub's image: {str(wrong)[:300]}")
        if not containers.has_image(client, tag):
            raise Failed(
                f"What the place hands out as {tag} does not hold that image: ask whoever runs the place to make it again."
            )
    file.unlink()
