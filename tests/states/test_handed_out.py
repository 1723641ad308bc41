"""A node whose engine lacks the pub's image gets it from the place once, however many bots and runs wait for it."""

import http.server
import os
import secrets
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import docker
import pytest
from answering import answering, by
from masterless import IMAGE, ROOT, Node, changed, failed

from pillar_service.node.images import Source
from pillar_service.node.paths import Home
from pillar_service.node.told import Told
from pillar_service.settings import settings
from pillar_service.usecases.nodes import pub_images


def pack(tag: str, file: Path) -> bytes:
    """The tar that the script of `make up` and of releases makes of the image."""
    environment = os.environ | {"CELLAR_DIR": str(file.parent), "CELLAR_PUB_IMAGE": tag}
    subprocess.run([ROOT / "vagrant/image-tar.sh", file], env=environment, check=True, capture_output=True)
    return file.read_bytes()


@pytest.fixture(scope="module")
def packed(
    engine: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A tar of the pub's image under another name, which this engine lacks."""
    tag, file = (
        f"saltcellar/pub:handed-out-{secrets.token_hex(4)}",
        tmp_path_factory.mktemp("image") / "pub-image.tar.gz",
    )
    engine.images.get(IMAGE).tag(tag)
    try:
        first = pack(tag, file)
        made = file.stat().st_mtime_ns
        assert (pack(tag, file), file.stat().st_mtime_ns) == (first, made), "it is there already"
        file.unlink()
        assert pack(tag, file) == first, "the same image makes the same bytes"
    finally:
        forget(engine, tag)
    yield tag, file
    forget(engine, tag)


def forget(engine: docker.DockerClient, tag: str) -> None:
    """Remove this name of the image from the engine, but not the image."""
    if engine.images.list(tag):
        engine.images.remove(tag, noprune=True)


class Place(http.server.BaseHTTPRequestHandler):
    """A fake of the service at the wire: it hands out one tar, and keeps who asked."""

    asked: list[str]
    content: bytes

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def place(packed: tuple[str, Path]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """The service's address and this node's token; and the requests that come."""
    handler = type("Handing", (Place,), {"asked": [], "content": packed[1].read_bytes()})
    with answering(by(handler)) as url:
        yield {"url": url, "token": "t"}, handler.asked


@pytest.fixture
def told(packed: tuple[str, Path], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the service tells nodes about the real tar."""
    tag, file = packed
    ours = {"CELLAR_DATABASE": "sqlite:////nowhere", "CELLAR_PUB_IMAGE": tag, "CELLAR_PUB_IMAGE_TAR": str(file)}
    for name, value in {**environment, **ours}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    found = pub_images.handed_out()
    settings.cache_clear()
    assert found is not None
    return asdict(found)


@pytest.mark.slow
def test_a_node_without_the_image_fetches_it_and_its_bots_run(
    node: Node,
    engine: docker.DockerClient,
    packed: tuple[str, Path],
    place: tuple[dict[str, str], list[str]],
    told: Any,
) -> None:
    tag = packed[0]
    assert told["id"] == engine.images.get(IMAGE).id
    node.service = place[0]
    bots = [node.add(name, image=tag) for name in ("my", "other")]
    other = node.add("older", image="saltcellar/pub:0.0.9")
    node.tell(image=told)
    state = f"pub image {tag}"
    plan = node.apply("test=True")
    assert (plan[state]["result"], plan[state]["comment"]) == (
        None,
        f"The image {tag} would be fetched from the place.",
    )
    assert (place[1], engine.images.list(tag)) == ([], [])

    states = node.apply()
    assert states[state]["comment"] == f"The image {tag} was fetched from the place.", states[state]
    assert states[state]["changes"] == {tag: {"old": None, "new": told["id"]}}
    assert [states[f"{bot} alive"]["result"] for bot in bots] == [True, True]
    assert "load or pull it there" in failed(states)["pub image saltcellar/pub:0.0.9"], "that one is not handed out"
    assert node.container(other) is None
    assert place[1] == [f"/node/image/{told['sha256']}"]
    assert [one.name for one in (node.data / "images").iterdir()] == ["lock"]
    assert state not in changed(node.apply())
    assert len(place[1]) == 1


def test_an_image_for_another_processor_is_not_fetched(
    node: Node,
    packed: tuple[str, Path],
    place: tuple[dict[str, str], list[str]],
    told: Any,
    engine: docker.DockerClient,
) -> None:
    forget(engine, packed[0])
    node.service = place[0]
    node.add("my", image=packed[0])
    node.tell(image=told | {"architecture": "riscv64"})
    assert "load or pull it there" in failed(node.apply())[f"pub image {packed[0]}"]
    assert place[1] == []


def test_runs_at_the_same_time_fetch_it_once(
    engine: docker.DockerClient,
    packed: tuple[str, Path],
    place: tuple[dict[str, str], list[str]],
    told: Any,
    tmp_path: Path,
) -> None:
    forget(engine, packed[0])
    source = Source(Home(tmp_path), "cellar-1", Told(service=place[0], image=told))
    with ThreadPoolExecutor(3) as runs:
        found = [run.result() for run in [runs.submit(source.bring) for _ in range(3)]]
    assert sorted(map(len, found)) == [0, 0, 1]
    assert (len(place[1]), len(engine.images.list(packed[0]))) == (1, 1)
