"""A tar with very many files is read in another process, because the worker's other threads would have to wait."""

import io
import tarfile
import time
from collections.abc import Callable

import pytest
from pouring import PUB, owner, tar

from pillar_service.core.bots import exports
from pillar_service.core.errors import ForkHazard, Invalid
from pillar_service.settings import settings
from pillar_service.usecases.bots import looking_through, pouring, transfers

FILES = 12_000


@pytest.fixture
def person(service: Callable[[], None]) -> str:
    return owner()


def big(**files: bytes) -> io.BytesIO:
    """An export with many empty blobs."""
    packed = tar(**files)
    with tarfile.open(fileobj=packed, mode="a") as archive:
        for number in range(FILES):
            archive.addfile(tarfile.TarInfo(f"blobs/sha256/{number % 256:02x}/{number:062x}"))
    packed.seek(0)
    return packed


def processor_s(of: Callable[[], object]) -> float:
    """How many seconds of processor time that takes in this process."""
    began = time.process_time()
    of()
    return time.process_time() - began


def test_what_holds_very_many_files_takes_the_worker_no_longer_than_to_keep_it(person: str) -> None:
    packed = big()
    here = processor_s(lambda: exports.check(packed))
    packed.seek(0)
    assert processor_s(lambda: pouring.bring_in(person, "other", "", packed, "k")) < here / 2


def test_it_is_refused_beside_the_worker_in_the_same_words(person: str) -> None:
    for wrong, error in ((big(**{"flume/log.offset": b""}), ForkHazard), (big(secret=b"{"), Invalid)):
        with pytest.raises(error) as here:
            exports.check(wrong)
        wrong.seek(0)
        with pytest.raises(error) as beside:
            transfers.upload("test", wrong)
        assert type(beside.value) is error
        assert beside.value.sentence == here.value.sentence
    assert list(settings().files.iterdir()) == []


def test_what_takes_too_long_is_refused(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_through, "MOST_S", 0.01)
    with pytest.raises(Invalid, match="too many files"):
        transfers.upload("test", big())
    assert list(settings().files.iterdir()) == []


def test_a_kind_alone_is_looked_for_beside_the_worker_too(person: str) -> None:
    kept = settings().files / "x"
    kept.write_bytes(big().getvalue())
    assert looking_through.check(kept) == exports.Export(PUB, 3)
    with pytest.raises(Invalid, match="should contain only the bot's blobs"):
        looking_through.check(kept, exports.Kind.BLOBS)
