"""Which addresses the service connects to when a stranger names them, and which not."""

import socket
from collections.abc import Callable

import pytest
from fake_hook import FakeHook

from pillar_service.core.errors import Failed, Invalid
from pillar_service.web import outbound

HOST = "hooks.example.org"
TYPE = {"Content-Type": "application/cloudevents-batch+json"}


pytestmark = pytest.mark.usefixtures("here")


def post(url: str, timeout_s: float = 5.0) -> outbound.Answer:
    return outbound.post(url, TYPE, b"[]", timeout_s)


@pytest.mark.parametrize(
    "ips",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["fe80::1"], ["224.0.0.1"],
        ["0.0.0.0"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"],
    ],
)  # fmt: skip
def test_nothing_goes_to_what_is_not_public(names: Callable[..., list[str]], ips: list[str]) -> None:
    names(ips)
    with pytest.raises(Invalid, match="only to public addresses"):
        post(f"https://{HOST}/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "017700000001",
        "localhost",
        "[::1]",
        "[::ffff:7f00:1]",
        "0",
        "0.0.0.0",
    ],
)
def test_nothing_goes_to_this_machine_however_it_is_written(host: str) -> None:
    with FakeHook() as hook:
        with pytest.raises((Invalid, Failed), match=r"only to public addresses|has no address"):
            post(f"https://{host}:{hook.port}/")
        assert hook.asked == []


def test_it_is_said_which_address_is_not_public(names: Callable[..., list[str]]) -> None:
    names(["10.1.2.3"])
    with pytest.raises(Invalid, match=rf"only to public addresses, and {HOST} \(10\.1\.2\.3\) is not one"):
        post(f"https://{HOST}/")
    with pytest.raises(Invalid, match=r"only to public addresses, and 127\.0\.0\.2 is not one"):
        post("https://127.0.0.2/")


def test_nothing_goes_to_the_place_itself(names: Callable[..., list[str]]) -> None:
    names(["8.8.8.8"], host="cellar.test")  # the address that people use
    with pytest.raises(Invalid, match="only to public addresses"):
        post("https://8.8.8.8/")
    assert outbound._is_own("127.0.0.1")
    assert not outbound._is_own("8.8.4.4")


def test_a_name_that_is_another_a_moment_later_is_asked_for_once(
    here: Callable[[str], None], names: Callable[..., list[str]]
) -> None:
    here("127.0.0.1/32")
    with FakeHook() as hook:
        asked = names(["127.0.0.1"], ["127.0.0.2"])
        assert post(f"http://{HOST}:{hook.port}/hook?a=1").status == 200
        assert asked == [HOST]
        with pytest.raises(Invalid, match=r"127\.0\.0\.2"):
            post(f"http://{HOST}:{hook.port}/hook?a=1")
        assert len(hook.asked) == 1


def test_plain_http_goes_only_to_networks_that_are_named(
    here: Callable[[str], None], names: Callable[..., list[str]]
) -> None:
    names(["8.8.8.8"])
    with pytest.raises(Invalid, match="https"):
        post(f"http://{HOST}/")
    here("10.0.0.0/8")
    with pytest.raises(Invalid, match="Events go over http only to CELLAR_WEBHOOK_NETWORKS"):
        post(f"http://{HOST}/")


def test_a_name_without_an_address_and_a_port_without_a_server(here: Callable[[str], None]) -> None:
    here("127.0.0.1/32")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failed, match="connection failed"):
        post(f"http://127.0.0.1:{port}/")
    with pytest.raises(Failed, match="no address"):
        post("https://nowhere.invalid/")
