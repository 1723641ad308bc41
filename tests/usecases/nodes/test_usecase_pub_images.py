"""The pub image that the place hands out: told to each node, and only while the file holds that very image."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from saved_images import ID, save

from pillar_service.core.errors import NotFound
from pillar_service.usecases.nodes import pillars, pub_images

TAG = "saltcellar/pub:0.1.0"


@pytest.fixture
def tar(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The path of the tar that the place hands out; it does not exist yet."""
    monkeypatch.setenv("CELLAR_PUB_IMAGE_TAR", str(tmp_path / "pub-image.tar.gz"))
    service()
    return tmp_path / "pub-image.tar.gz"


def told() -> dict[str, Any] | None:
    """What the node's pillar says about the image."""
    ready = pillars.ready("cellar-1")
    assert ready is not None
    found: dict[str, Any] | None = json.loads(ready[0])["saltcellar"].get("image")
    return found


def test_nodes_hear_of_it_and_of_another_one(tar: Path) -> None:
    assert (pillars.refresh(), told()) == (1, None)
    save(tar, TAG)
    sha256 = hashlib.sha256(tar.read_bytes()).hexdigest()
    assert pillars.refresh() == 1
    ours = {"tag": TAG, "id": f"sha256:{ID}", "architecture": "amd64"}
    assert told() == ours | {"sha256": sha256, "size": tar.stat().st_size}
    assert pub_images.file(sha256) == tar
    assert pillars.refresh() == 0
    save(tar, TAG, "other:1", fill=b"another", last=True)
    assert pillars.refresh() == 1
    another = told()
    assert another is not None
    assert another["sha256"] == hashlib.sha256(tar.read_bytes()).hexdigest() != sha256
    with pytest.raises(NotFound, match="no longer"):
        pub_images.file(sha256)


def test_who_names_no_file_hands_out_none(service: Callable[[], None]) -> None:
    pillars.refresh()
    assert (pub_images.handed_out(), told()) == (None, None)
    with pytest.raises(NotFound):
        pub_images.file("0" * 64)


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda file: None, "No such file"),
        (lambda file: file.write_bytes(b"x" * 2048), "Run vagrant/image-tar.sh to make it"),
        (lambda file: save(file, "saltcellar/pub:9.9.9"), f"holds saltcellar/pub:9.9.9, but CELLAR_PUB_IMAGE is {TAG}"),
        (lambda file: save(file), "an image without a name"),
        (lambda file: save(file, manifest=[]), "not a `docker save` of one image"),
        (lambda file: save(file, manifest={"a": 1}), "not a `docker save` of one image"),
        (lambda file: save(file, manifest=[{"Config": "none", "RepoTags": [TAG]}]), "not a `docker save` of one image"),
        (lambda file: file.write_bytes(save(file, TAG, fill=b"y" * 4096).read_bytes()[:30]), "vagrant/image-tar.sh"),
    ],
)
def test_a_file_that_is_not_the_image_is_not_handed_out_and_the_log_says_why_once(
    tar: Path, write: Callable[[Path], Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tar)
    with caplog.at_level(logging.WARNING, logger=pub_images.__name__):
        assert [pub_images.handed_out(), pub_images.handed_out()] == [None, None]
    [said] = [record.getMessage() for record in caplog.records]
    assert why in said
    pillars.refresh()
    assert told() is None
