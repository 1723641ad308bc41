"""Tars from strangers: whatever is not like an export is refused, whatever the tar library makes of it."""

import io
import json
import tarfile

import pytest

from pillar_service.core.bots import exports
from pillar_service.core.errors import Invalid

PUB = "@" + "A" * 43 + "=.ed25519"
WHOLE = {
    "secret": json.dumps({"id": PUB}).encode(),
    exports.MANIFEST: json.dumps({"pub_id": PUB, "sequence": 3}).encode(),
    exports.LOG: b"messages",
}


def tar(said: dict[str, str] | None = None, **files: bytes) -> io.BytesIO:
    """An export; ``said`` goes into the log's extended header."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as made:
        for path, content in {**WHOLE, **files}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.pax_headers = said or {} if path == exports.LOG else {}
            made.addfile(member, io.BytesIO(content))
    written.seek(0)
    return written


def test_an_export_is_read_with_all_that_lies_between() -> None:
    blobs = {f"blobs/sha256/aa/{n}": b"x" * n for n in range(300)}
    assert exports.check(tar(**blobs)) == exports.Export(PUB, 3)
    assert exports.check(tar({"mtime": "1.5", "comment": "x" * 1000})) == exports.Export(PUB, 3)


@pytest.mark.parametrize("size", ["-5", "-512", "-2048", "-1000000", "9" * 30, str(2**62)])
def test_a_size_that_leads_back_or_beyond_is_refused(size: str) -> None:
    with pytest.raises(Invalid):
        exports.check(tar({"size": size}))


@pytest.mark.parametrize(
    "said",
    [
        {"GNU.sparse.map": "0,8", "GNU.sparse.size": str(2**50)},
        {"GNU.sparse.map": "x"},
        {"GNU.sparse.size": "x"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
    ],
)
def test_a_file_that_says_that_it_is_larger_than_its_tar_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        exports.check(tar(said))


def test_a_header_is_not_read_whatever_its_length() -> None:
    with pytest.raises(Invalid, match="header is too long"):
        exports.check(tar({"comment": "x" * 100_000}))


@pytest.mark.parametrize("path", ["secret", exports.MANIFEST])
@pytest.mark.parametrize("content", [b"[" * 500_000, b'{"a":' * 100_000, b"\xff", b"9" * 5000, b""])
def test_what_can_not_be_read_is_refused(path: str, content: bytes) -> None:
    with pytest.raises(Invalid):
        exports.check(tar(**{path: content}))


def test_headers_without_end_are_refused() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 0
    with pytest.raises(Invalid):
        exports.check(io.BytesIO(header.tobuf(tarfile.USTAR_FORMAT) * 3000))


def test_a_part_holds_nothing_else() -> None:
    manifest = json.dumps({"pub_id": PUB, "sequence": 3, "kind": "log"}).encode()
    with pytest.raises(Invalid, match="but has 'secret'"):
        exports.check(tar(**{exports.MANIFEST: manifest}), exports.Kind.LOG)
