"""The master's event bus, for benchmarks."""

import threading
import time
from collections.abc import Callable
from typing import Any

import salt.utils.event

Number = Callable[[str, list[Any]], int | None]
"""The number of a benchmark's call, by its function and arguments; None for any other call."""


class Bus(threading.Thread):
    """Records when each call, by its number, was new, and whether it has returned. Use it with ``with``."""

    def __init__(self, opts: dict[str, Any], number: Number) -> None:
        super().__init__(daemon=True)
        self.opts, self.number, self.new, self.returned = opts, number, dict[int, float](), set[int]()
        self.ready, self.ended = threading.Event(), threading.Event()

    def __enter__(self) -> "Bus":
        self.start()
        self.ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        """Listen until the end."""
        with salt.utils.event.get_event("master", opts=self.opts, listen=True) as bus:
            self.ready.set()
            while not self.ended.is_set():
                if event := bus.get_event(wait=1, tag="salt/job/", full=True):
                    self._heard(event["tag"].split("/")[3], event["data"])

    def _heard(self, what: str, data: dict[str, Any]) -> None:
        now = time.perf_counter()
        number = self.number(data.get("fun", ""), data.get("arg" if what == "new" else "fun_args") or [])
        if number is None:
            return
        if what == "new":
            self.new.setdefault(number, now)
        elif what == "ret":
            self.returned.add(number)
