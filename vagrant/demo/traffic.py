"""Messages between pubs: what Ada writes at the garden reaches Lin, who knows only the library, by way of Cid.

They are real Scuttlebutt peers with identities of their own, in containers of the pub's image
(tests/image/peer/peer.js).
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import docker
from cast import BOTS, CELLAR, DOMAIN, Untold, client, succeeded

PEERS = CELLAR / "peers"
PEER = Path(__file__).parents[2] / "tests" / "image" / "peer"
HELLO = "The first apples are ripe, come and take some"
KEPT = CELLAR / "run" / "traffic.json"


class Peer:
    """Somebody's Scuttlebutt peer: its identity is kept, each container runs one list of commands."""

    def __init__(self, engine: docker.DockerClient, image: str, name: str) -> None:
        self.engine, self.image, self.name, self.folder = engine, image, name, PEERS / name
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chown(self.folder, 1000, 1000)  # the user of the image

    def begins(self, *words: object) -> Any:
        """Start a run of commands; returns its container."""
        return self.engine.containers.run(
            self.image,
            ["node", "/peer/peer.js", *map(str, words)],
            labels={"saltcellar.demo": str(CELLAR)},
            detach=True,
            init=True,
            extra_hosts={f"{bot}.{DOMAIN}": "host-gateway" for bot in BOTS},
            volumes={
                str(self.folder): {"bind": "/home/node/.ssb"},
                str(PEER): {"bind": "/peer", "mode": "ro"},
            },
        )

    def ends(self, run: Any) -> list[dict[str, Any]]:
        """Wait for a run's end, and return its lines; raises Untold if a command failed."""
        try:
            run.wait(timeout=180)
            lines = [json.loads(line) for line in run.logs(stderr=False).decode().splitlines()]
        finally:
            run.remove(force=True, v=True)
        sys.stderr.write(f"{self.name}: {lines}\n")
        if wrong := [line for line in lines if "error" in line]:
            raise Untold(f"{self.name} could not {wrong[0]['command']}: {wrong[0]['error']}")
        return lines

    def does(self, *words: object) -> list[dict[str, Any]]:
        """Run commands; raises Untold if one fails."""
        return self.ends(self.begins(*words))


def invite(bot: str, note: str) -> str:
    """Make an invite; returns its code."""
    service = client()
    job = service.submit("bots.invite", bot, {"uses": 1, "note": note})
    return str(succeeded(service, job["id"])["result"]["code"])


def travels(engine: docker.DockerClient, image: str) -> str:
    """Let Ada's message travel; returns its text as Lin got it.

    Cid stays at the library meanwhile; Ada is gone by then.
    """
    ada, cid, lin = (Peer(engine, image, name) for name in ("ada", "cid", "lin"))
    feed = ada.does("accept", invite("garden", "for Ada"), "publish", HELLO, "whoami")[-1]["id"]
    cid.does("accept", invite("garden", "for Cid"), "follow", feed, "wait", HELLO, feed)
    stays = cid.begins("accept", invite("library", "for Cid"), "stay", 60)
    try:
        told = lin.does("accept", invite("library", "for Lin"), "follow", feed, "wait", HELLO, feed)[-1]
    finally:
        stays.remove(force=True, v=True)
    return str(told["text"])


def main() -> None:
    """Let the message travel, and print it."""
    engine = docker.from_env()
    bots = {bot["id"] for bot in client().agents(type="bot")}
    image = next(
        one.attrs["Config"]["Image"]
        for one in engine.containers.list(filters={"label": "saltcellar.bot"})
        if one.labels["saltcellar.bot"] in bots
    )
    text = travels(engine, image)
    KEPT.write_text(json.dumps({"text": text}))
    print(f'from garden to library: "{text}"')


if __name__ == "__main__":
    main()
