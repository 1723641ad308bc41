"""The pub's image comes from the real service: complete although connections break, once, and only the one announced."""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from executing import NODE, Cellar

from pillar_service.core.errors import Failed, Full, NotFound, Unavailable
from pillar_service.node import disk, images
from pillar_service.node.door import PIECE
from pillar_service.node.images import Source
from pillar_service.node.told import Told
from pillar_service.settings import settings
from pillar_service.usecases.nodes import pub_images

sys.path.insert(0, str(Path(__file__).parent.parent / "usecases"))
from saved_images import save

TAG = "saltcellar/pub:0.1.0"
PART = 3 * PIECE + 1000
"""Of so many bytes, three pieces are kept."""


class Line:
    """The connection to the service: keeps the requests, and lets only so many bytes of each answer through."""

    def __init__(self, app: Any) -> None:
        self.app, self.most, self.asked, self.busy = app, sys.maxsize, [], 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked.append(environ.get("HTTP_RANGE"))
        if self.busy:
            self.busy -= 1
            start_response("503 Service Unavailable", [("Retry-After", "1"), ("Content-Length", "0")])
            return []
        return [b"".join(self.app(environ, start_response))[: self.most]]


@pytest.fixture
def tar(cellar: Cellar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The tar that the place hands out, several pieces long."""
    monkeypatch.setenv("CELLAR_PUB_IMAGE_TAR", str(tmp_path / "pub-image.tar.gz"))
    settings.cache_clear()
    return save(tmp_path / "pub-image.tar.gz", TAG, fill=random.Random(1).randbytes(8 * PIECE))


@pytest.fixture
def line(cellar: Cellar) -> Iterator[Line]:
    cellar.stop()
    cellar.app = Line(cellar.app)
    cellar.start()
    return cellar.app


@pytest.fixture
def source(cellar: Cellar, tar: Path) -> Callable[..., Source]:
    """Makes a node's image source from what its pillar says now; ``other`` replaces parts of that."""

    def make(**other: Any) -> Source:
        found = pub_images.handed_out()
        assert found is not None
        told = Told(service=cellar.service, image=asdict(found) | other)
        return Source(cellar.home, NODE, told, quiet_s=3.0, pause_s=0.01)

    return make


def soon() -> float:
    return time.monotonic() + 20


def test_it_is_fetched_whole(source: Callable[..., Source], tar: Path) -> None:
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()


def test_a_line_that_breaks_again_and_again_is_gone_on_with(
    source: Callable[..., Source], tar: Path, line: Line
) -> None:
    line.most = PART
    size = tar.stat().st_size
    assert size > 2 * PART
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()
    assert line.asked == [None, *(f"bytes={done}-" for done in range(3 * PIECE, size, 3 * PIECE))]


def test_what_came_stays_for_the_next_time(
    source: Callable[..., Source], tar: Path, cellar: Cellar, line: Line
) -> None:
    line.most = 0
    with pytest.raises(Unavailable, match="could not be fetched from the place"):
        source().fetched(soon())
    line.most = PART
    with pytest.raises(Unavailable):
        source().fetched(time.monotonic())  # time is up after the first piece
    line.most = sys.maxsize
    line.asked.clear()
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()
    assert line.asked == [f"bytes={PIECE}-"]
    line.asked.clear()
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()
    assert line.asked == [], "what is there whole is not fetched again"


def test_a_place_that_is_busy_with_others_is_waited_for(source: Callable[..., Source], tar: Path, line: Line) -> None:
    line.busy = 5
    with pytest.raises(Unavailable, match="could not be fetched"):
        replace(source(), quiet_s=1.5).fetched(soon())
    line.busy = 2
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()


def test_a_service_that_is_away_is_said(source: Callable[..., Source], cellar: Cellar) -> None:
    cellar.stop()
    with pytest.raises(Unavailable, match="0 of 0 MB are here: start the bot again to go on from there"):
        source().fetched(soon())
    cellar.start()


def test_another_one_than_was_told_is_not_kept(source: Callable[..., Source], tar: Path, cellar: Cellar) -> None:
    wanted = source()
    save(tar, TAG, fill=b"another")
    with pytest.raises(NotFound, match="refresh this node's pillar"):
        wanted.fetched(soon())
    short = source(size=tar.stat().st_size - 1)
    with pytest.raises(Failed, match="has more than"):
        short.fetched(soon())
    assert source().fetched(soon()).read_bytes() == tar.read_bytes()


def test_bytes_that_were_changed_on_the_way_are_not_used(source: Callable[..., Source], tar: Path) -> None:
    wanted = source()
    folder = wanted.home.images
    folder.mkdir()
    left = folder / f"{wanted.told.image['sha256']}.tar"
    left.write_bytes(b"x" * PART)
    (folder / f"{'0' * 64}.tar").write_bytes(b"of another image")
    with pytest.raises(Failed, match="another SHA-256"):
        wanted.fetched(soon())
    assert list(folder.iterdir()) == []
    assert wanted.fetched(soon()).read_bytes() == tar.read_bytes()


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    source: Callable[..., Source], line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MARGIN", 1 << 60)
    with pytest.raises(Full, match="MB are free there: free some space"):
        source().fetched(soon())
    assert line.asked == []


def test_one_at_a_time(source: Callable[..., Source]) -> None:
    folder, order = source().home.images, []

    def take() -> None:
        with images._alone(folder, soon()):
            order.append("second")

    with images._alone(folder, soon()):
        second = threading.Thread(target=take)
        second.start()
        with pytest.raises(Unavailable, match="for something else"), images._alone(folder, time.monotonic()):
            pass
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_where_none_is_handed_out_it_is_said_what_whoever_runs_the_node_can_do() -> None:
    for node in ("cellar-1", "cellar-1.example.org"):
        assert "salt-run bots.rebuild <bot>" in images.nowhere(TAG, node, True)
        assert "load or pull it there" in images.nowhere(TAG, node, False)
    for is_built, way in ((True, "press rebuild on the bot's page"), (False, "press upgrade on the bot's page")):
        ours = images.nowhere(TAG, "shed.f67b76a543a7a349", is_built)
        assert ("salt-run" in ours, way in ours) == (False, True)
