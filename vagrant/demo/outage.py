"""An outage: while the centre is away a pub hangs; its node heals it alone, and reports that when the centre is back.

outage.py heal | told
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import docker
from cast import BOTS, CELLAR, DOMAIN, client, until

from pillar_service.core.machines.machines import Event
from pillar_service.usecases.events import stories
from pillar_service.usecases.service import storage

BOT = "library"
NODE = BOTS[BOT][1]
HEALED = CELLAR / "run" / "healed"
HEALING = ("hung", "restarted")
"""The healer's transitions on the way, in order."""


def pub(engine: docker.DockerClient) -> Any:
    """The bot's container, found without the service."""
    labels = [f"saltcellar.node={NODE}", f"saltcellar.host={BOT}.{DOMAIN}"]
    [found] = engine.containers.list(filters={"label": labels})
    return found


def hang(container: Any) -> None:
    """Stop the pub's process, a child of the container's init, as if it hung."""
    first = container.attrs["State"]["Pid"]
    below = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    os.kill(int(below[0]), signal.SIGSTOP)


def heal() -> None:
    """Hang the pub, and wait until its node has restarted it."""
    container = pub(docker.from_env())
    since, began = container.attrs["State"]["StartedAt"], time.monotonic()
    hang(container)
    print(f"{BOT}.{DOMAIN} hangs, and nobody is there but its node {NODE}", flush=True)

    def is_restarted() -> bool:
        container.reload()
        return bool(container.attrs["State"]["StartedAt"] != since and container.attrs["State"]["Running"])

    until(is_restarted, 120, f"the node {NODE} healed {BOT}")
    HEALED.write_text(f"{time.monotonic() - began:.0f}")
    print(f"{NODE} healed {BOT} alone in {HEALED.read_text()} s")


def transitions() -> list[str]:
    """The healer's transitions for the bot that the service has heard of, the oldest first."""
    bot, told = client().agent(BOT)["id"], stories.story(None, NODE)["told"]
    found = [one.event for one in told if one.event is not None and one.event.type == Event.TRANSITION]
    return [one.data["event"] for one in found if one.data["of"] == bot]


def told() -> None:
    """Wait until the node's page reports the healing, and the bot is shown as alive."""
    storage.prepare()

    def is_told() -> bool:
        return [one for one in transitions() if one in HEALING][-len(HEALING) :] == list(HEALING)

    until(is_told, 180, f"{NODE} told of the healing")
    until(lambda: client().agent(BOT)["actual"] == "alive", 60, f"{BOT} was alive")
    print(f"{NODE} healed {BOT} alone in {HEALED.read_text()} s while the centre was away")


if __name__ == "__main__":
    {"heal": heal, "told": told}[sys.argv[1]]()
