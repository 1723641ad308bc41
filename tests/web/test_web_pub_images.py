"""The pub's image at the nodes' door: complete, from any byte on, and only the one that is currently handed out."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from saved_images import save


@pytest.fixture
def tar(service: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The tar that the place hands out."""
    monkeypatch.setenv("CELLAR_PUB_IMAGE_TAR", str(tmp_path / "pub-image.tar.gz"))
    service()
    return save(tmp_path / "pub-image.tar.gz", "saltcellar/pub:0.1.0")


def test_a_node_fetches_it_and_goes_on_where_it_broke_off(tar: Path, node: FlaskClient, visitor: FlaskClient) -> None:
    content = tar.read_bytes()
    address = f"/node/image/{hashlib.sha256(content).hexdigest()}"
    whole = node.get(address)
    assert (whole.status_code, whole.data, whole.headers.get("Content-Encoding")) == (200, content, None)
    rest = node.get(address, headers={"Range": "bytes=10-"})
    assert (rest.status_code, rest.data) == (206, content[10:])
    assert visitor.get(address).status_code == 401


def test_what_is_not_handed_out_now_is_not_there(tar: Path, node: FlaskClient) -> None:
    before = hashlib.sha256(tar.read_bytes()).hexdigest()
    save(tar, "saltcellar/pub:0.1.0", fill=b"another")
    for sha256 in (before, "0" * 64, "x"):
        answer = node.get(f"/node/image/{sha256}")
        assert (answer.status_code, "refresh this node's pillar" in answer.json["detail"]) == (404, True)
