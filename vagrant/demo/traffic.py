"""Messages between pubs: what Ada writes at the garden comes to Lin, who only knows the library, by way of Cid.

Real Scuttlebutt peers, each with an identity of its own, in containers of the pub's image (tests/image/peer/peer.js).
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
    """Somebody's Scuttlebutt: the identity lasts, a container lives for one run of commands."""

    def __init__(self, engine: docker.DockerClient, image: str, name: str) -> None:
        self.engine, self.image, self.name, self.folder = engine, image, name, PEERS / name
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chown(self.folder, 1000, 1000)  # the image's user

    def begins(self, *words: object) -> Any:
        """The container of a run."""
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
        """The lines of a run; raises Untold when a command failed."""
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
        """Runs commands that must all work."""
        return self.ends(self.begins(*words))


def invite(bot: str, note: str) -> str:
    """A new invite's code."""
    service = client()
    job = service.submit("bots.invite", bot, {"uses": 1, "note": note})
    return str(succeeded(service, job["id"])["result"]["code"])


def travels(engine: docker.DockerClient, image: str) -> str:
    """The message that came to Lin; Cid stays at the library meanwhile, and Ada is away by then."""
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
    """Let it travel, and say so."""
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
