"""The rules of forwarding: signatures, pauses, batches, and where events may go."""

import pytest

from pillar_service.core import addresses
from pillar_service.core.errors import Invalid
from pillar_service.core.events import forwarding
from pillar_service.core.events.digests import LONGEST, SHOWN, Line, in_chat, text


def test_the_signature_is_the_one_of_the_specifications_libraries() -> None:
    secret, id, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    signed = forwarding.signature(secret, id, at, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_same_batch_has_the_same_id_and_another_another() -> None:
    assert forwarding.message_id("a", b"1") == forwarding.message_id("a", b"1")
    assert len({forwarding.message_id(*one) for one in (("a", b"1"), ("a", b"2"), ("b", b"1"))}) == 3


@pytest.mark.parametrize(
    ("failures", "asked", "least", "most"),
    [(1, None, 1, 2), (3, None, 4, 8), (60, None, 1800, 3600), (1, 120.0, 120, 120), (1, 1e9, 3600, 3600)],
)
def test_how_long_it_waits(failures: int, asked: float | None, least: float, most: float) -> None:
    assert forwarding.pause_s(failures, 0.0, asked) == least
    assert forwarding.pause_s(failures, 1.0, asked) == most


@pytest.mark.parametrize(
    ("sizes", "count"),
    [([], 0), ([10], 1), ([10] * 500, 100), ([1 << 20, 10], 1), ([10, 1 << 20], 1), ([100 << 10] * 9, 2)],
)
def test_what_fits_into_a_batch(sizes: list[int], count: int) -> None:
    assert forwarding.fitting(sizes) == count


HIDDEN = (
    "127.0.0.1 127.8.8.8 0.0.0.0 0.1.2.3 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.8 192.0.2.1 "
    "198.18.0.1 198.51.100.7 203.0.113.7 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16 ::1 :: fe80::1 "
    "fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: "
    "2001:0:1::1 2001:db8::1 fec0::1 ::ffff:0:7f00:1 2606:4700::1%1 example.org 0x7f.1 2130706433"
)


@pytest.mark.parametrize("ip", HIDDEN.split())
def test_what_is_not_public(ip: str) -> None:
    assert not addresses.is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "93.184.216.34", "2606:4700::1", "2a00:1450:4001::1"])
def test_what_is(ip: str) -> None:
    assert addresses.is_public(ip)


@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", "x", "ftp://a.example/", "http://a.example/", "https://", "https:///x", "https://a.example:0/",
        "https://a.example:99999/", "https://u:p@a.example/", "https://u@a.example/", "https://a.example/#x",
        "https://a.example/#", "https://a.example/a b", "https://a.example/\r\nX: y", "https://ä.example/",
        "https://a.example\\@b.example/", "https://a%2eexample/", "https://[::1", "https://a.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_what_is_no_address(url: object) -> None:
    with pytest.raises(Invalid, match="webhook"):
        addresses.address(url)


def test_the_parts_of_an_address() -> None:
    assert addresses.address("https://A.example/x?y=1") == addresses.Address(True, "a.example", 443, "/x?y=1")
    assert addresses.address("http://[::1]:81", may_be_plain=True) == addresses.Address(False, "::1", 81, "/")


def test_a_digest_is_short_and_calls_nobody() -> None:
    line = Line(0.0, "warning", "shed", "org.example.x", "<!channel> & <https://evil.example|here>" * 9)
    said = text([line] * 100, 1000, 3, "https://cellar.test/x")
    assert said.count("\n") < SHOWN + 6
    assert max(map(len, said.split("\n"))) <= LONGEST
    assert "… and 970 more" in said
    assert "Missing before these: 3 events" in said
    assert "<" not in in_chat(said)
    assert ">" not in in_chat(said)


@pytest.mark.parametrize("wrong", ["", "#general", "general", "c0123", "C01\n", None])
def test_what_is_no_channel(wrong: object) -> None:
    with pytest.raises(Invalid, match="channel"):
        forwarding.channel(wrong)
