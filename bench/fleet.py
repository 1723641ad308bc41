"""Simulated nodes that talk to one service: each with its own clock, paced as the real code does, and its own spool."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from beacons.pub_health import HEARTBEAT_S
from bench import costs, telling
from bench.simulated import Clock, Request, Service
from pillar_service.core.bots import health
from pillar_service.core.errors import Unavailable
from pillar_service.core.events.submission import BATCH_BYTES, BATCH_EVENTS, Priority
from pillar_service.core.nodes import facts
from pillar_service.node import configuration, delivery, lifecycle
from pillar_service.node.bundles.duty import Bundles
from pillar_service.node.facts import SPLAY
from pillar_service.node.spool.ledger import ENVELOPE, Draft
from pillar_service.node.upgrading import duty


@dataclass(frozen=True)
class Fleet:
    """What is simulated: nodes with ``bots`` each, and workers; the service was away for ``away_s`` seconds before."""

    nodes: int
    workers: int
    writer: costs.Writer | None
    heartbeat_s: float = HEARTBEAT_S
    away_s: float = 0.0
    bots: int = 1

    @property
    def told(self) -> list[tuple[float, float]]:
        """How often a node has something to tell, in seconds, and by which share of that earlier or later."""
        return [(self.heartbeat_s, 0.0), (facts.EVERY_S, SPLAY), (lifecycle.ALIVE_EVERY_S, 0.0)]

    @property
    def asked(self) -> list[tuple[float, float]]:
        """How often a node asks for something, in the same form."""
        return [(configuration.EVERY_S, configuration.SPLAY), (Bundles.every_s, 0.0), (duty.ASK_EVERY_S, duty.SPLAY)]

    @property
    def waiting(self) -> int:
        """How many events wait in each spool at the start. Facts are not put into it again while some wait."""
        return int(self.away_s / self.heartbeat_s) + int(self.away_s / lifecycle.ALIVE_EVERY_S) + (self.away_s > 0)

    @property
    def most(self) -> int:
        """How many of a node's reports go into one request, by their size in the spool."""
        data = {"node": {"docker": True, "error": None, "unlisted": []}}
        written = json.dumps(data | {"bots": [telling.report("0" * 16, 10**9, bot) for bot in range(self.bots)]})
        draft = Draft(health.EVENT_TYPE, "cellar-1.0123456789abcdef", written, "health", Priority.LOW)
        return min(BATCH_EVENTS, BATCH_BYTES // (draft.size + ENVELOPE))

    def request(self, now: float, events: int) -> Request:
        """A batch of so many events, with its cost."""
        cost = costs.REQUEST_S + (events - 1) * costs.EVENT_S + events * self.bots * costs.SAMPLE_S
        return Request(now, cost, (self.writer or costs.WRITERS["SQLite"]).held(events))


class Node:
    """A node's spool as counts: events put, events that the service has, events that the node knows the service has."""

    __slots__ = ("failures", "is_busy", "kept", "known", "number", "put")

    def __init__(self, waiting: int) -> None:
        self.put, self.kept, self.known, self.failures, self.number = waiting, 0, 0, 0, 0
        self.is_busy = waiting >= delivery.BACKLOG  # then it does not send at once


class Run:
    """The run of a fleet and its service for some time."""

    def __init__(self, fleet: Fleet, seed: int = 1) -> None:
        self.fleet, self.chance, self.clock = fleet, random.Random(seed), Clock()
        self.most = fleet.most
        self.service = Service(self.clock, fleet.workers, fleet.writer)
        self.nodes = [Node(fleet.waiting) for _ in range(fleet.nodes)]
        self.behind, self.is_closed = fleet.nodes if fleet.waiting else 0, False
        self.stored = self.doubled = self.failed = 0  # events, events, requests
        for node in self.nodes:
            self._begin(node)

    def _begin(self, node: Node) -> None:
        for act, clocks in ((self._tell, self.fleet.told), (self._ask, self.fleet.asked)):
            for every, splay in clocks:
                self.clock.at(self.chance.uniform(0, every), act, node, every, splay)
        if node.is_busy:
            self.clock.at(self.chance.random() * delivery.SPLAY_S, self._rested, node)

    def drain(self, until: float) -> float | None:
        """Run until all that waited at the start was delivered; returns when that was, or None if not by ``until``."""
        self.clock.go(until, lambda: not self.behind)
        return None if self.behind else self.clock.now

    def settle(self) -> None:
        """Put nothing new, and run until every node knows that all its events were delivered."""
        self.is_closed = True
        self.clock.go(float("inf"))

    def _again(self, act: Callable[..., None], node: Node, every: float, splay: float) -> None:
        pause = every * self.chance.uniform(1 - splay, 1 + splay) if splay else every
        self.clock.at(self.clock.now + pause, act, node, every, splay)

    def _tell(self, node: Node, every: float, splay: float) -> None:
        if self.is_closed:
            return
        node.put += 1
        self._again(self._tell, node, every, splay)
        self._send(node)

    def _ask(self, node: Node, every: float, splay: float) -> None:
        if self.is_closed:
            return
        self.service.question(costs.QUESTION_S)
        self._again(self._ask, node, every, splay)

    def _send(self, node: Node) -> None:
        if node.is_busy or node.put == node.known:
            return
        node.is_busy, node.number = True, node.number + 1
        first, last = node.known, min(node.put, node.known + self.most)
        request = self.fleet.request(self.clock.now, last - first)
        request.taken = partial(self._taken, node, node.number, first, last)
        request.refused = partial(self._failed, node, node.number)
        if not self.service.ask(request):
            self.clock.at(self.clock.now + delivery.PATIENCE_S, request.refused)

    def _taken(self, node: Node, number: int, first: int, last: int) -> None:
        new = max(0, last - node.kept)
        node.kept, self.stored, self.doubled = node.kept + new, self.stored + new, self.doubled + last - first - new
        if number != node.number:
            return  # the node has given up on this request, does not know of this, and sends the events again
        self.behind -= first < self.fleet.waiting <= last
        node.known, node.failures, node.number, node.is_busy = last, 0, number + 1, last < node.put
        if node.is_busy:
            self.clock.at(self.clock.now + (last - first) / delivery.PER_S, self._rested, node)

    def _failed(self, node: Node, number: int) -> None:
        if number != node.number:
            return
        self.failed += 1
        longest = min(delivery.LONGEST_PAUSE_S, delivery.FIRST_PAUSE_S * 2 ** min(node.failures, 10))
        node.failures, node.number = node.failures + 1, node.number + 1
        pause = (Unavailable.retry_after_s or 0) + self.chance.random() * longest
        self.clock.at(self.clock.now + pause, self._rested, node)

    def _rested(self, node: Node) -> None:
        node.is_busy = False
        self._send(node)
