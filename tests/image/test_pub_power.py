"""A power cut: only what has been written to the pub's disk remains."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MIB = 64


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """Mount the file system in that file; the kernel writes to it on its own once an hour instead of every 5 s."""
    subprocess.run(["mount", "-o", "loop,commit=3600", image, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def disk(tmp_path):
    """A disk in a file, which holds only what has been written to it, and nothing that the kernel still holds back."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(MIB * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-E", "root_owner=1000:1000", image], check=True)
    return image


def test_what_the_pub_has_signed_outlasts_a_loss_of_power(new_pub, new_peer, disk, tmp_path):
    pub, ann = new_pub(), new_peer()
    with mounted(disk, pub.data):
        pub.write_config()
        subprocess.run(["sync", pub.data / "config"], check=True)  # as the node does
        pub.start().wait_up()
        taken = pub.invite()
        ann("accept", taken["code"])
        before = pub.get("/info")
        # The power is cut here: this copy gets nothing that is written later.
        shutil.copy(disk, left := tmp_path / "left")
        pub.container.stop(timeout=5)
    with mounted(left, pub.data):
        pub.container.start()
        after = pub.wait_up()
        assert (after["id"], after["sequence"], after["follows"]) == (before["id"], before["sequence"], 1)
        assert pub.entry(taken)["state"] == "used"
        pub.container.stop(timeout=5)
