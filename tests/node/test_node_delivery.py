"""Delivery: signed, in order, at a limited pace, each event once in the end; and while the service is away or refuses."""

import itertools
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from ingest import LOST, NODE, Ingest

from pillar_service.core.bots.health import EVENT_TYPE
from pillar_service.core.events.submission import GAP, Lifecycle, Priority
from pillar_service.node.delivery import BACKLOG, LONGEST_PAUSE_S, PER_S, SPLAY_S, Delivery
from pillar_service.node.paths import Home
from pillar_service.node.signing import Signer
from pillar_service.node.spool import Bounds, Spool
from pillar_service.node.told import Told

KIND = "org.example.thing"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("pki")
    key = rsa.generate_private_key(65537, 2048)
    kind = serialization.PrivateFormat.TraditionalOpenSSL  # as Salt writes it
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "minion.pem").write_bytes(key.private_bytes(encoding, kind, plain))
    return folder, key.public_key()


@pytest.fixture
def ingest(pki: tuple[Path, Any]) -> Iterator[Ingest]:
    ingest = Ingest(pki[1])
    yield ingest
    ingest.stop()
    assert ingest.faults == []


@pytest.fixture
def home() -> Iterator[Home]:
    """In memory if possible: other tests check whether it is on the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Home(Path(folder))


class Node:
    """A node's delivery on a clock of the test's own."""

    def __init__(self, home: Home, pki: Path, service: dict[str, str], **more: Any) -> None:
        self.home, self.pki, self.told, self.more = home, pki, Told(service=service), more
        self.chance = random.Random(4)
        self.now, self.refreshed = 0.0, 0
        self.spool = Spool(home, **more)
        self.boot()

    def boot(self) -> None:
        """Start anew as after a kill: only what is on the disk is known."""
        signer = Signer(NODE, self.pki)
        self.delivery = Delivery(
            Spool(self.home, **self.more), lambda: self.told, signer, self.refresh, self.chance.random
        )

    def refresh(self) -> None:
        self.refreshed += 1

    def pass_by(self, seconds: float, step: float = 0.5) -> None:
        for _ in range(int(seconds / step)):
            self.delivery.run(self.now)
            self.now += step

    def put(self, n: int, stream: str = "s", priority: Priority = Priority.NORMAL, **more: Any) -> None:
        self.spool.put(KIND, NODE, {"n": n, **more}, stream=stream, priority=priority)


@pytest.fixture
def node(home: Home, pki: tuple[Path, Any], ingest: Ingest) -> Node:
    return Node(home, pki[0], ingest.told)


def test_it_delivers_in_order_signed_and_forgets(node: Node, ingest: Ingest) -> None:
    for n in range(30):
        node.put(n)
    node.pass_by(5)
    assert ingest.numbers() == {"s": list(range(30))}
    assert node.spool.status()["waiting"] == 0
    [first, *_] = ingest.stored.values()
    assert (first.type, first.subject, first.priority) == (KIND, NODE, Priority.NORMAL)


def test_it_hears_at_once_of_what_another_process_puts(node: Node, ingest: Ingest) -> None:
    node.pass_by(5)
    node.put(1)
    node.pass_by(0.2, 0.1)
    assert ingest.numbers() == {"s": [1]}


def test_batches_are_no_larger_than_a_request_takes(node: Node, ingest: Ingest) -> None:
    for n in range(12):
        node.put(n, text="é" * 40_000)
    node.pass_by(20)
    assert ingest.numbers() == {"s": list(range(12))}
    assert len(ingest.sizes) >= 4


@pytest.mark.parametrize(("count", "away_s"), [(2_000, 300), (10_000, 3600)])
def test_events_survive_an_outage_once_and_in_order(
    home: Home, pki: tuple[Path, Any], ingest: Ingest, count: int, away_s: int
) -> None:
    """The door is away, then gives bad answers for a while, and the node is killed now and then."""
    node = Node(home, pki[0], {**ingest.told, "url": "http://127.0.0.1:9"})
    numbers: dict[str, Iterator[int]] = {}
    for n in range(count):
        stream, priority = f"s{n % 7}", Priority(1 + n % 4)
        node.put(next(numbers.setdefault(stream, itertools.count())), stream, priority)
        if n % (count // 100) == 0:
            node.pass_by(away_s / 100, 1.0)
        if n % (count // 4) == 0:
            node.boot()
    assert node.now >= away_s
    assert ingest.stored == {}
    turns = itertools.count()
    ingest.mood = lambda events: [None, LOST, (503, {"detail": "Later."}), None][next(turns) % 4]
    node.told = Told(service=ingest.told)
    node.boot()
    node.pass_by(1200)
    assert node.spool.status()["waiting"] == 0
    found = ingest.numbers()
    assert sum(map(len, found.values())) == count
    for stream, one in numbers.items():
        assert found[stream] == list(range(next(one)))
    assert ingest.doubles > 0  # otherwise no answers were lost, and the test shows nothing


def test_losses_are_exactly_the_gaps_that_arrive(home: Home, pki: tuple[Path, Any], ingest: Ingest) -> None:
    """The spool is full while answers are lost: what was stored all the same is not reported as lost."""
    node = Node(home, pki[0], ingest.told, bounds=Bounds(bytes=150_000, reserved=20_000))
    places = {}
    ingest.mood = lambda events: LOST
    node.delivery._most = 20
    for n in range(600):
        priority = Priority(n % 5)
        if n % 5 or n < 100:
            place = node.spool.put(KIND, NODE, {"n": n}, stream=f"s{priority}", priority=priority)
            places[place] = priority
        if n % 50 == 0:
            node.pass_by(70, 1.0)
    ingest.mood = lambda events: None
    node.pass_by(200, 1.0)
    gaps = [event.data for event in ingest.stored.values() if event.type == GAP]
    lost = {place: priority for place, priority in places.items() if tuple(place) not in ingest.stored}
    assert len(lost) == sum(gap["count"] for gap in gaps) > 0
    assert all(
        any(gap["first"] <= place.sequence <= gap["last"] and gap["priority"] == priority for gap in gaps)
        for place, priority in lost.items()
    )
    assert Priority.VITAL not in lost.values()
    assert Priority.HIGH not in lost.values()


def test_what_is_refused_is_kept_apart_and_stops_nothing(node: Node, ingest: Ingest) -> None:
    ingest.refuses = lambda event: "It is poison." if event.data["n"] == 2 else None
    for n in range(5):
        node.put(n)
    node.pass_by(5)
    assert ingest.numbers() == {"s": [0, 1, 3, 4]}
    [dead] = node.spool.dead()
    assert (dead["data"], dead["why"]) == ({"n": 2}, "It is poison.")
    ingest.refuses = lambda event: None
    assert node.spool.retry() == 1
    node.pass_by(5)
    assert ingest.numbers() == {"s": [0, 1, 3, 4, 2]}


def test_one_that_spoils_a_whole_request_is_found(node: Node, ingest: Ingest) -> None:
    spoilt = lambda events: (422, {"detail": "No."}) if any(one.data["n"] == 11 for one in events) else None  # noqa: E731
    ingest.mood = spoilt
    for n in range(40):
        node.put(n)
    node.pass_by(60)
    assert ingest.numbers() == {"s": [n for n in range(40) if n != 11]}
    assert [one["data"]["n"] for one in node.spool.dead()] == [11]


@pytest.mark.parametrize(
    "answer",
    [
        (400, b"<html>Bad gateway configuration</html>"),
        (401, {"detail": "Who are you?"}),
        (403, {"detail": "Revoked."}),
        (404, {"detail": "Nothing here."}),
        (413, b"too large, says a proxy"),
        (429, {"detail": "Slowly."}),
        (500, b""),
        (502, b"<html>"),
        (503, {"detail": "Later."}),
        (202, {"accepted": [], "refused": []}),
        (202, {"accepted": ["another/1/1"], "refused": [{"id": "another/1/1", "why": "?"}]}),
        (202, {"ok": True}),
        (202, b"no json"),
        (302, b"", {"Location": "http://127.0.0.1:9/"}),
    ],
)
def test_whatever_else_it_says_nothing_is_forgotten(node: Node, ingest: Ingest, answer: tuple) -> None:
    ingest.mood = lambda events: answer
    node.put(1)
    node.pass_by(20)
    assert node.spool.status()["waiting"] == 1
    assert node.spool.dead() == []
    ingest.mood = lambda events: None
    node.pass_by(130)
    assert ingest.numbers() == {"s": [1]}


def test_a_service_that_does_not_know_us_makes_us_ask_for_the_pillar_once_a_minute(node: Node, ingest: Ingest) -> None:
    ingest.mood = lambda events: (401, {"detail": "Who are you?"})
    node.put(1)
    node.pass_by(59, 0.1)
    assert node.refreshed == 1


def test_it_waits_as_long_as_it_is_asked_to(node: Node, ingest: Ingest) -> None:
    ingest.mood = lambda events: (503, {"detail": "Later."}, {"Retry-After": "100"})
    node.put(1)
    node.pass_by(99)
    assert len(ingest.sizes) == 1
    node.pass_by(10)
    assert len(ingest.sizes) == 2


def test_pauses_grow_are_spread_and_begin_anew_once_it_answers(node: Node, ingest: Ingest) -> None:
    times: list[float] = []
    ingest.mood = lambda events: times.append(node.now) or (503, {"detail": "Later."})
    node.put(1)
    node.pass_by(2000, 0.1)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert max(pauses[:3]) <= 5
    assert 30 < max(pauses) <= LONGEST_PAUSE_S + 2
    assert min(pauses[8:]) < 20 < max(pauses[8:])
    ingest.mood = lambda events: None
    node.pass_by(70)
    assert ingest.numbers() == {"s": [1]}
    del times[:]
    ingest.mood = lambda events: times.append(node.now) or (503, {"detail": "Later."})
    node.put(2)
    node.pass_by(5, 0.1)
    assert len(times) >= 2


def test_it_drains_at_a_pace(node: Node, ingest: Ingest) -> None:
    for n in range(99):  # fewer than would make it wait at the start
        node.put(n)
    times: list[tuple[float, int]] = []
    ingest.mood = lambda events: times.append((node.now, len(events)))
    node.delivery._most = 20
    node.pass_by(2, 0.001)
    assert sum(count for _, count in times) == 99
    assert times[-1][0] - times[0][0] >= (99 - times[-1][1]) / PER_S


def test_nodes_that_start_together_after_an_outage_do_not_arrive_together(node: Node, ingest: Ingest) -> None:
    first: list[float] = []
    ingest.mood = lambda events: first.append(node.now) or (503, {"detail": "Later."})
    for n in range(BACKLOG):
        node.put(n)
    for number in range(25):
        node.now = 0.0
        node.chance.seed(number)
        node.boot()
        while len(first) == number:
            node.pass_by(0.5)
    assert max(first) <= SPLAY_S + 1
    assert max(sum(at <= one < at + 1 for one in first) for at in first) <= 5


def test_a_service_that_takes_no_minions_keys_yet_gets_health_alone(
    home: Home, pki: tuple[Path, Any], service: Any
) -> None:
    node = Node(home, pki[0], service.told)
    node.put(1)
    node.spool.put(EVENT_TYPE, NODE, {"n": 2}, stream="health")
    node.spool.put(Lifecycle.START, NODE, {}, priority=Priority.VITAL)
    node.pass_by(70)
    [(path, headers, body)] = service.asked
    assert (path, headers["Authorization"]) == ("/events", "Bearer node:secret")
    assert "Content-Encoding" not in headers
    assert [(one["type"], one["source"]) for one in body] == [(EVENT_TYPE, NODE)]
    assert node.spool.status()["waiting"] == 2


def test_what_waits_for_a_service_that_takes_no_keys_is_bounded(
    home: Home, pki: tuple[Path, Any], ingest: Ingest
) -> None:
    node = Node(home, pki[0], {"url": ingest.told["url"], "token": "t"}, bounds=Bounds(bytes=50_000, reserved=5_000))
    for n in range(500):
        node.put(n, text="x" * 500)
        node.pass_by(1)
    assert node.spool.status()["bytes"] <= 50_000
    node.told = Told(service=ingest.told)
    node.pass_by(60)
    lost = sum(one.data["count"] for one in ingest.stored.values() if one.type == GAP)
    assert lost + sum(one.type == KIND for one in ingest.stored.values()) == 500
    assert lost > 0


def test_a_service_that_knows_of_no_events_is_tried_seldom_and_that_is_said_once(
    node: Node, ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.mood = lambda events: (404, {"detail": "Nothing here."})
    node.put(1)
    node.pass_by(3600)
    assert len(ingest.sizes) < 200
    assert [record.message for record in caplog.records] == [
        "deliver: events are waiting. The service said 404: Nothing here."
    ]
    ingest.mood = lambda events: None
    node.pass_by(LONGEST_PAUSE_S + 1)
    assert ingest.numbers() == {"s": [1]}


def test_without_a_pillar_or_a_key_it_waits(node: Node, ingest: Ingest, tmp_path: Path) -> None:
    told, node.told = node.told, Told()
    node.put(1)
    node.pass_by(5)
    node.told, pki, node.pki = told, node.pki, tmp_path
    node.boot()
    node.pass_by(5)
    assert ingest.stored == {}
    node.pki = pki
    node.boot()
    node.pass_by(5)
    assert ingest.numbers() == {"s": [1]}


def test_the_fake_is_strict(home: Home, tmp_path: Path, ingest: Ingest) -> None:
    """With another key nothing is accepted; otherwise the tests above would show nothing."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "minion.pem").write_bytes(pem)
    node = Node(home, tmp_path, ingest.told)
    node.put(1)
    node.pass_by(3)
    assert ingest.stored == {}
    assert "InvalidSignature" in ingest.faults.pop()
    ingest.faults.clear()
