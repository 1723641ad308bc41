"""Which systems a bundle of wheels is for, judged by its file names."""

import pytest

from pillar_service.core.nodes.wheels import fits, needed

PURE = "saltcellar-0.1.0-py3-none-any.whl"
CFFI = "cffi-2.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
STABLE = "cryptography-45.0-cp37-abi3-manylinux_2_28_x86_64.whl"


@pytest.mark.parametrize(
    ("files", "found", "said"),
    [
        ([], [], "Python 3.11 or newer"),
        ([PURE, "README"], [], "Python 3.11 or newer"),
        ([PURE, f"./{CFFI}", STABLE], [("3.11", "x86_64")], "Python 3.11 on x86_64"),
        ([PURE, STABLE], [("any", "x86_64")], "Python 3.11 or newer on x86_64"),
        (
            [CFFI, CFFI.replace("311", "313")],
            [("3.11", "x86_64"), ("3.13", "x86_64")],
            "Python 3.11 on x86_64 or Python 3.13 on x86_64",
        ),
        ([STABLE, CFFI, CFFI.replace("x86_64", "aarch64")], [("3.11", "x86_64")], "Python 3.11 on x86_64"),
    ],
)
def test_a_bundle_is_for_what_each_of_its_packages_has_a_wheel_for(files: list[str], found: list, said: str) -> None:
    assert fits(files) == found
    assert needed(found) == said
